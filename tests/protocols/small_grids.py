"""Grids small enough for tests: every contender that can run here, on a tiny encoder and with few steps."""

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.representations.fused import FusedEncoders
from ssl_irmae.protocols.representations.pretrained import open_encoder
from ssl_irmae.protocols.representations.representation import Representation
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.storage.rows import Row
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task

Encoders = dict[str, tuple[Representation, ...]]


def _quick(contender: Contender) -> Contender:
    settings = {**contender.settings, **({"steps": 3} if "steps" in contender.settings else {})}
    stands_for = {"irmae": "tiny"}.get(contender.representation or "", contender.representation)
    return replace(contender, representation=stands_for, settings=settings)


QUICK: dict[str, Contender] = {
    name: _quick(contender)
    for name, contender in CONTENDERS.items()
    if contender.representation in (None, "irmae", "fused") and contender.reads != "features"
}


def encoders_of(tiny: Path) -> Encoders:
    """Return an encoder under the name that small grids use, and three times where they use several."""
    encoder = open_encoder("tiny", tiny)
    return {"tiny": (encoder,), "fused": (FusedEncoders("fused", (encoder,) * 3),)}


def plan(
    contenders: Iterable[str] = QUICK,
    budgets: tuple[int | None, ...] = (20,),
    seeds: tuple[int, ...] = (0, 1),
    known: Mapping[str, Contender] = QUICK,
) -> Plan:
    """Plan contenders at budgets over seeds."""
    names = tuple(contenders)
    part = Part(contenders=names, budgets=budgets, seeds=seeds)
    return Plan(parts=(part,), contenders={name: known[name] for name in names}, baseline=names[0], dataset="digits")


def rows(task: Task, encoders: Encoders, store: Path, the_plan: Plan | None = None) -> list[Row]:
    """Run a grid and return its rows."""
    return [outcome.row for outcome in Grid(the_plan or plan(), task, encoders, Store(store)).run()]


def stored_rows(store: Store) -> list[Row]:
    """Return the row of every trial in a store."""
    return [trial.row for trial in store.trials()]


def stored_indices(store: Store, subset: str) -> list[int]:
    """Return the labelled indices that a store keeps under the hash of a subset."""
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        (indices,) = connection.execute("SELECT indices FROM subsets WHERE hash = ?", (subset,)).fetchone()
    return [int(i) for i in np.frombuffer(indices, dtype="<i8")]
