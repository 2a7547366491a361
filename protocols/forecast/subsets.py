"""How many subsets find a difference between two contenders, from stored errors of the nearest protocol."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.patterns import is_pattern
from ssl_irmae.protocols.forecast.stored_errors import StoredErrors, StoredPairs, nearest_pairs
from ssl_irmae.protocols.statistics.power import PairsNeeded, pairs_needed
from ssl_irmae.protocols.task import Task

POWER = 0.8
"""The probability of finding a difference, where none is given."""

_MOST = 10_000  # that `evaluate` takes


@dataclass(frozen=True)
class Subsets:
    """How many subsets find a difference between two contenders.

    Args:
        between: The two contenders.
        dataset: Name of the data set.
        budget: Number of labels.
        detect: The difference of their mean errors, points.
        power: The probability of finding it.
        steps: Optimiser steps of the networks among the two; None without networks.
        needed: The number of subsets, and its range.
        pairs: The stored errors that it is estimated from, which may be of another protocol or network.
        fingerprint: That of the training images.
        command: The command that runs them; None where the data or the encoders are objects in memory.
    """

    between: tuple[str, str]
    dataset: str
    budget: int
    detect: float
    power: float
    steps: int | None
    needed: PairsNeeded
    pairs: StoredPairs
    fingerprint: str
    command: str | None = None

    def with_command(self, **given: object) -> Self:
        """Return it with the command that runs them.

        Args:
            given: What else the request said, by the name of its option; several values in a list, None if nothing.
        """
        options = {"contenders": ",".join(self.between), "labels": self.budget, "seeds": self.needed.n}
        words = ["ssl-irmae", "evaluate"]
        for name, value in {"dataset": given.pop("dataset", None), **options, "steps": self.steps, **given}.items():
            for each in value if isinstance(value, list | tuple) else [] if value is None else [value]:
                if not isinstance(each, str | int | Path):
                    return self
                words += [f"--{name.replace('_', '-')}", str(each)]
        return replace(self, command=shlex.join(words))


def check_request(
    detect: float | None, power: float | None, between: tuple[str, str] | None, given: Mapping[str, object]
) -> None:
    """Check what subsets are to be found for.

    Args:
        detect: The difference to find.
        power: The probability of finding it; None for the usual one.
        between: Two contenders.
        given: Other arguments, which say what the search would find, by name; None where they are not given.

    Raises:
        UserError: If a value cannot be used, or does not go with another.
    """
    if detect is None and between is None:
        if power is not None:
            raise UserError("`power` goes with `detect` and `between`: it is the probability of finding a difference")
        return
    if detect is None or between is None:
        raise UserError("`detect` and `between` go together: the difference to find, and of which two contenders")
    if not 0 < detect <= 100:
        raise UserError(
            f"`detect`: {detect:g} is not a difference of two errors in percent; give points above 0 and up to 100, "
            "such as 0.5"
        )
    if power is not None and not 0 < power < 1:
        raise UserError(f"`power`: {power:g} is not a probability between 0 and 1; {POWER:g} is usual")
    if between[0] == between[1]:
        raise UserError(f"`between`: {between[0]} cannot differ from itself; name two contenders")
    for name in between:
        if is_pattern(name):
            raise UserError(f"`between`: {name!r} is a pattern; name two contenders")
    for argument, value in given.items():
        if value is not None:
            raise UserError(f"`{argument}` cannot be given with `detect`, which finds the subsets of two contenders")


def find_subsets(
    stored: Sequence[StoredErrors],
    task: Task,
    contenders: Mapping[str, Contender],
    *,
    budgets: Sequence[int],
    steps: int | None,
    detect: float,
    power: float,
) -> Subsets:
    """Estimate how many subsets find a difference between two contenders.

    Args:
        stored: Errors to estimate from; ``nearest_pairs`` chooses among them.
        task: What is learned from and scored on.
        contenders: The two, by name.
        budgets: The number of labels, a single one.
        steps: Optimiser steps of the networks among the two; None takes those of the stored ones that are nearest to
            the contenders' own.
        detect: The difference of their mean errors, points.
        power: The probability of finding it.

    Raises:
        UserError: If there is no single budget that subsets can be drawn at, nothing is stored to estimate from, or the
            difference is too small.
    """
    first, second = contenders
    if len(budgets) != 1:
        raise UserError("`budgets`: give one number of labels with `detect`, such as 100")
    (budget,) = budgets
    if budget == len(task.train.labelled):
        raise UserError(f"`budgets`: with all {budget:,} labels there is only one subset; give fewer with `detect`")
    own = {name: c.settings["steps"] for name, c in contenders.items() if not c.frozen and "steps" in c.settings}
    trained = {name: steps or int(number) for name, number in own.items()}
    pairs = nearest_pairs(
        stored,
        (first, second),
        dataset=task.train.name,
        fingerprint=task.train.fingerprint,
        scored_on=task.scored_on,
        budget=budget,
        steps=trained,
    )
    needed = pairs_needed(pairs.differences, detect=detect, power=power)
    if needed.n > _MOST:
        raise UserError(
            f"`detect`: {detect:g} points take at least {needed.n:,} subsets, and at most {_MOST:,} can be run; look "
            "for more"
        )
    chosen = (steps or pairs.steps) if trained else None
    return Subsets(
        (first, second), task.train.name, budget, detect, power, chosen, needed, pairs, task.train.fingerprint
    )
