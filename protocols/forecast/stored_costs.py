"""What trials cost, as stored: counted in pieces of fixed work, so that it holds on any machine."""

import csv
import functools
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args

import numpy as np

from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.forecast.speed import Piece

SHIPPED = Path(__file__).with_name("costs.csv")
"""Written by `python -m docs.tables` from docs/results/plan/measured.csv: see docs/shipped.py."""

START, PRETRAINING = "start", "pretraining"
"""What is stored besides trials: an empty command as a trial, and a step of the pretraining on the spot."""


@dataclass(frozen=True)
class StoredCost:
    """What a contender's trials cost at one budget on MNIST, in pieces of fixed work on one thread.

    Args:
        of: Name of the contender, or ``START`` or ``PRETRAINING``.
        budget: Number of labels; None where it does not matter.
        piece: The piece of work in which the last five are counted.
        codes: Encoding all images, in ``"network"`` in fp32.
        cold: What a contender's first trial in a process costs besides, such as building a graph.
        kept: The same if the graph is in the user's cache.
        batch: What trials that are fitted together cost besides.
        trial: A trial, besides its optimiser steps if it trains a network end to end.
        step: One of these steps.
    """

    of: str
    budget: int | None
    piece: Piece
    codes: float = 0.0
    cold: float = 0.0
    kept: float = 0.0
    batch: float = 0.0
    trial: float = 0.0
    step: float = 0.0


AMOUNTS = tuple(field.name for field in fields(StoredCost) if field.type is float)


@functools.cache
def shipped_costs() -> tuple[StoredCost, ...]:
    """Read the costs that ship with the package."""
    with SHIPPED.open(newline="", encoding="utf-8") as file:
        return tuple(
            StoredCost(
                line["of"],
                int(line["budget"]) if line["budget"] else None,
                next(piece for piece in get_args(Piece) if piece == line["piece"]),
                **{name: float(line[name] or 0) for name in AMOUNTS},
            )
            for line in csv.DictReader(file)
        )


def cost_of(name: str) -> StoredCost:
    """Return the cost of ``START`` or ``PRETRAINING``."""
    return next(cost for cost in shipped_costs() if cost.of == name)


def cost_at(name: str, contender: Contender, budget: int) -> StoredCost | None:
    """Return what a contender's trials cost at a budget, between the stored ones by interpolation in its logarithm.

    A contender that was not measured costs as much as one with the same readout or learner.

    Args:
        name: Name of the contender.
        contender: The contender.
        budget: Number of labels.

    Returns:
        Its cost; None if its readout was not measured on any representation.
    """
    costs = [cost for cost in shipped_costs() if cost.budget is not None]
    alike = (cost.of for cost in costs if CONTENDERS[cost.of].readout == contender.readout)
    measured = name if any(cost.of == name for cost in costs) else next(alike, None)
    lines = sorted((cost for cost in costs if cost.of == measured), key=lambda cost: cost.budget or 0)
    if not lines:
        return None
    budgets = [math.log(cost.budget or 1) for cost in lines]
    amounts = {
        amount: float(np.interp(math.log(budget), budgets, [getattr(cost, amount) for cost in lines]))
        for amount in AMOUNTS
    }
    return StoredCost(name, budget, lines[0].piece, **amounts)


def cost_of_codes(representation: str) -> float:
    """Return what encoding all images of MNIST costs, in ``"network"`` in fp32; any encoder costs as much as IRMAE."""
    costs = {CONTENDERS[cost.of].representation: cost.codes for cost in shipped_costs() if cost.codes}
    return costs.get(representation, next(iter(costs.values())))
