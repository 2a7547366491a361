"""The grid's promises: no test label reaches a learner, subsets are shared, rows repeat, nothing is lost."""

import dataclasses
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae._support.files import sha256
from ssl_irmae.encoders.encoder import Encoder, read_config
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.report.report import make_report
from ssl_irmae.protocols.representations.pretrained import open_encoder
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.storage.rows import Row, Trial
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task, load_task
from tests.protocols.small_grids import QUICK, Encoders, encoders_of, plan, rows, stored_indices, stored_rows


@pytest.fixture(scope="module")
def finished(task: Task, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One run of every contender."""
    before = sha256(tiny_encoder / "model.safetensors")
    store = tmp_path_factory.mktemp("finished") / "s"
    rows(task, encoders_of(tiny_encoder), store)
    assert sha256(tiny_encoder / "model.safetensors") == before, "a frozen encoder must not change"
    return Store(store)


def always(label: int) -> Any:
    """Return a readout that learns nothing and predicts one class."""

    def fit(_: Sample) -> Predictor:
        return lambda x: torch.full((len(x),), label)

    return fit


def test_which_images_were_wrong_is_kept_with_every_trial(task: Task, finished: Store) -> None:
    for trial in finished.trials():
        wrong = np.unpackbits(np.frombuffer(trial.wrong, dtype=np.uint8), count=len(task.scored))
        assert 100 * wrong.sum() / len(task.scored) == pytest.approx(trial.row.error)
        assert trial.row.classes_predicted is not None
        assert 1 <= trial.row.classes_predicted <= 10


def test_the_steps_of_a_part_apply_to_trained_networks_only(task: Task, encoders: Encoders, tmp_path: Path) -> None:
    names = ("irmae-mlp", "supervised")
    parts = tuple(Part(contenders=names, budgets=(b,), seeds=(0,), steps=n) for b, n in ((10, 1), (20, 2), (30, None)))
    found = rows(task, encoders, tmp_path / "s", dataclasses.replace(plan(names), parts=parts))
    steps = {(row.contender, row.budget): row.settings["steps"] for row in found}
    assert [steps["supervised", b] for b in (10, 20, 30)] == [1, 2, 3]
    assert [steps["irmae-mlp", b] for b in (10, 20, 30)] == [3, 3, 3]
    given = {(row.contender, row.budget): row.given for row in found}
    assert [given["supervised", b] for b in (10, 20, 30)] == [("steps",), ("steps",), ()]
    # what was planned is what was run: the same settings in the contender give the same predictions
    same = {"supervised": dataclasses.replace(QUICK["supervised"], settings=found[1].settings)}
    again = rows(task, encoders, tmp_path / "t", plan(["supervised"], (10,), (0,), same))
    assert [row.predictions for row in again] == [found[1].predictions]


def test_permuting_the_test_labels_changes_no_prediction(
    task: Task, encoders: Encoders, finished: Store, tmp_path: Path
) -> None:
    """A second run also gives the same rows: the encoder in memory was not changed by those before."""
    assert task.scored.labels is not None
    shuffled = dataclasses.replace(task.scored, labels=task.scored.labels.roll(7))
    permuted = rows(dataclasses.replace(task, scored=shuffled), encoders, tmp_path / "s")
    assert [row.predictions for row in permuted] == [row.predictions for row in stored_rows(finished)]
    assert [row.error for row in permuted] != [row.error for row in stored_rows(finished)]


def test_two_runs_give_identical_rows(task: Task, encoders: Encoders, finished: Store, tmp_path: Path) -> None:
    some = ("irmae-linear", "irmae-joint", "supervised")
    again = rows(task, encoders, tmp_path / "s", plan(some))
    assert again == [row for row in stored_rows(finished) if row.contender in some]


def test_the_error_is_the_share_of_wrong_predictions(task: Task, tmp_path: Path) -> None:
    contenders = {"three": Contender("three", always(3), "images", {})}
    row = next(Grid(plan(["three"], known=contenders), task, {}, Store(tmp_path / "s")).run()).row
    labels = task.scored.labels
    assert labels is not None
    assert row.error == pytest.approx(100 * (labels != 3).double().mean().item())
    assert row.n_scored == 497


def test_the_best_of_several_test_peeks_is_the_smallest_error_and_is_called_a_leak(task: Task, tmp_path: Path) -> None:
    def three_peeks(_: Sample) -> object:
        return [lambda x, c=c: torch.full((len(x),), c) for c in (1, 3, 5)]

    contenders = {"peeks": Contender("peeks", three_peeks, "images", {}, test_peeks=3)}
    first_images = dataclasses.replace(plan(["peeks"], seeds=(0,), known=contenders), rule="first")
    (outcome,) = Grid(first_images, task, {}, Store(tmp_path / "s")).run()
    labels = task.scored.labels
    assert labels is not None
    assert outcome.row.error == pytest.approx(min(100 * (labels != c).double().mean().item() for c in (1, 3, 5)))
    assert outcome.row.test_peeks == 3
    assert stored_indices(Store(tmp_path / "s"), outcome.row.subset) == list(range(20)), "the first images as they come"
    (leak,) = [finding for finding in make_report([outcome.trial]).checks if "LEAKY" in finding.result.details]
    assert leak.outcome == "failed"
    assert "peeks" in leak.result.details


def test_a_report_says_when_scored_labels_were_first_read(task: Task, tmp_path: Path) -> None:
    contenders = {"three": Contender("three", always(3), "images", {})}
    grid = Grid(plan(["three"], known=contenders), task, {}, Store(tmp_path / "s"))
    trials = [outcome.trial for outcome in grid.run()]
    assert Store(tmp_path / "s").trials() == trials
    report = make_report(trials)
    assert any(f"first at {min(trial.finished for trial in trials)}" in note.text for note in report.provenance)
    assert not any("LEAKY" in finding.result.details for finding in report.checks)
    assert any("rule balanced" in note.text for note in report.provenance)


def test_several_pretraining_seeds_are_crossed_with_the_subsets(task: Task, tiny_encoder: Path, tmp_path: Path) -> None:
    one = open_encoder("tiny", tiny_encoder)
    config = read_config(tiny_encoder)
    other = Encoder(config).to("cpu")  # freshly initialised: other weights, another seed
    other.config = config.model_copy(update={"card": {**config.card, "seed": 1}})
    other.save_pretrained(tmp_path / "other")
    pair = (one, open_encoder("tiny", tmp_path / "other"))
    found = rows(task, {"tiny": pair}, tmp_path / "s", plan(["irmae-linear"]))
    assert [(r.pretrain_seed, r.seed) for r in found] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len({r.predictions for r in found}) == 4
    assert len({r.subset for r in found}) == 2


def test_all_contenders_see_the_same_stored_subsets(task: Task, finished: Store) -> None:
    found = stored_rows(finished)
    assert {row.contender for row in found} == QUICK.keys()
    for seed in (0, 1):
        assert len({row.subset for row in found if row.seed == seed}) == 1
    indices = stored_indices(finished, found[0].subset)
    assert task.train.labels is not None
    assert task.train.labels[indices].bincount().tolist() == [2] * 10


def recorder(seen: list[Sample], *, transductive: bool = False) -> dict[str, Contender]:
    """Return a contender that learns nothing and records what it was given."""

    def fit(sample: Sample) -> Predictor:
        seen.append(sample)
        return lambda x: torch.zeros(len(x), dtype=torch.int64)

    return {"recorder": Contender("recorder", fit, "images", {}, transductive=transductive)}


@pytest.mark.parametrize("transductive", [False, True])
def test_a_readout_gets_the_labels_of_its_subset_and_no_others(task: Task, tmp_path: Path, transductive: bool) -> None:
    seen: list[Sample] = []
    store = Store(tmp_path / "s")
    one = plan(["recorder"], seeds=(0,), known=recorder(seen, transductive=transductive))
    (row,) = (outcome.row for outcome in Grid(one, task, {}, store).run())
    assert task.train.labels is not None
    indices = stored_indices(store, row.subset)
    assert torch.equal(seen[0].labels, task.train.labels[indices])
    assert torch.equal(seen[0].inputs, task.train.images[indices])
    assert seen[0].positions.tolist() == indices
    train, scored = task.train.images, task.scored.images
    assert torch.equal(seen[0].unlabelled, torch.cat([train, scored]) if transductive else train)
    assert seen[0].scored == (len(scored) if transductive else 0)
    tensors = {name: v for name, v in vars(seen[0]).items() if isinstance(v, Tensor) and v.dtype == torch.int64}
    assert {name: len(v) for name, v in tensors.items()} == {"labels": 20, "positions": 20}


def test_at_the_full_set_every_trial_has_a_training_seed_of_its_own(task: Task, tmp_path: Path) -> None:
    seen: list[Sample] = []
    whole = plan(["recorder"], (None,), (0, 1, 2), recorder(seen))
    list(Grid(whole, task, {}, Store(tmp_path / "s")).run())
    assert len({sample.seed for sample in seen}) == len(seen) == 3


def test_a_second_run_runs_only_what_is_missing(task: Task, encoders: Encoders, tmp_path: Path) -> None:
    store, three = Store(tmp_path / "s"), plan(("irmae-linear", "irmae-knn", "supervised"))
    for _, outcome in zip(range(3), Grid(three, task, encoders, store).run(), strict=False):
        assert outcome.fresh
    outcomes = list(Grid(three, task, encoders, store).run())
    assert [o.fresh for o in outcomes] == [False] * 3 + [True] * (len(outcomes) - 3)
    assert len(stored_rows(store)) == len(outcomes)


def test_trials_run_in_parts_give_the_rows_of_one_run(task: Task, encoders: Encoders, tmp_path: Path) -> None:
    """Killed and resumed: those that ran together the second time were run with others the first."""
    several = [name for name, contender in QUICK.items() if contender.several]
    rows(task, encoders, tmp_path / "parts", plan(several, seeds=(1,)))
    whole = plan(several, seeds=(0, 1, 2))
    parts = list(Grid(whole, task, encoders, Store(tmp_path / "parts")).run())
    assert [o.fresh for o in parts] == [True, False, True] * len(several)
    assert [o.row for o in parts] == rows(task, encoders, tmp_path / "whole", whole)


def test_rows_from_cached_codes_are_those_from_fresh_ones(
    task: Task, encoders: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = plan(("irmae-linear", "irmae-knn"))
    fresh = rows(task, encoders, tmp_path / "fresh", two)
    monkeypatch.setattr(Encoder, "encode", lambda *_: pytest.fail("encoded again"))
    assert rows(task, encoders, tmp_path / "again", two) == fresh


def test_at_the_full_set_a_deterministic_readout_runs_once(task: Task, encoders: Encoders, tmp_path: Path) -> None:
    some = ("irmae-linear", "irmae-self-training", "supervised")
    found = rows(task, encoders, tmp_path / "s", plan(some, budgets=(None,)))
    assert [(row.contender, row.seed, row.rule) for row in found] == [
        ("irmae-linear", 0, "full"),
        ("irmae-self-training", 0, "full"),
        ("supervised", 0, "full"),
        ("supervised", 1, "full"),
    ]


def test_development_scoring_holds_out_training_images_with_their_labels() -> None:
    development, test = (load_task("digits", scored_on=s) for s in ("development", "test"))
    assert test.train.labels is not None
    label_of = {x.numpy().tobytes(): y for x, y in zip(test.train.images, test.train.labels.tolist(), strict=True)}
    for part in (development.train, development.scored):
        assert part.labels is not None
        assert [label_of[x.numpy().tobytes()] for x in part.images] == part.labels.tolist()
    assert (len(development.train), len(development.scored)) == (1300 - 216, 216)
    both = torch.cat([development.train.images, development.scored.images])
    assert sorted(x.numpy().tobytes() for x in both) == sorted(x.numpy().tobytes() for x in test.train.images)
    assert development.scored.labels is not None
    assert development.scored.labels.bincount().min() > 5, "some of every class are held out"


def test_a_data_set_without_a_test_split_is_scored_in_folds_unless_test_images_are_asked_for() -> None:
    images = load_task("digits", scored_on="test").train
    assert images.labels is not None
    arrays = (images.images, images.labels)
    task = load_task(arrays)
    assert task.scored_on == "folds"
    assert len(task.train) == len(task.scored) == len(images)
    assert load_task(arrays, scored_on="development").scored_on == "development"
    assert load_task((*arrays, *arrays)).scored_on == "test"
    with pytest.raises(UserError, match="test"):
        load_task(arrays, scored_on="test")


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "s")
    connection.execute("CREATE TABLE trials (number INTEGER)")
    connection.commit()
    connection.close()
    with pytest.raises(UserError, match="another program"):
        Store(tmp_path / "s")


def test_a_store_that_is_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"my thesis, chapter one, which nobody may overwrite" * 100)
    before = sha256(tmp_path / "s")
    with pytest.raises(UserError, match="`store`"):
        Store(tmp_path / "s")
    assert sha256(tmp_path / "s") == before


def test_the_same_trial_under_another_name_is_not_run_again(task: Task, encoders: Encoders, tmp_path: Path) -> None:
    store = Store(tmp_path / "s")

    def outcomes(name: str, contender: Contender) -> list[tuple[bool, Row]]:
        grid = Grid(plan([name], known={name: contender}), task, encoders, store)
        return [(o.fresh, o.row) for o in grid.run()]

    linear = QUICK["irmae-linear"]
    stronger = dataclasses.replace(linear, settings={"C": 7.0, "max_iter": 1000})
    assert all(fresh for fresh, _ in outcomes("a", linear))
    assert all(fresh for fresh, _ in outcomes("a", stronger))
    again = outcomes("b", stronger)
    assert not any(fresh for fresh, _ in again)
    assert {row.contender for _, row in again} == {"b"}
    assert all(fresh for fresh, _ in outcomes("b", dataclasses.replace(stronger, revision=3)))


def test_a_found_trial_has_the_facts_of_the_grid_that_finds_it(
    task: Task, encoders: Encoders, tiny_encoder: Path, tmp_path: Path
) -> None:
    """An encoder that was once pretrained on the spot is not called quick when the user passes it."""
    linear = QUICK["irmae-linear"]
    quick = {"tiny": (dataclasses.replace(open_encoder("tiny", tiny_encoder), quick=True),)}
    store = Store(tmp_path / "s")
    facts = dataclasses.replace(linear, cross_validated=(), deterministic_at_full_set=False, family="other")
    list(Grid(plan(["irmae-linear"], known={"irmae-linear": facts}), task, quick, store).run())
    grid = Grid(plan(["irmae-linear"]), task, encoders, store)
    for outcome, job in zip(grid.run(), grid.jobs, strict=True):
        assert not outcome.fresh
        assert Trial.model_validate(outcome.row.model_dump(include=set(Trial.model_fields))) == job.trial
        assert not outcome.row.quick


def test_what_is_missing_is_listed_before_and_nothing_after(task: Task, encoders: Encoders, tmp_path: Path) -> None:
    some = plan(["supervised", "irmae-linear", "irmae-poisson"])
    grid = Grid(some, task, encoders, Store(tmp_path / "s"))
    here, others = grid.missing()
    assert [len(batch) for batch in here] == [1, 1, 1, 1, 2], "Poisson learning fits its subsets together"
    assert others == []
    first = next(grid.run())
    assert [job.trial.key for batch in grid.missing()[0] for job in batch] == [
        job.trial.key for batch in here for job in batch if job.trial.key != first.row.key
    ]
    list(grid.run())
    assert grid.missing() == ([], [])
    two = Grid(some, task, encoders, Store(tmp_path / "two"), processes=2)
    assert two.missing()[0] == []
    assert sum(map(len, two.missing()[1])) == 6
