"""Means, standard errors and paired differences: pure functions of rows."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ssl_irmae.protocols.results import Row


@dataclass(frozen=True)
class Difference:
    """A contender's error minus the reference's, on the subsets that both have seen.

    Args:
        reference: Whose error is subtracted.
        mean: Points of error.
        low: Lower end of the 95 % t interval, points; None for fewer than two pairs.
        high: Upper end.
        n: Pairs.
    """

    reference: str
    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Summary:
    """One contender at one budget.

    Args:
        contender: Its name.
        budget: Number of labels.
        mean: Mean error, percent.
        standard_error: Standard deviation (ddof=1) over sqrt(n), points; None for n = 1.
        n: Subsets (at the full set: training seeds).
        difference: To the reference, or None for the reference itself or where no subset is shared.
    """

    contender: str
    budget: int
    mean: float
    standard_error: float | None
    n: int
    difference: Difference | None


def mean_and_standard_error(values: Sequence[float]) -> tuple[float, float | None]:
    """Compute the mean and its standard error, s / sqrt(n) with s of ddof = 1; one value has no standard error.

    >>> mean_and_standard_error([1.0, 2.0, 3.0])
    (2.0, 0.5773502691896258)
    """
    x = np.asarray(values, dtype=np.float64)
    return float(x.mean()), float(stats.sem(x)) if len(x) > 1 else None


def paired_difference(errors: dict[int, float], reference: dict[int, float], name: str) -> Difference | None:
    """Compare two contenders on the subsets that both have seen, with a 95 % Student t interval.

    Args:
        errors: Error percent by subset seed.
        reference: The same for the reference.
        name: The reference's name.

    Returns:
        The difference, or None if no subset is shared.
    """
    shared = sorted(errors.keys() & reference.keys())
    if not shared:
        return None
    mean, standard_error = mean_and_standard_error([errors[s] - reference[s] for s in shared])
    if standard_error is None:
        return Difference(name, mean, None, None, 1)
    margin = float(stats.t.ppf(0.975, len(shared) - 1)) * standard_error
    return Difference(name, mean, mean - margin, mean + margin, len(shared))


def summarise(rows: Iterable[Row], *, reference: str) -> list[Summary]:
    """Summarise rows by budget and contender, in the order in which those first appear.

    Args:
        rows: Of one protocol: one data set, one rule, one set scored on.
        reference: The contender that differences are taken to.
    """
    errors: dict[tuple[int, str], dict[int, float]] = {}
    full: set[int] = set()
    for row in rows:
        errors.setdefault((row.budget, row.contender), {})[row.seed] = row.error
        if row.rule == "full":
            full.add(row.budget)
    summaries = []
    for (budget, contender), by_seed in errors.items():
        mean, standard_error = mean_and_standard_error(list(by_seed.values()))
        base = errors.get((budget, reference))
        difference = None
        if contender != reference and base is not None:
            pairs = _repeat_single(by_seed, base) if budget in full else (by_seed, base)
            difference = paired_difference(*pairs, reference)
        summaries.append(Summary(contender, budget, mean, standard_error, len(by_seed), difference))
    return summaries


def _repeat_single(a: dict[int, float], b: dict[int, float]) -> tuple[dict[int, float], dict[int, float]]:
    """At the full set a readout without randomness has one result; it stands beside every run of the other."""
    if len(a) == 1:
        return dict.fromkeys(b, next(iter(a.values()))), b
    if len(b) == 1:
        return a, dict.fromkeys(a, next(iter(b.values())))
    return a, b


def scoring_error(error: float, n_test: int) -> float:
    """Compute the binomial standard error of one error rate on a finite test set, points.

    It is not in the standard error over subsets: all of those are scored on the same test images.

    >>> round(scoring_error(2.0, 10_000), 2)
    0.14
    """
    p = error / 100
    return 100 * math.sqrt(p * (1 - p) / n_test)
