"""Means with their standard errors and intervals, and each contender's difference from a baseline."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
from ssl_irmae.protocols.statistics.intervals import PERCENT, t_interval
from ssl_irmae.protocols.statistics.intervals import standard_error as standard_error_of
from ssl_irmae.protocols.statistics.method_interval import (
    error_of_runs,
    method_interval,
    method_interval_of_difference,
    paired_lines,
)
from ssl_irmae.protocols.statistics.paired import Difference, paired_difference
from ssl_irmae.protocols.statistics.significance import holm
from ssl_irmae.protocols.storage.rows import Row

Over = Literal[
    "subsets",
    "divisions into folds",
    "training seeds",
    "pretraining seeds",
    "subsets x pretraining seeds",
    "divisions into folds x pretraining seeds",
]


@dataclass(frozen=True)
class Summary:
    """One contender at one budget.

    With one encoder, or none, ``n`` counts subsets (at the full set: training seeds), and ``standard_error`` is
    ``standard_deviation / sqrt(n)``. With several pretraining seeds the errors are first averaged over these within
    each subset, and ``n`` and ``standard_deviation`` are of the subset means; the standard error covers both draws, of
    subsets and of pretraining seeds: see ``crossed_standard_error`` for why. At the full set only the pretraining
    seeds, if there are several, are independent: ``n`` counts them, and the value of each is its mean over training
    seeds. Where folds are scored, a seed divides the labelled images into folds and draws a subset for each; its one
    value is the error pooled over the folds, and n counts these divisions as it else counts subsets.

    Args:
        contender: Name of the contender.
        budget: Number of labels.
        mean: Mean error, percent.
        standard_error: Standard error of the mean (ddof = 1), points; None for n = 1.
        standard_deviation: Standard deviation of the n values (ddof = 1), points; None for n = 1.
        low: Lower end of the 95 % t interval of the mean, percent; None for n = 1, and where all values are equal: no
            spread was seen, which does not make the mean certain.
        high: Upper end.
        method_low: Lower end of the 95 % interval for the method, percent; see ``method_interval``. None for n = 1, and
            where it is not known which images were wrong.
        method_high: Upper end.
        n: Number of values.
        over: What mean and standard error are over.
        difference: Difference from the baseline; None for the baseline itself, and where no subset is shared.
        balanced_error: Mean over the runs of the balanced error, which counts every class alike, percent; None if a row
            lacks it.
        median: Median of the n values, percent.
        worst: Largest of them, percent.
        worst_tenth: Mean of the largest tenth of them, rounded up to a whole number of values, percent.
        skewed: Whether the largest is more than twice the median: what the mean hides.
    """

    contender: str
    budget: int
    mean: float
    standard_error: float | None
    standard_deviation: float | None
    low: float | None
    high: float | None
    method_low: float | None
    method_high: float | None
    n: int
    over: Over
    difference: Difference | None
    balanced_error: float | None
    median: float
    worst: float
    worst_tenth: float
    skewed: bool

    @property
    def over_subsets(self) -> bool:
        """Whether n counts labelled subsets, or divisions into folds; if not, all runs had the same labels."""
        return self.over not in ("training seeds", "pretraining seeds")

    @property
    def crossed(self) -> bool:
        """Whether subsets are crossed with several pretraining seeds."""
        return self.over in ("subsets x pretraining seeds", "divisions into folds x pretraining seeds")


@dataclass(frozen=True)
class Comparison:
    """A contender against another at one budget, as a protocol declares it.

    Args:
        contender: Name of the contender.
        budget: Number of labels.
        difference: Difference from the other contender, which it names.
    """

    contender: str
    budget: int
    difference: Difference


def mean_and_standard_error(values: Sequence[float]) -> tuple[float, float | None]:
    """Compute the mean and its standard error, s / sqrt(n) with s of ddof = 1; one value has no standard error.

    >>> mean_and_standard_error([1.0, 2.0, 3.0])
    (2.0, 0.5773502691896258)
    """
    x = np.asarray(values, dtype=np.float64)
    return float(x.mean()), standard_error_of(x).points if len(x) > 1 else None


def summarise(
    rows: Iterable[Row], *, baseline: str, wrong: Mapping[str, bytes] = MappingProxyType({})
) -> list[Summary]:
    """Summarise rows by budget and contender, in order of first appearance.

    Differences are paired by subset, after averaging over the pretraining seeds: interval and test are about these
    encoders. Holm's correction is over all contenders that are compared with the baseline at one budget, transductive
    ones too.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.
        baseline: The contender whose error is subtracted.
        wrong: Which images were wrong, by the hash of a row's predictions, where it is known; see ``mistakes``.

    Raises:
        UserError: If two rows contradict each other, or pretraining seeds share no subset.
    """
    matrices = error_matrices(rows)
    differences = _differences(matrices, baseline, wrong)
    return [_summary(*key, matrix, differences.get(key), wrong) for key, matrix in matrices.items()]


def compare(
    rows: Iterable[Row], pairs: Sequence[tuple[str, str]], wrong: Mapping[str, bytes] = MappingProxyType({})
) -> list[Comparison]:
    """Compare pairs of contenders by subset, at every budget where both were run.

    At each budget Holm's correction is over all pairs given, including those that were not run there: they are declared
    before any result is seen, and leaving one out makes no p smaller.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.
        pairs: Each a contender, and the one whose error is subtracted.
        wrong: Which images were wrong, by the hash of a row's predictions, where it is known; see ``mistakes``.

    Returns:
        One per budget and pair that was run: by budget, then in the order of the pairs.

    Raises:
        UserError: If two rows contradict each other, or pretraining seeds share no subset.
    """
    matrices = error_matrices(rows)
    found: dict[tuple[int, str, str], Difference] = {}
    for budget in sorted({budget for budget, _ in matrices}):
        at_budget: dict[tuple[int, str, str], Difference] = {}
        for contender, other in pairs:
            difference = _difference(matrices, budget, contender, other, wrong)
            if difference is not None:
                at_budget[budget, contender, other] = difference
        missing = [1.0] * (len(pairs) - len(at_budget))
        corrected = holm([*(difference.p for difference in at_budget.values()), *missing])
        for key, p in zip(at_budget, corrected, strict=False):
            found[key] = replace(at_budget[key], p_holm=p)
    return [Comparison(contender, budget, difference) for (budget, contender, _), difference in found.items()]


def _summary(
    budget: int, contender: str, matrix: ErrorMatrix, difference: Difference | None, wrong: Mapping[str, bytes]
) -> Summary:
    several = len(matrix.pretrain_seeds) > 1
    over: Over
    if matrix.one_subset:
        over = "pretraining seeds" if several else "training seeds"
    elif matrix.folds:
        over = "divisions into folds x pretraining seeds" if several else "divisions into folds"
    else:
        over = "subsets x pretraining seeds" if several else "subsets"
    values = matrix.errors.mean(axis=0 if over == "pretraining seeds" else 1)
    n = len(values)
    mean = float(values.mean())
    error = error_of_runs(matrix.errors, one_subset=matrix.one_subset)
    low, high = t_interval(mean, error, within=PERCENT) if error is not None and error.points > 0 else (None, None)
    method_low, method_high = method_interval(matrix, wrong) or (None, None)
    return Summary(
        contender=contender,
        budget=budget,
        mean=mean,
        standard_error=None if error is None else error.points,
        standard_deviation=None if error is None else float(values.std(ddof=1)),
        low=low,
        high=high,
        method_low=method_low,
        method_high=method_high,
        n=n,
        over=over,
        difference=difference,
        balanced_error=None if matrix.balanced is None else float(matrix.balanced.mean()),
        median=float(np.median(values)),
        worst=float(values.max()),
        worst_tenth=float(np.sort(values)[-math.ceil(n / 10) :].mean()),
        skewed=bool(values.max() > 2 * np.median(values)),
    )


def _differences(
    matrices: Mapping[tuple[int, str], ErrorMatrix], baseline: str, wrong: Mapping[str, bytes]
) -> dict[tuple[int, str], Difference]:
    """Compare every contender with the baseline, and correct at each budget for how many were compared."""
    found: dict[tuple[int, str], Difference] = {}
    for budget, contender in matrices:
        difference = None if contender == baseline else _difference(matrices, budget, contender, baseline, wrong)
        if difference is not None:
            found[budget, contender] = difference
    for budget in {budget for budget, _ in found}:
        at_budget = [key for key in found if key[0] == budget]
        for key, corrected in zip(at_budget, holm([found[key].p for key in at_budget]), strict=True):
            found[key] = replace(found[key], p_holm=corrected)
    return found


def _difference(
    matrices: Mapping[tuple[int, str], ErrorMatrix],
    budget: int,
    contender: str,
    baseline: str,
    wrong: Mapping[str, bytes],
) -> Difference | None:
    matrix, base = matrices.get((budget, contender)), matrices.get((budget, baseline))
    if matrix is None or base is None:
        return None
    pairs = paired_lines(matrix, base)
    a, b = (
        dict(enumerate(each.errors[lines].mean(axis=1).tolist()))
        for each, lines in zip((matrix, base), pairs, strict=True)
    )
    difference = paired_difference(a, b, baseline)
    interval = method_interval_of_difference(matrix, base, wrong)
    if difference is None or interval is None:
        return difference
    return replace(difference, method_low=interval[0], method_high=interval[1])
