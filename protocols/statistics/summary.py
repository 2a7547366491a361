"""Means with their standard errors and intervals, and each contender's difference to a reference: functions of rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from scipy import stats

from ssl_irmae.protocols.statistics.anova import crossed_standard_error
from ssl_irmae.protocols.statistics.error_matrix import Crossing, cross
from ssl_irmae.protocols.statistics.paired import Difference, paired_difference
from ssl_irmae.protocols.statistics.significance import holm
from ssl_irmae.protocols.statistics.test_set_error import scoring_error_of_difference
from ssl_irmae.protocols.storage.rows import Row

Over = Literal["subsets", "training seeds", "pretraining seeds", "subsets x pretraining seeds"]


@dataclass(frozen=True)
class Summary:
    """One contender at one budget.

    With one encoder, or none, ``n`` counts subsets (at the full set: training seeds), and ``standard_error`` is
    ``standard_deviation / sqrt(n)``. With several pretraining seeds the mean over those is taken first within each
    subset, and ``n`` and ``standard_deviation`` are of these subset means; the standard error covers both draws, of
    subsets and of pretraining seeds: see ``crossed_standard_error`` for why. At the
    full set the pretraining seeds, if there are several, are what is independent: ``n`` counts them, each with the mean
    over its training seeds.

    Args:
        contender: Its name.
        budget: Number of labels.
        mean: Mean error, percent.
        standard_error: Of the mean (ddof = 1), points; None for n = 1.
        standard_deviation: Of the n values (ddof = 1), points; None for n = 1.
        low: Lower end of the 95 % Student t interval of the mean, percent; None for n = 1.
        high: Upper end.
        n: Values.
        over: What mean and standard error are over.
        difference: To the reference, or None for the reference itself or where no subset is shared.
    """

    contender: str
    budget: int
    mean: float
    standard_error: float | None
    standard_deviation: float | None
    low: float | None
    high: float | None
    n: int
    over: Over
    difference: Difference | None


@dataclass(frozen=True)
class Comparison:
    """A contender against another at one budget, as declared beforehand.

    Args:
        contender: Its name.
        budget: Number of labels.
        difference: To the other, which it names.
        scoring_error: Standard error of the mean difference from which images were scored, points, which is not in the
            interval; None if it is not known which images were wrong.
    """

    contender: str
    budget: int
    difference: Difference
    scoring_error: float | None


def mean_and_standard_error(values: Sequence[float]) -> tuple[float, float | None]:
    """Compute the mean and its standard error, s / sqrt(n) with s of ddof = 1; one value has no standard error.

    >>> mean_and_standard_error([1.0, 2.0, 3.0])
    (2.0, 0.5773502691896258)
    """
    x = np.asarray(values, dtype=np.float64)
    return float(x.mean()), float(stats.sem(x)) if len(x) > 1 else None


def summarise(rows: Iterable[Row], *, reference: str) -> list[Summary]:
    """Summarise rows by budget and contender, in the order in which those first appear.

    Differences are paired by subset, each the mean over its pretraining seeds: interval and test are about these
    encoders. Holm's correction is over all contenders that are compared with the reference at one budget, transductive
    ones too.

    Args:
        rows: Of one protocol: one data set, one rule, one set scored on.
        reference: The contender that differences are taken to.

    Raises:
        UserError: If two rows contradict each other, or pretraining seeds share no subset.
    """
    crossings = cross(rows)
    differences = _differences(crossings, reference)
    return [_summary(*key, crossing, differences.get(key)) for key, crossing in crossings.items()]


def compare(
    rows: Iterable[Row], pairs: Sequence[tuple[str, str]], wrong: Mapping[str, bytes] = MappingProxyType({})
) -> list[Comparison]:
    """Compare pairs of contenders by subset, at every budget where both were run.

    Holm's correction is over all pairs given, at each budget, also those that were not run there: declare them before
    any result is seen, and no p gets smaller for what is left out.

    Args:
        rows: Of one protocol: one data set, one rule, one set scored on.
        pairs: Each a contender, and the one whose error is subtracted.
        wrong: Which images were wrong, by the hash of a row's predictions, as far as it is known.

    Returns:
        By budget, then in the order of the pairs.

    Raises:
        UserError: If two rows contradict each other, or pretraining seeds share no subset.
    """
    rows = list(rows)
    crossings = cross(rows)
    found: dict[tuple[int, str, str], Difference] = {}
    for budget in sorted({budget for budget, _ in crossings}):
        here: dict[tuple[int, str, str], Difference] = {}
        for contender, other in pairs:
            difference = _difference(crossings, budget, contender, other)
            if difference is not None:
                here[budget, contender, other] = difference
        missing = [1.0] * (len(pairs) - len(here))
        corrected = holm([*(difference.p for difference in here.values()), *missing])
        for key, p in zip(here, corrected, strict=False):
            found[key] = replace(here[key], p_holm=p)
    return [
        Comparison(contender, budget, difference, _scoring_error(rows, crossings, budget, (contender, other), wrong))
        for (budget, contender, other), difference in found.items()
    ]


def _summary(budget: int, contender: str, crossing: Crossing, difference: Difference | None) -> Summary:
    several = len(crossing.pretrain_seeds) > 1
    over: Over
    if crossing.one_subset:
        over = "pretraining seeds" if several else "training seeds"
    else:
        over = "subsets x pretraining seeds" if several else "subsets"
    values = crossing.errors.mean(axis=0 if over == "pretraining seeds" else 1)
    n = len(values)
    mean, standard_error = mean_and_standard_error(values.tolist())
    if standard_error is None:
        return Summary(contender, budget, mean, None, None, None, None, n, over, difference)
    freedom: float = n - 1
    if over == "subsets x pretraining seeds":
        standard_error, freedom = crossed_standard_error(crossing.errors)
    margin = float(stats.t.ppf(0.975, freedom)) * standard_error
    deviation = float(values.std(ddof=1))
    return Summary(
        contender, budget, mean, standard_error, deviation, mean - margin, mean + margin, n, over, difference
    )


def _differences(crossings: Mapping[tuple[int, str], Crossing], reference: str) -> dict[tuple[int, str], Difference]:
    """Compare every contender with the reference, and correct at each budget for how many were compared."""
    found: dict[tuple[int, str], Difference] = {}
    for budget, contender in crossings:
        difference = None if contender == reference else _difference(crossings, budget, contender, reference)
        if difference is not None:
            found[budget, contender] = difference
    for budget in {budget for budget, _ in found}:
        here = [key for key in found if key[0] == budget]
        for key, corrected in zip(here, holm([found[key].p for key in here]), strict=True):
            found[key] = replace(found[key], p_holm=corrected)
    return found


def _scoring_error(
    rows: Sequence[Row],
    crossings: Mapping[tuple[int, str], Crossing],
    budget: int,
    pair: tuple[str, str],
    wrong: Mapping[str, bytes],
) -> float | None:
    """Take the trials that are behind a difference, and see on which images they differ."""
    compared = [crossings[budget, name] for name in pair]
    # the one result of a readout without randomness stands beside every run of the other
    once = any(c.one_subset and c.deterministic for c in compared)
    shared = set(compared[0].seeds) & set(compared[1].seeds)
    trials = [
        [row for row in rows if (row.budget, row.contender) == (budget, name) and (once or row.seed in shared)]
        for name in pair
    ]
    if any(row.predictions not in wrong for each in trials for row in each):
        return None
    a, b = ([wrong[row.predictions] for row in each] for each in trials)
    return scoring_error_of_difference(a, b, trials[0][0].n_scored)


def _difference(
    crossings: Mapping[tuple[int, str], Crossing], budget: int, contender: str, reference: str
) -> Difference | None:
    crossing, base = crossings.get((budget, contender)), crossings.get((budget, reference))
    if crossing is None or base is None:
        return None
    a, b = crossing.by_seed, base.by_seed
    # at the full set a readout without randomness has one result; it stands beside every run of the other
    if crossing.one_subset and crossing.deterministic:
        a = dict.fromkeys(b, next(iter(a.values())))
    elif base.one_subset and base.deterministic:
        b = dict.fromkeys(a, next(iter(b.values())))
    return paired_difference(a, b, reference)
