"""The protocol's promises: no test label reaches a learner, subsets are shared, rows repeat, nothing is lost."""

import dataclasses
import importlib.util
import os
import pickle
import random
import signal
import sqlite3
import sys
from collections.abc import Iterable
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae._support.extras import EXTRAS
from ssl_irmae._support.files import sha256
from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.encoders.encoder import Encoder, read_config
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.registry import (
    CONTENDERS,
    Contender,
    call_readout,
    call_readouts,
    choose,
    contenders_of,
)
from ssl_irmae.protocols.readouts import Predictor, Sample
from ssl_irmae.protocols.report.audit import leak_audit
from ssl_irmae.protocols.representations.pretrained import PretrainedEncoder, open_encoder
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.running.runner import Runner
from ssl_irmae.protocols.running.trials import Part, Spec, Trial
from ssl_irmae.protocols.storage.rows import Row
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task, load_task

Encoders = dict[str, tuple[PretrainedEncoder, ...]]

# every readout that can run here, on the tiny encoder and with few steps
QUICK = {
    name: dataclasses.replace(
        contender,
        encoder="tiny" if contender.encoder else None,
        settings={**contender.settings, **({"steps": 3} if "steps" in contender.settings else {})},
    )
    for name, contender in CONTENDERS.items()
    if contender.encoder in (None, "irmae")
    and contender.reads != "features"
    and (contender.extra is None or importlib.util.find_spec(EXTRAS[contender.extra]))
}


@pytest.fixture(scope="module")
def data() -> Task:
    return load_task("digits", scored_on="test")


@pytest.fixture
def encoders(tiny_encoder: Path) -> Encoders:
    return {"tiny": (open_encoder("tiny", tiny_encoder),)}


def _spec(
    contenders: Iterable[str] = QUICK, budgets: tuple[int | None, ...] = (20,), seeds: tuple[int, ...] = (0, 1)
) -> Spec:
    part = Part(contenders=tuple(contenders), budgets=budgets, seeds=seeds)
    return Spec(parts=(part,), rule="balanced", scored_on="test", precision="fp32", device="cpu")


def _rows(data: Task, encoders: Encoders, store: Path, spec: Spec | None = None) -> list[Row]:
    return [o.row for o in Grid(spec or _spec(), data, QUICK, encoders, Store(store)).run()]


@pytest.fixture(scope="module")
def finished(data: Task, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One run of every contender."""
    before = sha256(tiny_encoder / "model.safetensors")
    store = tmp_path_factory.mktemp("finished") / "s"
    _rows(data, {"tiny": (open_encoder("tiny", tiny_encoder),)}, store)
    assert sha256(tiny_encoder / "model.safetensors") == before, "a frozen encoder must stay as it is"
    return Store(store)


def test_which_images_were_wrong_is_kept_with_every_trial(data: Task, finished: Store) -> None:
    for kept in finished.kept():
        wrong = np.unpackbits(np.frombuffer(kept.wrong, dtype=np.uint8), count=len(data.scored))
        assert 100 * wrong.sum() / len(data.scored) == pytest.approx(kept.row.error)
        assert kept.row.classes_predicted is not None
        assert 1 <= kept.row.classes_predicted <= 10


def test_a_part_gives_its_steps_to_networks_alone(data: Task, encoders: Encoders, tmp_path: Path) -> None:
    names = ("irmae-mlp", "supervised")
    parts = tuple(Part(contenders=names, budgets=(b,), seeds=(0,), steps=n) for b, n in ((10, 1), (20, 2), (30, None)))
    spec = _spec().model_copy(update={"parts": parts})
    rows = _rows(data, encoders, tmp_path / "s", spec)
    steps = {(row.contender, row.budget): row.settings["steps"] for row in rows}
    assert [steps["supervised", b] for b in (10, 20, 30)] == [1, 2, 3]
    assert [steps["irmae-mlp", b] for b in (10, 20, 30)] == [3, 3, 3]
    # what was planned is what was run: the same settings in the contender give the same predictions
    own = {**QUICK, "supervised": dataclasses.replace(QUICK["supervised"], settings=rows[1].settings)}
    again = [o.row for o in Grid(_spec(["supervised"], (10,), (0,)), data, own, encoders, Store(tmp_path / "t")).run()]
    assert [row.predictions for row in again] == [rows[1].predictions]


def test_permuting_the_test_labels_changes_no_prediction_bit(
    data: Task, encoders: Encoders, finished: Store, tmp_path: Path
) -> None:
    """And a second run gives the same rows: the encoder in memory was not changed by those before."""
    assert data.scored.labels is not None
    shuffled = dataclasses.replace(data.scored, labels=data.scored.labels.roll(7))
    permuted = _rows(dataclasses.replace(data, scored=shuffled), encoders, tmp_path / "s")
    assert [row.predictions for row in permuted] == [row.predictions for row in finished.rows()]
    assert [row.error for row in permuted] != [row.error for row in finished.rows()]


def test_two_runs_give_identical_rows(data: Task, encoders: Encoders, finished: Store, tmp_path: Path) -> None:
    some = ("irmae-linear", "irmae-joint", "supervised")
    again = _rows(data, encoders, tmp_path / "s", _spec(some))
    assert again == [row for row in finished.rows() if row.contender in some]


def test_the_error_is_the_share_of_wrong_predictions(data: Task, tmp_path: Path) -> None:
    def always_three(_: Sample) -> object:
        return lambda x: torch.full((len(x),), 3)

    contenders = {"three": Contender(always_three, "images", {})}
    row = next(Grid(_spec(("three",)), data, contenders, {}, Store(tmp_path / "s")).run()).row
    labels = data.scored.labels
    assert labels is not None
    assert row.error == pytest.approx(100 * (labels != 3).double().mean().item())
    assert row.n_scored == 497


def test_the_best_of_several_looks_is_the_smallest_error_and_is_called_a_leak(data: Task, tmp_path: Path) -> None:
    def three_looks(_: Sample) -> object:
        return [lambda x, c=c: torch.full((len(x),), c) for c in (1, 3, 5)]

    contenders = {"looks": Contender(three_looks, "images", {}, looks=3)}
    spec = _spec(("looks",), seeds=(0,)).model_copy(update={"rule": "first"})
    (outcome,) = Grid(spec, data, contenders, {}, Store(tmp_path / "s")).run()
    labels = data.scored.labels
    assert labels is not None
    assert outcome.row.error == pytest.approx(min(100 * (labels != c).double().mean().item() for c in (1, 3, 5)))
    assert outcome.row.looks == 3
    assert Store(tmp_path / "s").indices(outcome.row.subset) == list(range(20)), "the first images as they come"
    assert leak_audit([outcome.kept])[0].startswith("LEAKY: looks ")


def test_the_audit_says_when_scored_labels_were_first_read(data: Task, tmp_path: Path) -> None:
    contenders = {"three": Contender(lambda _: lambda x: torch.full((len(x),), 3), "images", {})}
    kept = [o.kept for o in Grid(_spec(("three",)), data, contenders, {}, Store(tmp_path / "s")).run()]
    assert Store(tmp_path / "s").kept() == kept
    audit = " ".join(leak_audit(kept))
    assert f"first at {min(k.finished for k in kept)}" in audit
    assert "LEAKY" not in audit
    assert "rule balanced" in audit


def test_several_pretraining_seeds_are_crossed_with_the_subsets(data: Task, tiny_encoder: Path, tmp_path: Path) -> None:
    one = open_encoder("tiny", tiny_encoder)
    config = read_config(tiny_encoder)
    other = Encoder(config).to("cpu")  # freshly initialised: other weights, another seed
    other.config = config.model_copy(update={"card": {**config.card, "seed": 1}})
    other.save_pretrained(tmp_path / "other")
    pair = (one, open_encoder("tiny", tmp_path / "other"))
    grid = Grid(_spec(("irmae-linear",)), data, QUICK, {"tiny": pair}, Store(tmp_path / "s"))
    rows = [o.row for o in grid.run()]
    assert [(r.pretrain_seed, r.seed) for r in rows] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len({r.predictions for r in rows}) == 4
    assert len({r.subset for r in rows}) == 2


def test_all_contenders_see_the_same_stored_subsets(data: Task, finished: Store) -> None:
    rows = finished.rows()
    assert {row.contender for row in rows} == QUICK.keys()
    for seed in (0, 1):
        assert len({row.subset for row in rows if row.seed == seed}) == 1
    indices = finished.indices(rows[0].subset)
    assert data.train.labels is not None
    assert data.train.labels[indices].bincount().tolist() == [2] * 10


def _look(seen: list[Sample], **fields: object) -> dict[str, Contender]:
    """A contender that learns nothing and remembers what it was given."""

    def look(sample: Sample) -> object:
        seen.append(sample)
        return lambda x: torch.zeros(len(x), dtype=torch.int64)

    return {"look": Contender(look, "images", {}, **fields)}


@pytest.mark.parametrize("transductive", [False, True])
def test_a_readout_gets_the_labels_of_its_subset_and_no_others(data: Task, tmp_path: Path, transductive: bool) -> None:
    seen: list[Sample] = []
    store = Store(tmp_path / "s")
    contenders = _look(seen, transductive=transductive)
    (row,) = (o.row for o in Grid(_spec(("look",), seeds=(0,)), data, contenders, {}, store).run())
    assert data.train.labels is not None
    indices = store.indices(row.subset)
    assert torch.equal(seen[0].labels, data.train.labels[indices])
    assert torch.equal(seen[0].inputs, data.train.images[indices])
    assert seen[0].positions.tolist() == indices
    train, scored = data.train.images, data.scored.images
    assert torch.equal(seen[0].unlabelled, torch.cat([train, scored]) if transductive else train)
    tensors = {name: v for name, v in vars(seen[0]).items() if isinstance(v, Tensor) and v.dtype == torch.int64}
    assert {name: len(v) for name, v in tensors.items()} == {"labels": 20, "positions": 20}


def test_at_the_full_set_a_learner_has_a_seed_of_its_own_in_every_trial(data: Task, tmp_path: Path) -> None:
    seen: list[Sample] = []
    list(Grid(_spec(("look",), (None,), (0, 1, 2)), data, _look(seen), {}, Store(tmp_path / "s")).run())
    assert len({sample.seed for sample in seen}) == len(seen) == 3


@pytest.mark.parametrize("field", sorted(Trial.model_fields.keys() - {"contender", "encoder"}))
def test_a_trial_that_differs_in_anything_but_names_is_not_taken_over(
    data: Task, encoders: Encoders, finished: Store, tmp_path: Path, field: str
) -> None:
    kept = next(kept for kept in finished.kept() if kept.row.contender == "irmae-joint")
    grid = Grid(_spec(("irmae-joint",)), data, QUICK, encoders, Store(tmp_path / "s"))
    value = getattr(kept.row, field)
    other: object = (
        not value if isinstance(value, bool) else 99 if isinstance(value, int) or value is None else "another"
    )
    other = {**value, "steps": 4} if isinstance(value, dict) else other
    assert grid.adopt([dataclasses.replace(kept, row=kept.row.model_copy(update={field: other}))]) == 0
    renamed = kept.row.model_copy(update={"contender": "mine-joint", "encoder": "mine"})
    assert grid.adopt([dataclasses.replace(kept, row=renamed)]) == 1


def test_a_second_run_runs_only_what_is_missing(data: Task, encoders: Encoders, tmp_path: Path) -> None:
    store, spec = Store(tmp_path / "s"), _spec(("irmae-linear", "irmae-knn", "supervised"))
    grid = Grid(spec, data, QUICK, encoders, store)
    for _, outcome in zip(range(3), grid.run(), strict=False):
        assert outcome.fresh
    outcomes = list(Grid(spec, data, QUICK, encoders, store).run())
    assert [o.fresh for o in outcomes] == [False] * 3 + [True] * (len(outcomes) - 3)
    assert len(store.rows()) == len(outcomes)


def test_several_jobs_give_the_rows_of_one(data: Task, encoders: Encoders, finished: Store, tmp_path: Path) -> None:
    some = ("irmae-linear", "irmae-knn", "irmae-centroid", "irmae-spread-transductive")
    grid = Grid(_spec(some), data, QUICK, encoders, Store(tmp_path / "s"), jobs=2)
    rows = [o.row for o in sorted(grid.run(), key=lambda o: o.place)]
    expected = [row for row in finished.rows() if row.contender in some]
    assert [(r.contender, r.seed, r.predictions) for r in rows] == [
        (r.contender, r.seed, r.predictions) for r in expected
    ]
    assert not any(o.fresh for o in grid.run())
    assert len(Store(tmp_path / "s").rows()) == len(expected)


def test_bf16_is_asked_of_the_processor_where_a_network_is_trained(
    data: Task, encoders: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False}, raising=False)
    store = Store(tmp_path / "s")
    frozen, mixed = (
        _spec(names).model_copy(update={"precision": "bf16"})
        for names in (("irmae-knn",), ("irmae-centroid", "supervised"))
    )
    assert len(list(Grid(frozen, data, QUICK, encoders, store).run())) == 2
    with pytest.raises(UserError, match="precision 'bf16' is refused"):
        list(Grid(mixed, data, QUICK, encoders, store).run())
    assert {row.contender for row in store.rows()} == {"irmae-knn"}, "it is said before anything is run"


def _refuse_one(sample: Sample, kind: str) -> Predictor:
    """Learn nothing, and fail for one seed."""
    if sample.seed == derive_seed("learner", 1):
        raise {"user": UserError, "bug": RuntimeError}[kind]("no such luck")
    return lambda inputs: torch.zeros(len(inputs), dtype=torch.int64)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("kind", "expected"), [("user", UserError), ("bug", RuntimeError)])
def test_a_trial_that_fails_stops_no_other(
    kind: str, expected: type[Exception], jobs: int, data: Task, encoders: Encoders, tmp_path: Path
) -> None:
    some = {"unlucky": Contender(_refuse_one, "images", {"kind": kind}), "irmae-linear": QUICK["irmae-linear"]}
    store = Store(tmp_path / "s")
    with pytest.raises(expected, match="no such luck") as raised:
        list(Grid(_spec(some, seeds=(0, 1, 2)), data, some, encoders, store, jobs=jobs).run())
    told = "".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert "1 of 6 trials failed, the others are kept; the first was unlucky at 20 labels, seed 1" in told
    kept = sorted((row.contender, row.seed) for row in store.rows())
    assert kept == [*(("irmae-linear", s) for s in (0, 1, 2)), ("unlucky", 0), ("unlucky", 2)]


def _die_once(sample: Sample, here: int) -> Predictor:
    """Learn nothing, and for one seed end the process that is not ``here``, as the kernel does when memory is short."""
    if sample.seed == derive_seed("learner", 2) and os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return lambda inputs: torch.zeros(len(inputs), dtype=torch.int64)


def test_a_process_that_is_killed_costs_no_finished_trial(data: Task, encoders: Encoders, tmp_path: Path) -> None:
    doomed = {"doomed": Contender(_die_once, "images", {"here": os.getpid()})}
    spec, store = _spec(doomed, seeds=(0, 1, 2, 3)), Store(tmp_path / "s")
    with pytest.raises(UserError, match="was killed, most likely for want of memory: try fewer --jobs"):
        list(Grid(spec, data, doomed, encoders, store, jobs=2).run())
    kept = {row.seed for row in store.rows()}
    assert 2 not in kept
    assert kept & {0, 1}, "the process that died had finished one"


def test_threads_follow_from_the_contender_and_not_from_what_else_is_run(
    data: Task, encoders: Encoders, tmp_path: Path
) -> None:
    """With two threads or more, trained networks get one each; a frozen readout's rows are found in any company."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        store = Store(tmp_path / "s")
        list(Grid(_spec(("irmae-knn",)), data, QUICK, encoders, store, jobs=None).run())
        mixed = _spec(("irmae-knn", "supervised"))
        trials = Grid(mixed, data, QUICK, encoders, store, jobs=None).run()
        assert [next(trials).fresh for _ in range(3)] == [False, False, True]
        assert torch.get_num_threads() == 2, "a trial's own number of threads is not left behind"
        trials.close()
        outcomes = list(Grid(mixed, data, QUICK, encoders, store, jobs=None).run())
        assert [o.fresh for o in outcomes] == [False, False, False, True]
        assert [o.row.computed_with.split(", ")[-1] for o in outcomes] == ["2 threads"] * 2 + ["1 threads"] * 2
        assert [o.kept.environment["threads"] for o in outcomes] == [2, 2, 1, 1]
        processes = list(Grid(mixed, data, QUICK, encoders, Store(tmp_path / "t"), jobs=2).run())
        predictions = [o.row.predictions for o in sorted(processes, key=lambda o: o.place)]
        assert predictions == [o.row.predictions for o in outcomes]
        assert {o.kept.environment["threads"] for o in processes} == {1}
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["frozen first", "frozen last"])
def test_processes_are_for_what_is_trained_alone(
    name: str, data: Task, encoders: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default, where enough training is missing: every trial is run once, and kept."""
    monkeypatch.setattr("ssl_irmae.protocols.running.workers._STEPS_TO_PAY", 1)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        some = ("irmae-knn", "supervised") if name == "frozen first" else ("supervised", "irmae-knn")
        store = Store(tmp_path / "s")
        outcomes = list(Grid(_spec(some), data, QUICK, encoders, store, jobs=None).run())
        assert sorted(o.place for o in outcomes) == [0, 1, 2, 3]
        assert all(o.fresh for o in outcomes)
        assert [o.row.reads for o in outcomes] == ["code"] * 2 + ["images"] * 2, (
            "codes are read here, meanwhile nothing else"
        )
        assert not any(o.fresh for o in Grid(_spec(some), data, QUICK, encoders, store, jobs=None).run())
    finally:
        torch.set_num_threads(before)


def test_what_a_row_depends_on_makes_it_another_row(data: Task, encoders: Encoders, tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    list(Grid(_spec(("a",)), data, {"a": QUICK["irmae-linear"]}, encoders, store).run())
    stronger = dataclasses.replace(QUICK["irmae-linear"], settings={"C": 7.0, "max_iter": 1000})
    assert all(o.fresh for o in Grid(_spec(("a",)), data, {"a": stronger}, encoders, store).run())
    assert not any(o.fresh for o in Grid(_spec(("b",)), data, {"b": stronger}, encoders, store).run())


def test_at_the_full_set_a_deterministic_readout_runs_once(data: Task, encoders: Encoders, tmp_path: Path) -> None:
    some = ("irmae-linear", "irmae-self-training", "supervised")
    rows = _rows(data, encoders, tmp_path / "s", _spec(some, budgets=(None,)))
    assert [(row.contender, row.seed, row.rule) for row in rows] == [
        ("irmae-linear", 0, "full"),
        ("irmae-self-training", 0, "full"),
        ("supervised", 0, "full"),
        ("supervised", 1, "full"),
    ]


@pytest.mark.parametrize("name", [name for name, c in QUICK.items() if c.deterministic_at_full_set])
def test_what_runs_once_at_the_full_set_gives_the_same_whatever_the_seed(
    name: str, data: Task, tiny_encoder: Path
) -> None:
    encoder = Encoder.from_pretrained(tiny_encoder)
    inputs, scored, labels = encoder.encode(data.train.images), encoder.encode(data.scored.images), data.train.labels
    assert labels is not None
    seen = torch.cat([inputs, scored]) if QUICK[name].transductive else inputs
    everything = Sample(inputs, labels, seen, torch.arange(len(inputs)), 10, 0, torch.device("cpu"), "fp32")
    first, second = (dataclasses.replace(everything, seed=seed) for seed in (1, 2))
    predictions = call_readout(QUICK[name], first, encoder.autoencoder)(scored)
    assert torch.equal(predictions, call_readout(QUICK[name], second, encoder.autoencoder)(scored))


def test_what_goes_to_another_process_needs_no_shared_memory(
    data: Task, encoders: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(_spec(("irmae-linear",)), data, QUICK)
    cells = Grid(_spec(("irmae-linear",)), data, QUICK, encoders, Store(tmp_path / "s")).cells
    here = runner.run(cells)

    def refuse(*_: object) -> None:
        raise AssertionError("a tensor went to shared memory, of which containers have little")

    monkeypatch.setattr(torch.UntypedStorage, "_share_filename_cpu_", refuse)
    monkeypatch.setattr(torch.UntypedStorage, "_share_fd_cpu_", refuse)
    sent = pickle.loads(ForkingPickler.dumps(runner))  # noqa: S301 (ours)
    assert [kept.row for kept in sent.run(cells)] == [kept.row for kept in here]


@pytest.mark.parametrize("name", QUICK)
def test_contract_of_every_readout(name: str, data: Task, tiny_encoder: Path) -> None:
    contender = QUICK[name]
    encoder = Encoder.from_pretrained(tiny_encoder)
    inputs = encoder.encode(data.train.images) if contender.frozen else data.train.images
    scored = encoder.encode(data.scored.images) if contender.frozen else data.scored.images
    assert data.train.labels is not None
    seen = torch.cat([inputs, scored]) if contender.transductive else inputs
    sample = Sample(inputs[:30], data.train.labels[:30], seen, torch.arange(30), 10, 5, torch.device("cpu"), "fp32")
    before, numpys, pythons = torch.random.get_rng_state(), pickle.dumps(np.random.get_state()), random.getstate()  # noqa: NPY002
    predictor, twin = (call_readout(contender, sample, encoder.autoencoder) for _ in range(2))
    predictions = predictor(scored)
    assert torch.equal(before, torch.random.get_rng_state()), "torch's global generator was used or reseeded"
    assert numpys == pickle.dumps(np.random.get_state()), "numpy's global generator was used or reseeded"  # noqa: NPY002
    assert pythons == random.getstate(), "Python's global generator was used or reseeded"
    assert predictions.shape == (497,)
    assert predictions.dtype == torch.int64
    assert ((predictions >= 0) & (predictions < 10)).all()
    assert torch.equal(predictions, twin(scored))
    if contender.transductive:
        with pytest.raises(ValueError, match="no others"):
            predictor(scored[3:4])
    else:
        assert torch.equal(predictions[3:4], predictor(scored[3:4])), "a prediction must not depend on the others"


TOGETHER = [name for name, contender in QUICK.items() if contender.together]


@pytest.mark.parametrize("name", TOGETHER)
def test_samples_fitted_together_are_predicted_as_each_alone(name: str, data: Task, tiny_encoder: Path) -> None:
    """One of them holds three classes, one a single class: they must not matter to the others, nor these to them."""
    contender = QUICK[name]
    encoder = Encoder.from_pretrained(tiny_encoder)
    inputs, scored = encoder.encode(data.train.images), encoder.encode(data.scored.images)
    labels = data.train.labels
    assert labels is not None
    subsets = [
        torch.arange(12),
        torch.arange(100, 112),
        (labels == 4).nonzero().flatten()[:12],
        (labels < 3).nonzero().flatten()[:12],
        torch.arange(200, 212),
    ]
    seen = torch.cat([inputs, scored]) if contender.transductive else inputs
    samples = [
        Sample(inputs[i], labels[i], seen, i, 10, seed, torch.device("cpu"), "fp32") for seed, i in enumerate(subsets)
    ]
    together = [predict(scored) for predict in call_readouts(contender, samples, None)]
    alone = [call_readout(contender, sample, None)(scored) for sample in samples]
    assert all(torch.equal(a, b) for a, b in zip(together, alone, strict=True))
    assert len({tuple(a.tolist()) for a in alone}) == len(alone)


def test_trials_run_in_parts_give_the_rows_of_one_run(data: Task, encoders: Encoders, tmp_path: Path) -> None:
    """Killed and resumed: those that ran together the second time were run with others the first."""
    part = _spec(TOGETHER, seeds=(1,))
    whole = _spec(TOGETHER, seeds=(0, 1, 2))
    _rows(data, encoders, tmp_path / "parts", part)
    parts = list(Grid(whole, data, QUICK, encoders, Store(tmp_path / "parts")).run())
    assert [o.fresh for o in parts] == [True, False, True] * len(TOGETHER)
    assert [o.row for o in parts] == _rows(data, encoders, tmp_path / "whole", whole)


def test_rows_from_codes_in_the_cache_are_those_from_fresh_ones(
    data: Task, encoders: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = _spec(("irmae-linear", "irmae-knn"))
    fresh = _rows(data, encoders, tmp_path / "fresh", spec)
    monkeypatch.setattr(Encoder, "encode", lambda *_: pytest.fail("encoded again"))
    assert _rows(data, encoders, tmp_path / "again", spec) == fresh


DEGENERATE = {
    "three of one class": ([0, 1, 2], [4, 4, 4]),
    "one label": ([7], [9]),
    "one of each of three classes": ([0, 1, 2], [3, 8, 5]),
    "one class once, another often": ([0, 1, 2, 3, 4, 5, 6], [3, 3, 3, 3, 3, 3, 1]),
    "duplicates": ([0, 20, 40, 1], [2, 2, 6, 6]),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("name", QUICK)
def test_readouts_take_degenerate_subsets(name: str, case: str, data: Task, tiny_encoder: Path) -> None:
    """They predict the classes that the subset has, whatever it lacks; every unlabelled input comes four times."""
    contender = QUICK[name]
    encoder = Encoder.from_pretrained(tiny_encoder)
    few = data.train.images[:20]
    inputs = torch.cat([encoder.encode(few) if contender.frozen else few] * 4)
    positions, labels = (torch.tensor(values) for values in DEGENERATE[case])
    sample = Sample(inputs[positions], labels, inputs, positions, 10, 0, torch.device("cpu"), "fp32")
    predictions = call_readout(contender, sample, encoder.autoencoder)(inputs[-5:])
    assert predictions.shape == (5,)
    if contender.frozen and "width" not in contender.settings:  # a head of 3 steps has yet to learn what is absent
        assert set(predictions.tolist()) <= set(labels.tolist())


# eight small linear layers before a fresh head: 60 steps of supervised-irmae end on its first plateau
@pytest.mark.parametrize("name", [name for name in QUICK if name != "supervised-irmae"])
def test_learners_learn(name: str, data: Task, tiny_encoder: Path) -> None:
    """From 200 labelled digits every learner must do far better than the 90 % error of guessing."""
    contender = CONTENDERS[name]
    if not contender.frozen:  # a tenth of the steps and of the work each, at a rate that suits all
        fewer = {"steps": 60, "learning_rate": 2e-3, "unlabelled_batch_size": 16}
        settings = {k: fewer.get(k, v) for k, v in contender.settings.items()}
        contender = dataclasses.replace(contender, settings=settings)
    encoder = Encoder.from_pretrained(tiny_encoder)
    inputs = encoder.encode(data.train.images) if contender.frozen else data.train.images
    scored = encoder.encode(data.scored.images) if contender.frozen else data.scored.images
    assert data.train.labels is not None
    assert data.scored.labels is not None
    seen = torch.cat([inputs, scored]) if contender.transductive else inputs
    sample = Sample(inputs[:200], data.train.labels[:200], seen, torch.arange(200), 10, 0, torch.device("cpu"), "fp32")
    wrong = call_readout(contender, sample, encoder.autoencoder)(scored) != data.scored.labels
    assert wrong.double().mean() < 0.75


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
    assert development.scored.labels.bincount().min() > 5, "every class is held out in part"


def test_unknown_contenders_name_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'irmae-linear'"):
        choose(["irmae-liner"], CONTENDERS)
    assert {"mine-linear", "mine-features-linear", "mine-joint"} <= contenders_of("mine").keys()


def test_a_contender_whose_extra_is_missing_is_refused_when_it_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphlearning", None)
    assert "irmae-poisson" in CONTENDERS
    with pytest.raises(UserError, match=r"irmae-poisson needs .* pip install 'ssl-irmae\[graph\]'"):
        choose(["irmae-poisson"], CONTENDERS)


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
    with pytest.raises(UserError, match="name another --store"):
        Store(tmp_path / "s")
    assert sha256(tmp_path / "s") == before
