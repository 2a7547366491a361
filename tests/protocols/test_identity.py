"""Which trials are the same: names do not count, all that decides a result does, and stored trials stay known."""

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.plan import Plan
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row, Trial
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task
from tests.protocols.small_grids import QUICK, Encoders, plan

RESULTS = Path(__file__).parents[2] / "docs" / "results"
STORED = sorted([*RESULTS.glob("*/rows.csv"), *RESULTS.glob("*/evaluate.json")])
STORED = [path for path in STORED if path.parent.name != "settings"]  # errors of candidates, not whole trials

# what a reader calls a trial, and facts that follow from what decides its result
NAMES = {"contender", "dataset", "representation", "pretraining", "quick", "family", "deterministic_at_full_set"}
NAMES |= {"given", "cross_validated", "settings_from", "folds", "noun", "codes_from"}


def stored_keys(path: Path) -> list[str]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return [row["key"] for row in csv.DictReader(file)]
    return [row["key"] for row in json.loads(path.read_text())["rows"]]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.parent.name)
def test_the_key_of_every_stored_row_follows_from_the_row_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise AssertionError("a stored row's key must not depend on what is installed")

    monkeypatch.setattr("importlib.metadata.version", refuse)
    keys = [trial.row.key for trial in read_trials(path)]
    assert len(set(keys)) == len(keys) > 0
    assert sorted(keys) == sorted(stored_keys(path))


def row(**fields: Any) -> Row:
    values: dict[str, Any] = {
        "contender": "irmae-linear",
        "budget": 20,
        "seed": 0,
        "subset": "s",
        "rule": "balanced",
        "dataset": "digits",
        "data_fingerprint": "d",
        "scored_fingerprint": "t",
        "scored_on": "test",
        "readout": "linear_probe",
        "reads": "code",
        "settings": {"C": 0.01, "max_iter": 1000},
        "representation": "irmae",
        "encoder_hash": "e",
        "precision": "fp32",
        "device": "cpu",
        "threads": 2,
        "software": {"torch": "2.14.1", "numpy": "2.4.6"},
        "error": 10.0,
        "n_scored": 497,
        "predictions": "p",
    }
    return Row.model_validate({**values, **fields})


CHANGES: dict[str, Any] = {
    "budget": 30,
    "seed": 1,
    "subset": "other",
    "rule": "uniform",
    "data_fingerprint": "other",
    "scored_fingerprint": "other",
    "scored_on": "development",
    "fold": 0,
    "chosen_on": "pca",
    "readout": "other",
    "reads": "features",
    "settings": {"C": 0.1, "max_iter": 1000},
    "transductive": True,
    "test_peeks": 50,
    "revision": 2,
    "encoder_hash": "other",
    "network": "residual",
    "plugins": [{"kind": "readout", "name": "mine", "source": "s"}],
    "pretrain_seed": 1,
    "precision": "bf16",
    "device": "cuda",
    "threads": 1,
    "software": {"torch": "2.15.0", "numpy": "2.4.6"},
}


def test_every_field_of_a_trial_is_a_name_or_part_of_its_identity() -> None:
    assert Trial.model_fields.keys() == NAMES | CHANGES.keys()


@pytest.mark.parametrize("field", sorted(CHANGES))
def test_what_decides_a_result_makes_another_trial(field: str) -> None:
    assert row(**{field: CHANGES[field]}).key != row().key


def test_names_do_not_make_another_trial() -> None:
    renamed = row(contender="mine-linear", representation="mine", dataset="my-digits", family="other", given=["C"])
    assert renamed.key == row().key
    assert row(settings={"max_iter": 1000, "C": 0.01}).key == row().key, "the order of settings is no difference"


def test_representations_without_weights_are_told_apart_by_name() -> None:
    pixels, pca, scratch = (row(representation=name, encoder_hash=None) for name in ("pixels", "pca", None))
    assert len({pixels.key, pca.key, scratch.key}) == 3


def test_a_field_at_its_default_is_not_part_of_the_identity() -> None:
    assert "revision" not in row().identity()
    assert row(revision=2).identity()["revision"] == 2


def test_the_code_of_a_plugin_counts_and_the_code_that_loads_images_does_not() -> None:
    def key(**fields: object) -> str:
        return row(
            plugins=[{"kind": "readout", "name": "r", "distribution": "d", "version": "1", "source": "s"} | fields]
        ).key

    assert len({key(), key(source="t"), key(version="2"), key(distribution="e"), key(kind="learner")}) == 5
    assert key(name="renamed") == key()
    assert key(kind="dataset") == row().key, "its images and labels are in the identity"


def run(some: Plan, task: Task, encoders: Encoders, store: Path) -> list[FinishedTrial]:
    return [outcome.trial for outcome in Grid(some, task, encoders, Store(store)).run()]


def test_only_software_that_computes_a_contender_counts(task: Task, encoders: Encoders, tmp_path: Path) -> None:
    trials = run(plan(("irmae-linear", "supervised", "irmae-poisson")), task, encoders, tmp_path / "s")
    software = {trial.row.contender: set(trial.row.software) for trial in trials}
    assert software == {
        "irmae-linear": {"torch", "numpy", "scipy", "scikit-learn"},
        "supervised": {"torch"},
        "irmae-poisson": {"torch", "numpy", "scipy"},
    }


def test_imported_trials_are_not_run_again_and_what_differs_is_named(
    task: Task, encoders: Encoders, tmp_path: Path
) -> None:
    some = plan(("irmae-linear", "supervised"))
    trials = run(some, task, encoders, tmp_path / "there")
    grid = Grid(some, task, encoders, Store(tmp_path / "here"))
    assert grid.adopt(trials) == (4, [])
    assert not any(outcome.fresh for outcome in grid.run())

    def elsewhere(trial: FinishedTrial) -> FinishedTrial:
        software = {name: "9.9" if name == "scipy" else version for name, version in trial.row.software.items()}
        return dataclasses.replace(trial, row=trial.row.model_copy(update={"software": software}))

    other = Grid(some, task, encoders, Store(tmp_path / "other"))
    added, differences = other.adopt([elsewhere(trial) for trial in trials])
    assert added == 2, "scipy does not compute `supervised`"
    (difference,) = differences
    assert difference.startswith("2 finished trials differ in software (scipy 9.9 there, scipy ")


def test_a_frozen_readout_is_the_same_trial_whatever_precision_networks_have(
    task: Task, encoders: Encoders, tmp_path: Path
) -> None:
    trials = run(plan(("irmae-linear", "supervised")), task, encoders, tmp_path / "s")
    bf16 = dataclasses.replace(plan(("irmae-linear", "supervised")), precision="bf16")
    grid = Grid(bf16, task, encoders, Store(tmp_path / "t"))
    added, differences = grid.adopt(trials)
    assert added == 2
    assert differences == ["2 finished trials differ in precision (fp32 there, bf16 here)"]


def test_every_contender_names_software_that_is_recorded() -> None:
    from ssl_irmae._support.environment import versions

    for name, contender in {**CONTENDERS, **QUICK}.items():
        assert contender.software, name
        assert set(contender.software) <= versions().keys(), name
