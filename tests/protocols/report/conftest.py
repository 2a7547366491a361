"""A made-up protocol of a store's shape: every kind of contender, three budgets, the last one the full set."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

import pytest

from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.protocols.contenders.contender import Family
from ssl_irmae.protocols.contenders.registry import DEFAULT
from ssl_irmae.protocols.report.note import Kind, Note
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row
from tests.protocols.conftest import MakeRow

BUDGETS = (10, 100, 1000)
SEEDS = range(7)
ENVIRONMENT: dict[str, object] = {"python": "3.11.7", "packages": {"torch": "2.9.0"}, "gpu": None}
FINISHED = "2026-01-01T00:00:00+00:00"


class Shape(NamedTuple):
    """What a contender of the made-up protocol is, and its error at ten labels."""

    representation: str | None
    reads: Reads | Literal["images"]
    readout: str
    family: Family
    error: float


CONTENDERS = {
    "irmae-linear": Shape("irmae", "code", "linear_probe", "linear", 30.0),
    "irmae-knn": Shape("irmae", "code", "knn", "neighbours", 35.0),
    "pixels-linear": Shape("pixels", "code", "linear_probe", "linear", 50.0),
    "supervised": Shape(None, "images", "supervised", "network, labels only", 60.0),
    "my_own & <b>-joint": Shape("my_own & <b>", "images", "joint", "network, reconstruction", 40.0),
    "irmae-poisson-transductive": Shape("irmae", "code", "poisson_transductive", "graph", 5.0),
}


@pytest.fixture
def ten_subsets(make_row: MakeRow) -> list[Row]:
    """The default contenders on ten subsets, with errors and differences of two digits: columns are widest there."""
    return [
        make_row(name, s, 60.0 - 30 * (name == "ae-joint") + 3 * i + s % (i + 2), dataset="mnist")
        for i, name in enumerate(DEFAULT)
        for s in range(10)
    ]


@pytest.fixture
def easy_subsets(make_row: MakeRow) -> list[Row]:
    """Of three contenders one was run on easy subsets alone: it has the lowest mean, and another is ahead of it."""
    errors = {"easy": [2.0] * 6, "good": [1.0] * 6 + [30.0] * 4, "bad": [3.0] * 6 + [50.0] * 4}
    return [make_row(name, s, error + s / 10) for name, its in errors.items() for s, error in enumerate(its)]


@pytest.fixture(scope="session")
def trials(make_row: MakeRow) -> list[FinishedTrial]:
    """Errors fall as 1 / sqrt(labels); a readout without randomness has one trial at the full set."""
    found = []
    for budget in BUDGETS:
        full = budget == BUDGETS[-1]
        for place, (name, shape) in enumerate(CONTENDERS.items()):
            once = shape.readout == "linear_probe"
            for seed in SEEDS[:1] if full and once else SEEDS:
                error = shape.error / math.sqrt(budget / 10) + 0.3 * seed + 0.1 * ((seed * (place + 2)) % 5)
                row = make_row(
                    name,
                    seed,
                    round(error, 1),
                    budget=budget,
                    rule="full" if full else "balanced",
                    subset="full" if full else f"subset-{budget}-{seed}",
                    predictions=f"predictions-{name}-{budget}-{seed}",
                    representation=shape.representation,
                    encoder_hash=None
                    if shape.representation in (None, "pixels")
                    else f"hash-of-{shape.representation}",
                    reads=shape.reads,
                    readout=shape.readout,
                    family=shape.family,
                    settings={"C": 0.1, "loss": "none"},
                    deterministic_at_full_set=once,
                    transductive=shape.readout == "poisson_transductive",
                    pretrain_seed=0 if shape.representation == "irmae" else None,
                )
                found.append(FinishedTrial(row, 0.25, f"2026-01-01T00:00:{seed:02d}+00:00", dict(ENVIRONMENT)))
    return found


@pytest.fixture(scope="session")
def report(trials: list[FinishedTrial]) -> Report:
    """Their report, with a note and a command that a careless page would take for markup."""
    note = Note("software", "No </script> leaks & none was found.")
    return make_report(trials, notes=[note], commands=["ssl-irmae evaluate --x '<y>'"])


def finished(rows: Iterable[Row]) -> list[FinishedTrial]:
    """Make finished trials of rows, where only the rows matter."""
    return [FinishedTrial(row, 0.1, FINISHED, {}) for row in rows]


def changed(trials: Iterable[FinishedTrial], **fields: object) -> list[FinishedTrial]:
    """Give the rows of trials other fields."""
    return [dataclasses.replace(trial, row=trial.row.model_copy(update=fields)) for trial in trials]


def rows_of(trials: Iterable[FinishedTrial]) -> list[Row]:
    """Return the rows of trials."""
    return [trial.row for trial in trials]


def texts(notes: Iterable[Note], kind: Kind) -> list[str]:
    """Return the texts of the notes of a kind."""
    return [note.text for note in notes if note.kind == kind]
