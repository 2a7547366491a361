"""Errors of contenders by subset, as far as they are stored, and those that are nearest to what is asked."""

import contextlib
import csv
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.report.note import join
from ssl_irmae.protocols.report.selection import keep_newest
from ssl_irmae.protocols.statistics.error_matrix import error_matrices
from ssl_irmae.protocols.statistics.intervals import without_rounding
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row

SHIPPED = Path(__file__).with_name("errors.csv")
"""Written by `python -m docs.tables` from docs/results: see docs/shipped.py."""

_LEAST = 2  # differences that are not equal, below which nothing is known of their spread


@dataclass(frozen=True)
class StoredErrors:
    """A contender's errors at one budget, in one protocol.

    Args:
        contender: Its name.
        budget: Number of labels.
        steps: Optimiser steps of the network; None for a readout of frozen codes.
        dataset: Name of the data set.
        scored_on: Which images were scored.
        rule: How the subsets were drawn.
        errors: Percent, by the seed of the subset.
        source: Where they are stored.
        network: The family of networks, where it is not the usual one.
        images: Fingerprints of training and scored images, and what typical images were chosen on; empty for what
            ships, which is of one version of its data.
        fingerprint: That of the training images; empty for what ships.
    """

    contender: str
    budget: int
    steps: int | None
    dataset: str
    scored_on: str
    rule: str
    errors: Mapping[int, float]
    source: str
    network: str | None = None
    images: str = ""
    fingerprint: str = ""


@dataclass(frozen=True)
class StoredPairs:
    """Errors of two contenders in one protocol on the same subsets.

    Args:
        a: The first contender's.
        b: The second's.
    """

    a: StoredErrors
    b: StoredErrors

    @property
    def differences(self) -> list[float]:
        """The first contender's error minus the second's, points, by ascending seed."""
        shared = sorted(self.a.errors.keys() & self.b.errors.keys())
        return list(map(float, without_rounding([self.a.errors[seed] - self.b.errors[seed] for seed in shared])))

    @property
    def steps(self) -> int | None:
        """Optimiser steps of the networks among the two, if these agree; None without networks."""
        steps = {each.steps for each in (self.a, self.b)} - {None}
        return steps.pop() if len(steps) == 1 else None

    def __str__(self) -> str:
        a = self.a
        steps = sorted({each.steps for each in (a, self.b) if each.steps is not None})
        networks = f", networks of {join([f'{n:,}' for n in steps])} steps" if steps else ""
        scored = "" if a.scored_on == "test" else f", scored on {a.scored_on}"
        rule = "" if a.rule == "balanced" else f"{a.rule} "
        subsets = f"{len(self.differences)} {rule}subsets of {a.dataset} at {a.budget:,} labels"
        return f"{subsets}{networks}{scored} ({a.source})"


def shipped_errors() -> list[StoredErrors]:
    """Read the errors that ship with the package: those of its stored results, by drawn subsets."""
    with SHIPPED.open(newline="", encoding="utf-8") as file:
        return [
            StoredErrors(
                contender=line["contender"],
                budget=int(line["budget"]),
                steps=int(line["steps"]) if line["steps"] else None,
                dataset=line["dataset"],
                scored_on=line["scored_on"],
                rule=line["rule"],
                errors=dict(enumerate(map(float, line["errors"].split()))),
                source=f"{line['source']}; its errors ship with ssl-irmae",
            )
            for line in csv.DictReader(file)
        ]


def errors_of(trials: Iterable[FinishedTrial], source: str) -> list[StoredErrors]:
    """Arrange finished trials by protocol, contender, budget and steps, the newest version of each.

    Trials at all labels are left out: their subsets are the same.
    """
    groups: dict[tuple[object, ...], list[FinishedTrial]] = {}
    for trial in trials:
        row = trial.row
        groups.setdefault((_images(row), row.scored_on, row.rule, _steps(row), _network(row)), []).append(trial)
    found = []
    for group in groups.values():
        by_place: dict[tuple[int, str], list[Row]] = {}
        for trial in keep_newest(group)[0]:
            by_place.setdefault((trial.row.budget, trial.row.contender), []).append(trial.row)
        for place, rows in by_place.items():
            with contextlib.suppress(UserError):  # a run that was stopped may lack folds or pretraining seeds
                matrix, row = error_matrices(rows)[place], rows[0]
                about = {"dataset": row.dataset, "scored_on": row.scored_on, "rule": row.rule}
                about |= {"images": _images(row), "fingerprint": row.data_fingerprint, "source": source}
                by_seed = dict(zip(matrix.seeds, matrix.errors.mean(1).tolist(), strict=True))
                if not matrix.one_subset:
                    steps, network = _steps(row), _network(row)
                    found.append(
                        StoredErrors(row.contender, row.budget, steps, errors=by_seed, network=network, **about)
                    )
    return found


def nearest_pairs(
    stored: Sequence[StoredErrors],
    between: tuple[str, str],
    *,
    dataset: str,
    fingerprint: str = "",
    scored_on: str,
    budget: int,
    steps: Mapping[str, int | None],
) -> StoredPairs:
    """Choose the stored errors of two contenders, on the same subsets, that are nearest to what is asked.

    Those of the same data set come first, by its images or its name; of these, those of no other version of it, where
    that is known; balanced subsets; the same scored images; the nearest budget, as a
    ratio; the nearest steps; networks of one family; more pairs; and what is listed first. Only errors on the very same
    images are paired.

    Args:
        stored: Errors to choose from.
        between: The two contenders.
        dataset: Name of the data set.
        fingerprint: That of its training images; empty if it is not known.
        scored_on: Which images are scored.
        budget: Number of labels.
        steps: Optimiser steps of each contender that has any, by name.

    Raises:
        UserError: If the two have no stored subsets in common, or the same difference on all of them; it says what is
            stored of them.
    """
    first, second = ([each for each in stored if each.contender == name] for name in between)
    pairs = [StoredPairs(a, b) for a, b in itertools.product(first, second) if _comparable(a, b)]
    pairs = [pair for pair in pairs if len(set(pair.differences)) >= _LEAST]
    if not pairs:
        kept = " and ".join(f"{name} {_listing(rows)}" for name, rows in zip(between, (first, second), strict=True))
        raise UserError(
            f"`between`: there are no stored subsets of both that show how their difference varies, but of {kept}; run "
            "a few with `ssl-irmae evaluate` first, or name finished trials with `results`"
        )

    def distance(pair: StoredPairs) -> tuple[float, ...]:
        a, b = pair.a, pair.b
        of_steps = [_apart(each.steps, steps.get(each.contender)) for each in (a, b)]
        return (
            a.dataset != dataset and not (fingerprint and a.fingerprint == fingerprint),
            bool(fingerprint and a.fingerprint) and a.fingerprint != fingerprint,
            a.rule != "balanced",
            a.scored_on != scored_on,
            _apart(a.budget, budget),
            sum(of_steps) + _apart(a.steps, b.steps),
            a.network != b.network,
            -len(pair.differences),
        )

    return min(pairs, key=distance)


def _comparable(a: StoredErrors, b: StoredErrors) -> bool:
    fields = ("budget", "dataset", "scored_on", "rule", "source", "images")
    return all(getattr(a, name) == getattr(b, name) for name in fields)


def _apart(a: int | None, b: int | None) -> float:
    """Return how far apart two numbers are, as the logarithm of their ratio; 0 if one is not known."""
    return 0.0 if a is None or b is None else abs(math.log(a / b))


def _listing(errors: Sequence[StoredErrors]) -> str:
    if not errors:
        return "nothing"
    budgets = sorted({(each.dataset, each.budget) for each in errors})
    return ", ".join(
        f"{dataset} at {join([f'{b:,}' for name, b in budgets if name == dataset])} labels"
        for dataset in dict.fromkeys(dataset for dataset, _ in budgets)
    )


def _images(row: Row) -> str:
    return " ".join(filter(None, (row.data_fingerprint, row.scored_fingerprint, row.chosen_on)))


def _network(row: Row) -> str | None:
    return row.network or (None if row.pretraining is None else row.pretraining.network)


def _steps(row: Row) -> int | None:
    steps = row.settings.get("steps") if row.reads == "images" else None
    return None if steps is None else int(steps)
