"""Studies: one file is found and carried out, what is stored is not done again, and answers follow from the values."""

import csv
import importlib.metadata
import json
import pickle
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from ssl_irmae._support.compute import Precision
from ssl_irmae._support.environment import versions
from ssl_irmae.architecture import Architecture
from ssl_irmae.bottlenecks import Gaussian
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.loop import NonFiniteLossError
from ssl_irmae.protocols import studies
from ssl_irmae.protocols.representations.brief_pretraining import pretrain_briefly
from ssl_irmae.protocols.running.executors import Pool
from ssl_irmae.protocols.running.work import Work
from ssl_irmae.protocols.statistics.rank_correlation import rank_correlation
from ssl_irmae.protocols.statistics.spreads import Spread
from ssl_irmae.protocols.studies.matched import needed
from ssl_irmae.protocols.studies.rank_or_gaussian import FROM_GAUSSIAN
from ssl_irmae.protocols.studies.variance import most
from ssl_irmae.protocols.studying.carry_out import CarriedOutStudy
from ssl_irmae.protocols.studying.cost import describe_cost
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.encoder_work import EncoderWork, run_in_worker, work_on
from ssl_irmae.protocols.studying.encoder_workers import in_workers, lanes_for
from ssl_irmae.protocols.studying.figure import figure
from ssl_irmae.protocols.studying.found import find_study, study_names
from ssl_irmae.protocols.studying.measure import Measure, MeasuredEncoder
from ssl_irmae.protocols.studying.measures import ACTIVE, MLE, MSE, RANK, SAMPLES, START_NORM
from ssl_irmae.protocols.studying.phrases import beside_floors, change, lowest, lowest_everywhere
from ssl_irmae.protocols.studying.results import Floats, Pretraining, Results, Value
from ssl_irmae.protocols.studying.saved import Origin
from ssl_irmae.protocols.studying.study import CHOOSING_SEED, Level, Study, error_column
from ssl_irmae.protocols.task import Task, load_task
from tests.command_line import check_mistake, run

TINY = '''
"""A study of two levels, in one file."""

from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measure import Measure, MeasuredEncoder
from ssl_irmae.protocols.studying.measures import MSE, RANK
from ssl_irmae.protocols.studying.phrases import lowest
from ssl_irmae.protocols.studying.study import Level, Panel, Study


def width(encoder: MeasuredEncoder) -> float:
    return encoder.codes.shape[1]


def study(*, quick: bool) -> Study:
    return Study(
        title="Width of tiny codes",
        question="Four or eight?",
        levels=(
            Level("narrow", (EncoderSettings(method="ae", latent_dim=4),), at=4),
            Level(
                "wide",
                (
                    EncoderSettings(method="ae", latent_dim=8),
                    EncoderSettings(method="sparse", latent_dim=8, strength=1e4),
                ),
                at=8,
            ),
            Level("wide, uniform", (EncoderSettings(method="ae", latent_dim=8),), at=8, rule="uniform"),
        ),
        datasets=("digits",),
        seeds=(0, 1),
        measures=(RANK, MSE, Measure("width", "width", width, digits=0)),
        budgets=(20,),
        subsets=(200, 201),
        steps=12,
        panels=(Panel(("rank",)), Panel(("linear, 20 labels",), against="rank")),
        answer=lambda results: [f"The MSE is {lowest(results, 'mse', 'digits')}."],
    )
'''


@pytest.fixture
def _one_more_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "tiny_codes.py").write_text(TINY)
    monkeypatch.setattr(studies, "__path__", [*studies.__path__, str(tmp_path / "more")])
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_one_more_file")
def test_a_study_is_one_file() -> None:
    assert "tiny-codes" in study_names()
    assert "Four or eight?" in run("study --list").stdout
    said = run("study tiny-codes --jobs 1 --out out")
    printed = said.stdout
    for settings in ("ae, latent dim 4", "ae, latent dim 8"):
        assert all(f"digits {settings}, seed {seed}: " in said.stderr for seed in (0, 1))
    page = Path("out/README.md").read_text()
    (answer,) = re.findall(r"^The MSE is .*$", page, re.MULTILINE)
    assert answer in " ".join(printed.split())
    with Path("out/measures.csv").open(newline="") as file:
        measures = list(csv.DictReader(file))
    with Path("out/rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with Path("out/encoders.csv").open(newline="") as file:
        encoders = list(csv.DictReader(file))
    # two seeds of every level, and each candidate once, with a seed that no result is of
    tried = {
        (f"wide: {candidate}", "1000") for candidate in ("ae, latent dim 8", "sparse, latent dim 8, strength 10000")
    }
    every = {(level, seed) for level in ("narrow", "wide", "wide, uniform") for seed in "01"}
    assert {(e["level"], e["pretrain_seed"]) for e in encoders} == every | tried
    assert {(m["level"], m["pretrain_seed"]) for m in measures} == every | tried
    assert {m["value"] for m in measures if m["measure"] == "width"} == {"4", "8"}
    # levels have two pretraining seeds, and what they have to beat has none
    floors = ("pixels", "untrained encoder")
    assert all([row["pretrain_seed"] for row in rows if row["level"] == floor] == ["", ""] for floor in floors)
    assert len(rows) == 3 * 2 * 2 + 2 * 2
    assert "- digits: with 20 labels linear errs" in page
    assert all(re.search(rf"^\| {floor} \|.* ± ", page, re.MULTILINE) for floor in floors)
    assert all(0 <= float(row["error"]) <= 100 for row in rows)
    # the strongly penalised candidate reconstructs worse
    assert {e["settings"] for e in encoders if e["level"] == "wide"} == {"ae, latent dim 8"}
    assert "digits, wide: ae, latent dim 8" in page
    assert Path("out/figure.png").read_bytes().startswith(b"\x89PNG")
    assert "ssl-irmae study tiny-codes" in page
    # the page follows from the files beside it
    assert CarriedOutStudy.read("out").page == page
    encoders_text = Path("out/encoders.csv").read_text()
    Path("out/encoders.csv").write_text(
        encoders_text.replace('narrow,0,"ae, latent dim 4"', 'narrow,0,"ae, latent dim 5"')
    )
    with pytest.raises(ValueError, match=r"other settings of \['narrow'\] by now: run `ssl-irmae study tiny-codes`"):
        CarriedOutStudy.read("out")
    Path("out/encoders.csv").write_text(encoders_text)
    text = Path("out/rows.csv").read_text()
    Path("out/rows.csv").write_text(re.sub(r"(?m)^.*,pixels,.*\n", "", text))
    with pytest.raises(ValueError, match=r"nothing of \[\('digits', 'pixels'\)\].*: run `ssl-irmae study tiny-codes`"):
        CarriedOutStudy.read("out")


@pytest.mark.usefixtures("_one_more_file")
def test_what_is_stored_is_not_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = run("study tiny-codes --jobs 1 --quiet --out out").stdout
    files = {file.name: file.read_bytes() for file in Path("out").iterdir()}

    def work(*_: object) -> None:
        raise AssertionError("an encoder is worked on again")

    monkeypatch.setattr("ssl_irmae.protocols.studying.runner.work_on", work)
    monkeypatch.setattr("ssl_irmae.protocols.running.runner.Runner.run", work)
    assert run("study tiny-codes --jobs 1 --quiet --out out").stdout == first
    assert {file.name: file.read_bytes() for file in Path("out").iterdir()} == files
    document = json.loads(run("study tiny-codes --jobs 1 --quiet --json --out out").stdout)
    assert document["answer"][0] in " ".join(first.split())
    assert len(document["values"]) == 3 * 2 * (3 + 2) + 2 + 2 * 2


def _diverge(monkeypatch: pytest.MonkeyPatch, *, seed: int) -> None:
    """Let every pretraining of a seed diverge."""

    def diverging(name: str, **arguments: Any) -> Path:
        if arguments["seed"] == seed:
            raise NonFiniteLossError("the loss is not finite")
        return pretrain_briefly(name, **arguments)

    monkeypatch.setattr("ssl_irmae.protocols.studying.encoder_work.pretrain_briefly", diverging)


@pytest.mark.usefixtures("_one_more_file")
def test_a_pretraining_that_diverges_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _diverge(monkeypatch, seed=1)
    run("study tiny-codes --jobs 1 --quiet --out out")
    page = Path("out/README.md").read_text()
    assert "digits, narrow: 1 of 2 pretrainings diverged and are left out (seed 1: the loss is not finite)" in page
    with Path("out/measures.csv").open(newline="") as file:
        assert {row["pretrain_seed"] for row in csv.DictReader(file)} == {"0", "1000"}
    assert CarriedOutStudy.read("out").page == page


@pytest.mark.usefixtures("_one_more_file")
def test_a_level_whose_candidates_all_diverge_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _diverge(monkeypatch, seed=CHOOSING_SEED)
    run("study tiny-codes --jobs 1 --quiet --out out")
    page = Path("out/README.md").read_text()
    assert "digits, wide: none of 2, as no candidate has a result" in page
    assert "| wide | - | - | - | - |" in page
    assert CarriedOutStudy.read("out").page == page


def test_mistakes_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    check_mistake("study dpeth", "did you mean 'depth'?")
    check_mistake("study", "name a study: depth, ")
    check_mistake("study depth --out file", "--out: file is a file: name a folder")
    check_mistake("study depth --out file/sub", "--out: file/sub cannot be written to (Not a directory)")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


# workers


@pytest.fixture(scope="module")
def task() -> Task:
    return load_task("digits", scored_on="development")


def _networks(method: str) -> Architecture:
    settings = EncoderSettings(method=method, latent_dim=4, depth=1 if method == "irmae" else None)
    return settings.architecture(channels=1, image_size=32, most_depth=2)


def _work(task: Task, seed: int) -> EncoderWork:
    architecture = _networks("irmae")
    measures = (RANK, MSE, START_NORM)
    return EncoderWork(
        "digits", task.train.fingerprint, architecture, "irmae", seed, 6, "fp32", "cpu", measures, "a test"
    )


class _LosesFirst(Executor):
    """Loses the worker of its first work, then does everything here."""

    lost = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        if _LosesFirst.lost == 0:
            _LosesFirst.lost += 1
            done.set_exception(BrokenExecutor("killed"))
        else:
            try:
                done.set_result(fn(*args, **kwargs))
            except Exception as error:
                done.set_exception(error)
        return done


def test_workers_find_the_same_and_lost_work_is_done_again(task: Task) -> None:
    works = [_work(task, seed) for seed in (0, 1)]
    _LosesFirst.lost = 0
    said: list[object] = []
    found = dict(each for each in in_workers(works, lanes_for(1, Pool("mine", _LosesFirst, 2)), said.append) if each)
    assert len(said) == 1
    for work in works:
        (value, _) = found[work].values["mse"]
        assert value == work_on(work, task).values["mse"][0]
        assert found[work].failed is None


def test_a_worker_with_other_versions_measures_nothing(task: Task) -> None:
    caller = Work.of(None)._replace(versions={**versions(), "torch": "1.0"})
    answer = pickle.loads(run_in_worker(caller, pickle.dumps(_work(task, 0))))  # noqa: S301 (ours)
    assert isinstance(answer, UserError)
    assert "and torch 1.0 was expected: let workers use the same environment" in str(answer)


def test_an_error_of_the_user_is_raised_when_the_others_are_done(task: Task) -> None:
    _LosesFirst.lost = 1
    bad = _work(task, 0)._replace(fingerprint="other")
    found = in_workers([bad, _work(task, 1)], lanes_for(1, Pool("mine", _LosesFirst, 1)), lambda _: None)
    assert next(each for each in found if each)[0].seed == 1
    with pytest.raises(UserError, match="finds other images of digits"):
        list(found)


def test_the_stack_at_the_start_has_the_size_of_its_product(task: Task) -> None:
    ((value, _),) = [work_on(_work(task, 0), task).values["start norm"]]
    built = _work(task, 0).architecture.build(0).bottleneck.product()
    assert value == pytest.approx(float(built.norm()) / 2)  # sqrt(d) is 2


def test_encoders_of_another_optimiser_or_rate_are_kept_apart(task: Task) -> None:
    usual = _work(task, 0)
    assert usual._replace(learning_rate=5e-4).folder == usual.folder  # the recipe's
    others = [usual._replace(learning_rate=1e-3), usual._replace(optimizer="rmsprop", learning_rate=1e-3)]
    assert len({work.folder for work in (usual, *others)}) == 3
    work_on(others[1], task)
    assert others[1].open("mine").pretraining.optimizer == "rmsprop"


def test_what_is_measured_is_on_images_that_were_held_out(task: Task) -> None:
    work = _work(task, 0)
    fingerprint = work.open("mine").data_fingerprint if work.is_pretrained else None
    if fingerprint is None:
        work_on(work, task)
        fingerprint = work.open("mine").data_fingerprint
    assert fingerprint == task.train.fingerprint
    train = {bytes(image.numpy()) for image in task.train.images}
    assert task.scored_on == "development"
    assert len(task.train) + len(task.scored) == 1300
    assert sum(bytes(image.numpy()) in train for image in task.scored.images) < 5


# statistics and phrases


def _results(values: dict[str, list[float]], subsets: int = 0) -> Results:
    """Return results of one data set: values by level and pretraining seed, with small differences by subset."""
    study = Study("t", "q?", tuple(map(Level, values)), ("d",), (0, 1, 2), lambda _: [], measures=(MSE,))
    every = [
        Value("d", level, seed, "mse" if not subsets else "linear", 100 if subsets else None, s, value, 1.0, "")
        for level, numbers in values.items()
        for seed, value in enumerate(numbers)
        for s in (range(subsets) if subsets else [None])
    ]
    if subsets:
        every = [v._replace(value=(v.value or 0) + 0.1 * (v.subset or 0)) for v in every]
    return Results(study, "t", every, [])


def test_differences_are_those_of_the_paired_t_test() -> None:
    a, b = [0.5, 0.7, 0.8], [0.1, 0.2, 0.6]
    gap = _results({"a": a, "b": b}).gap("mse", "a", "b", "d")
    assert gap is not None
    interval = stats.ttest_rel(a, b).confidence_interval()
    assert (gap.low, gap.high) == pytest.approx(tuple(interval))
    assert gap.known == (interval.low > 0)


def test_means_have_the_standard_error_over_pretraining_seeds() -> None:
    mean = _results({"a": [0.5, 0.7, 0.8]}).mean("mse", "a", "d")
    assert mean is not None
    assert (mean.mean, mean.error) == pytest.approx((2 / 3, stats.sem([0.5, 0.7, 0.8])))


def test_errors_that_differ_by_subset_alone_are_no_doubt_about_a_paired_difference() -> None:
    results = _results({"a": [5.0, 6.0, 7.0], "b": [4.0, 5.0, 6.5]}, subsets=4)
    gap = results.gap(error_column("linear", 100), "a", "b", "d")
    assert gap is not None
    interval = stats.ttest_1samp([1.0, 1.0, 0.5], 0).confidence_interval()
    assert (gap.mean, gap.low, gap.high) == pytest.approx((2.5 / 3, interval.low, interval.high))


@pytest.mark.parametrize("subsets", [0, 4])
def test_that_all_pairs_differ_alike_does_not_make_a_difference_certain(subsets: int) -> None:
    column = error_column("linear", 100) if subsets else "mse"
    gap = _results({"a": [5.0, 5.1], "b": [3.0, 3.1]}, subsets=subsets).gap(column, "a", "b", "d")
    assert gap is not None
    assert (round(gap.mean, 9), gap.low, gap.high, gap.known) == (2, None, None, False)


def test_what_has_no_pretraining_is_paired_with_every_pretraining_seed() -> None:
    results = _results({"a": [5.0, 6.0, 7.0], "pixels": [4.0]}, subsets=4)
    results.values = [v._replace(pretrain_seed=None) if v.level == "pixels" else v for v in results.values]
    gap = results.gap(error_column("linear", 100), "a", "pixels", "d")
    assert gap is not None
    interval = stats.ttest_1samp([1.0, 2.0, 3.0], 0).confidence_interval()
    assert (gap.mean, gap.low, gap.high, gap.pairs) == pytest.approx((2.0, interval.low, interval.high, 3))


def test_only_levels_below_every_floor_for_certain_are_said_to_err_less() -> None:
    errors = {
        "a": [5.0, 6.0, 7.0],
        "b": [1.0, 9.5, 9.0],
        "c": [9.4, 9.5, 9.6],
        "pixels": [9.0],
        "untrained encoder": [10.0],
    }
    results = _results(errors, subsets=4)
    floors = {"pixels", "untrained encoder"}
    results.values = [v._replace(pretrain_seed=None) if v.level in floors else v for v in results.values]
    results.study = replace(results.study, levels=results.study.levels[:3])
    (sentence,) = beside_floors(results)
    assert sentence.endswith("95 % intervals, on a.")
    results.study = replace(results.study, levels=results.study.levels[:1])
    (sentence,) = beside_floors(results)
    assert sentence.endswith("95 % intervals, on all.")
    results.study = replace(results.study, levels=(Level("c"),))
    (sentence,) = beside_floors(results)
    assert sentence.endswith("95 % intervals, on none.")


def test_subsets_of_different_rules_are_no_pairs() -> None:
    rng = np.random.default_rng(0)
    study = Study("t", "q?", (Level("a"), Level("b", rule="uniform")), ("d",), (0, 1, 2), lambda _: [])
    errors = {"a": rng.normal(10, 1, (3, 8)), "b": rng.normal(8, 1, (3, 8))}

    def gap(seeds_of_b: Sequence[int]) -> tuple[float | None, ...]:
        values = [
            Value("d", level, seed, "linear", 100, subset, float(numbers[seed, place]), 0.0, "")
            for level, numbers in errors.items()
            for place, subset in enumerate(range(8) if level == "a" else seeds_of_b)
            for seed in range(3)
        ]
        found = Results(study, "t", values, []).gap(error_column("linear", 100), "a", "b", "d")
        assert found is not None
        return found.low, found.high

    # which subset of the one rule has the seed of which of the other changes nothing
    assert gap(range(8)) == pytest.approx(gap([3, 1, 0, 2, 7, 6, 5, 4]))


def test_the_first_images_are_one_subset_however_often_they_are_used() -> None:
    study = Study("t", "q?", (Level("a", rule="first"),), ("d",), (0, 1, 2), lambda _: [])
    values = [Value("d", "a", seed, "linear", 100, s, 5.0 + seed, 0.0, "") for seed in range(3) for s in range(10)]
    mean = Results(study, "t", values, []).mean(error_column("linear", 100), "a", "d")
    assert mean is not None
    assert mean.error == pytest.approx(stats.sem([5.0, 6.0, 7.0]))


def test_rows_from_before_do_not_stay_beside_a_page(tmp_path: Path) -> None:
    (tmp_path / "encoders.csv").write_text("of a comparison that the study made before")
    CarriedOutStudy(_results({"a": [1.0, 2.0, 3.0]}), Origin("depth", True, "a machine")).save(tmp_path)
    assert (tmp_path / "measures.csv").exists()
    assert not (tmp_path / "encoders.csv").exists()


def test_rows_of_another_comparison_are_refused(tmp_path: Path) -> None:
    study = find_study("penalties")(quick=True)
    values = [
        Value("mnist", level.name, seed, what, labels, subset, 5.0, 1.0, "e")
        for level in (*study.levels, *study.floors)
        for seed in (study.seeds if level.candidates else (None,))
        for what, labels, subsets in (
            ("linear", 100, study.subsets),
            *((m.name, None, (None,)) for m in study.measures),
        )
        if seed is not None or labels
        for subset in subsets
    ]
    encoders = [
        Pretraining(
            "mnist", level.name, seed, str(level.candidates[0]), 1200, 1.0, on_plateau=False, failed="", encoder=""
        )
        for level in study.levels
        for seed in study.seeds
    ]

    def save(values: list[Value], encoders: list[Pretraining]) -> None:
        CarriedOutStudy(Results(study, "penalties", values, encoders), Origin("penalties", True, "here")).save(tmp_path)

    save(values, encoders)
    CarriedOutStudy.read(tmp_path)
    save([v._replace(subset=1) if v.subset == study.subsets[0] else v for v in values], encoders)
    with pytest.raises(ValueError, match=r"labelled subsets are \[1, .*: run `ssl-irmae study penalties`"):
        CarriedOutStudy.read(tmp_path)
    save(values, [each._replace(steps=9) for each in encoders])
    with pytest.raises(ValueError, match=r"steps are \[9\], and the study has \[1200\] by now"):
        CarriedOutStudy.read(tmp_path)


def test_a_level_that_is_better_for_certain_where_both_have_values_may_be_the_lowest() -> None:
    results = _results({"a": [1.0, 2.0], "b": [0.5, 1.5, 10.0]})  # the third pretraining of a diverged
    found = results.lowest("mse", "d")
    assert found is not None
    assert (found.level, found.others) == ("a", ("b",))


def test_levels_that_cannot_be_told_apart_are_named() -> None:
    results = _results({"a": [1.0, 2.0, 3.0], "b": [1.1, 1.9, 3.1], "c": [5.0, 6.0, 7.1]})
    assert "lowest at a" in lowest(results, "mse", "d")
    assert "; b cannot be told from it" in lowest(results, "mse", "d")
    assert lowest_everywhere(results, "mse") == ["a", "b"]
    assert change(results, "mse", "c", "a", "d").startswith("higher by 4.0333 (95 % interval ")
    assert change(results, "mse", "b", "a", "d").startswith("no different as far as one can tell")


def test_the_rank_correlation_is_spearmans_with_its_permutation_test() -> None:
    x, y = [1.0, 5.0, 2.0, 2.0, 9.0], [2.0, 3.0, 3.0, 1.0, 8.0]
    rho, p = rank_correlation(x, y)
    assert rho == pytest.approx(stats.spearmanr(x, y).statistic)

    def statistic(a: Floats) -> float:
        return float(stats.spearmanr(a, y).statistic)

    exact = stats.permutation_test((x,), statistic, permutation_type="pairings", n_resamples=np.inf)
    assert p == pytest.approx(np.mean(np.abs(exact.null_distribution) >= abs(rho) - 1e-9))


# every study that there is


def _forms() -> Iterator[tuple[str, bool]]:
    for name in study_names():
        yield from ((name, True), (name, False))


@pytest.mark.parametrize("found", ["noise", "ties", "plateau"])
@pytest.mark.parametrize(("name", "quick"), list(_forms()))
def test_a_study_can_be_carried_out_and_says_something_whatever_is_found(
    name: str, quick: bool, found: str, tmp_path: Path
) -> None:
    """Values are noise, all the same, or those of encoders that have learned nothing, one of which diverged."""
    study = find_study(name)(quick=quick)
    errors = {
        level.name: [(label, b) for label in (level.contenders or study.readouts) for b in study.budgets]
        for level in (*study.levels, *study.floors)
    }
    columns = {error_column(*each) for several in errors.values() for each in several}
    columns |= {measure.name for measure in study.measures}
    drawn = {column for panel in study.panels for column in (*panel.columns, panel.against or panel.columns[0])}
    assert drawn <= columns
    assert study.question.endswith("?")
    assert len({level.slug for level in study.levels}) == len(study.levels)
    if any(len(level.candidates) > 1 for level in study.levels):
        assert study.chosen_by in columns
    for level in study.levels:
        for settings in level.candidates:
            settings.architecture(channels=1, image_size=32, most_depth=4)
    assert len(study.seeds) >= 3 or not any(level.candidates for level in study.levels)
    pickle.dumps(study.measures)  # as workers get them
    rng = np.random.default_rng(0)
    number: Callable[[], float] = rng.uniform if found == "noise" else lambda: 0.5
    plateau = found == "plateau"
    values: list[Value] = []
    encoders: list[Pretraining] = []
    for dataset in study.datasets:
        for level in (*study.levels, *study.floors):
            seeds = study.seeds if level.candidates else (None,)
            for seed in seeds:
                place = (dataset, level.name, seed)
                if seed is not None:
                    what = (dataset, level.name, seed, str(level.candidates[0]), study.steps, 1.0)
                    failed = "the loss is not finite" if plateau and seed == study.seeds[-1] else ""
                    encoders.append(
                        Pretraining(*what, on_plateau=plateau, failed=failed, encoder="" if failed else "e")
                    )
                    if failed:
                        continue
                    values += [Value(*place, m.name, None, None, number(), 1.0, "e") for m in study.measures]
                values += [
                    Value(*place, label, budget, subset, 100 * number(), 1.0, "e")
                    for label, budget in errors[level.name]
                    for subset in study.subsets
                ]
    results = Results(study, name, values, encoders)
    carried_out = CarriedOutStudy(results, Origin(name, quick, "a machine"))
    assert carried_out.answer
    assert all(re.search(r"\.$", sentence) and "nan" not in sentence for sentence in carried_out.answer)
    if found == "ties":  # nothing differs from anything
        assert not any(re.search(r"(lower|higher) by|\byes\b|errs less", sentence) for sentence in carried_out.answer)
    assert carried_out.page.index(carried_out.answer[0]) < carried_out.page.index("## ")
    assert all(f"| {level.name} |" in carried_out.page for level in (*study.levels, *study.floors))
    assert len(figure(results).axes) >= 1
    carried_out.save(tmp_path)
    assert CarriedOutStudy.read(tmp_path).page == carried_out.page


def test_every_measure_is_a_number_of_a_tiny_encoder(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.generation.judge.STEPS", 5)
    measures = {m.name: m for name in study_names() for m in find_study(name)(quick=False).measures}
    works = [_work(task, 0), _work(task, 0)._replace(architecture=_networks("vae"))]  # some are of VAEs alone
    found = [work_on(work._replace(measures=tuple(measures.values())), task).values for work in works]
    values = [[each[name][0] for each in found] for name in measures]
    assert all(any(value is not None for value in both) for both in values)
    assert all(value is None or np.isfinite(value) for both in values for value in both)


def test_codes_that_are_all_the_same_have_no_distance_of_samples(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MeasuredEncoder, "codes", torch.ones(10, 4))
    ((value, _),) = work_on(_work(task, 0)._replace(measures=(SAMPLES,)), task).values.values()
    assert value is None


@pytest.mark.parametrize(("deviation", "mean", "expected"), [(1.0, 0.0, 0.0), (1.0, 2.0, 4.0), (3.0, 0.0, 4.0)])
def test_the_distance_to_a_gaussian_is_of_mean_and_deviation(
    deviation: float, mean: float, expected: float, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = torch.randn(100_000, 4, generator=torch.Generator().manual_seed(0)) * deviation + mean
    monkeypatch.setattr(MeasuredEncoder, "codes", codes)
    ((value, _),) = work_on(_work(task, 0)._replace(measures=(FROM_GAUSSIAN,)), task).values.values()
    assert value == pytest.approx(expected, abs=0.05)


def test_a_measure_that_is_not_finite_is_not_known(task: Task) -> None:
    measures = (Measure("nan", "nan", lambda _: float("nan")), Measure("infinity", "infinity", lambda _: float("inf")))
    values = work_on(_work(task, 0)._replace(measures=measures), task).values
    assert [value for value, _ in values.values()] == [None, None]


def test_what_an_extra_measures_is_kept_by_its_version(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    work = _work(task, 0)
    before = {measure.name: work.key(measure) for measure in (RANK, MLE)}
    version = importlib.metadata.version
    newer = {"scikit-dimension": "99"}
    monkeypatch.setattr(importlib.metadata, "version", lambda package: newer.get(package) or version(package))
    assert work.key(RANK) == before[RANK.name]
    assert work.key(MLE) != before[MLE.name]


def test_units_of_a_vae_that_do_not_vary_are_not_active(task: Task) -> None:
    work = _work(task, 0)._replace(architecture=_networks("vae"), measures=(ACTIVE,))
    ((value, _),) = work_on(work, task).values.values()
    codes = work.open("mine").load().encode(task.scored.images).numpy()
    assert value == np.count_nonzero(codes.var(axis=0, ddof=1) > 0.01)


@pytest.mark.parametrize(("precision", "most"), [("bf16", 15), ("fp32", 30)])
def test_quick_forms_are_estimated_to_take_as_long_as_the_help_says(precision: Precision, most: int) -> None:
    for name in study_names():
        minutes = re.search(r"about (\d+) minutes", describe_cost(find_study(name)(quick=True), precision))
        assert minutes is not None, name
        assert int(minutes[1]) <= most, name


# answers with a logic of their own


def _values_of(name: str, values: dict[str, list[float]], column: str = "mse") -> Results:
    """Return results of a study's quick form: values of one column, by level and pretraining seed."""
    study = find_study(name)(quick=True)
    (dataset,) = study.datasets
    every = [
        Value(dataset, level, seed, column, None, None, value, 1.0, "e")
        for level, several in values.items()
        for seed, value in enumerate(several)
    ]
    return Results(study, name, every, [])


def test_a_method_that_is_worse_at_every_width_is_not_said_to_need_more() -> None:
    ranks = {"IRMAE, d 128": [6.0, 6.1, 6.2]}
    errors = {
        "IRMAE, d 128": [3.0, 3.1, 3.2],
        **{f"AE, d {width}": [5.0, 5.2, 5.1] for width in (8, 16)},
        "AE, d 32": [2.0, 2.15, 2.2],
        **{f"VAE, beta 0.01, d {width}": [5.0, 5.2, 5.1] for width in (8, 16, 32)},
    }
    results = _values_of("matched", errors)
    results = Results(results.study, "matched", results.values + _values_of("matched", ranks, "rank").values, [])
    first, *_ = results.study.answer(results)
    assert "AE needs more than 16 and at most 32 dimensions" in first
    assert "VAE, beta 0.01 is as good at none up to 32" in first
    assert "more is needed by AE, one cannot tell whether more is needed by VAE, beta 0.01" in first


@pytest.mark.parametrize("name", ["latent-dim", "matched"])
@pytest.mark.parametrize("quick", [True, False])
def test_the_penalty_of_a_vae_weighs_the_same_at_every_width(name: str, quick: bool) -> None:
    weights: dict[str, set[float]] = {}
    for level in find_study(name)(quick=quick).levels:
        (settings,) = level.candidates
        bottleneck = settings.architecture(channels=1, image_size=32, most_depth=None).build_empty().bottleneck
        if isinstance(bottleneck, Gaussian):
            assert level.line is not None
            weights.setdefault(level.line, set()).add(round(bottleneck.beta / bottleneck.width, 12))
    assert weights
    assert all(len(found) == 1 for found in weights.values()), weights


def test_a_width_is_enough_or_too_narrow_only_where_the_pairs_leave_no_doubt() -> None:
    results = _values_of(
        "matched",
        {
            "IRMAE, d 128": [3.0, 3.1, 3.2],
            "AE, d 8": [5.0, 5.2, 5.1],
            "AE, d 16": [2.9, 3.3, 3.1],
            "AE, d 32": [2.0, 2.15, 2.2],
            "VAE, beta 0.01, d 8": [4.0, 4.2, 4.1],
        },
    )
    assert needed(results, "AE", "mnist") == (8, 32)
    assert needed(results, "VAE, beta 0.01", "mnist") == (8, None)


def test_a_source_varies_most_only_if_its_interval_is_above_the_others() -> None:
    assert most({"a": Spread(3.0, 2.0, 5.0), "b": Spread(1.0, 0.5, 1.9)}) == "a"
    assert most({"a": Spread(3.0, 1.8, 5.0), "b": Spread(1.0, 0.5, 1.9)}) is None
