"""Means with their standard errors and intervals, and each contender's difference from a baseline."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from scipy import stats

from ssl_irmae.protocols.statistics.anova import crossed_standard_error
from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
from ssl_irmae.protocols.statistics.finite_test_set import paired_test_set_error
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
        low: Lower end of the 95 % Student t interval of the mean, percent; None for n = 1.
        high: Upper end.
        n: Number of values.
        over: What mean and standard error are over.
        difference: Difference from the baseline; None for the baseline itself, and where no subset is shared.
        balanced_error: Mean over the runs of the balanced error, which counts every class alike, percent; None if a row
            lacks it.
        median: Median of the n values, percent.
        worst: Largest of them, percent.
        worst_tenth: Mean of the largest tenth of them, rounded up to a whole number of values, percent.
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
    balanced_error: float | None
    median: float
    worst: float
    worst_tenth: float

    @property
    def skewed(self) -> bool:
        """Whether the median is more than three standard errors from the mean: a few values make the mean."""
        return self.standard_error is not None and abs(self.mean - self.median) > 3 * self.standard_error

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
        test_set_error: Standard error of the mean difference that comes from which images were scored, points; the
            interval leaves it out. None if it is not known which images were wrong.
    """

    contender: str
    budget: int
    difference: Difference
    test_set_error: float | None


def mean_and_standard_error(values: Sequence[float]) -> tuple[float, float | None]:
    """Compute the mean and its standard error, s / sqrt(n) with s of ddof = 1; one value has no standard error.

    >>> mean_and_standard_error([1.0, 2.0, 3.0])
    (2.0, 0.5773502691896258)
    """
    x = np.asarray(values, dtype=np.float64)
    return float(x.mean()), float(stats.sem(x)) if len(x) > 1 else None


def summarise(rows: Iterable[Row], *, baseline: str) -> list[Summary]:
    """Summarise rows by budget and contender, in order of first appearance.

    Differences are paired by subset, after averaging over the pretraining seeds: interval and test are about these
    encoders. Holm's correction is over all contenders that are compared with the baseline at one budget, transductive
    ones too.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.
        baseline: The contender whose error is subtracted.

    Raises:
        UserError: If two rows contradict each other, or pretraining seeds share no subset.
    """
    matrices = error_matrices(rows)
    differences = _differences(matrices, baseline)
    return [_summary(*key, matrix, differences.get(key)) for key, matrix in matrices.items()]


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
    rows = list(rows)
    matrices = error_matrices(rows)
    found: dict[tuple[int, str, str], Difference] = {}
    for budget in sorted({budget for budget, _ in matrices}):
        at_budget: dict[tuple[int, str, str], Difference] = {}
        for contender, other in pairs:
            difference = _difference(matrices, budget, contender, other)
            if difference is not None:
                at_budget[budget, contender, other] = difference
        missing = [1.0] * (len(pairs) - len(at_budget))
        corrected = holm([*(difference.p for difference in at_budget.values()), *missing])
        for key, p in zip(at_budget, corrected, strict=False):
            found[key] = replace(at_budget[key], p_holm=p)
    return [
        Comparison(contender, budget, difference, _test_set_error(rows, matrices, budget, (contender, other), wrong))
        for (budget, contender, other), difference in found.items()
    ]


def _summary(budget: int, contender: str, matrix: ErrorMatrix, difference: Difference | None) -> Summary:
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
    mean, standard_error = mean_and_standard_error(values.tolist())
    balanced = None if matrix.balanced is None else float(matrix.balanced.mean())
    tail = (float(np.median(values)), float(values.max()), float(np.sort(values)[-math.ceil(n / 10) :].mean()))
    if standard_error is None:
        return Summary(contender, budget, mean, None, None, None, None, n, over, difference, balanced, *tail)
    freedom: float = n - 1
    if several and not matrix.one_subset:
        standard_error, freedom = crossed_standard_error(matrix.errors)
    margin = float(stats.t.ppf(0.975, freedom)) * standard_error
    deviation = float(values.std(ddof=1))
    low, high = mean - margin, mean + margin
    return Summary(contender, budget, mean, standard_error, deviation, low, high, n, over, difference, balanced, *tail)


def _differences(matrices: Mapping[tuple[int, str], ErrorMatrix], baseline: str) -> dict[tuple[int, str], Difference]:
    """Compare every contender with the baseline, and correct at each budget for how many were compared."""
    found: dict[tuple[int, str], Difference] = {}
    for budget, contender in matrices:
        difference = None if contender == baseline else _difference(matrices, budget, contender, baseline)
        if difference is not None:
            found[budget, contender] = difference
    for budget in {budget for budget, _ in found}:
        at_budget = [key for key in found if key[0] == budget]
        for key, corrected in zip(at_budget, holm([found[key].p for key in at_budget]), strict=True):
            found[key] = replace(found[key], p_holm=corrected)
    return found


def _test_set_error(
    rows: Sequence[Row],
    matrices: Mapping[tuple[int, str], ErrorMatrix],
    budget: int,
    pair: tuple[str, str],
    wrong: Mapping[str, bytes],
) -> float | None:
    """Compute what the choice of scored images adds to a difference's error, from the trials behind it."""
    if matrices[budget, pair[0]].folds:
        return None  # the scored images are those that labels come from: another choice would change both
    compared = [matrices[budget, name] for name in pair]
    # a readout without randomness has one result there, which is compared with every run of the other
    once = any(c.one_subset and c.deterministic for c in compared)
    shared = set(compared[0].seeds) & set(compared[1].seeds)
    trials = [
        [row for row in rows if (row.budget, row.contender) == (budget, name) and (once or row.seed in shared)]
        for name in pair
    ]
    if any(row.predictions not in wrong for each in trials for row in each):
        return None
    a, b = ([wrong[row.predictions] for row in each] for each in trials)
    return paired_test_set_error(a, b, trials[0][0].n_scored)


def _difference(
    matrices: Mapping[tuple[int, str], ErrorMatrix], budget: int, contender: str, baseline: str
) -> Difference | None:
    matrix, base = matrices.get((budget, contender)), matrices.get((budget, baseline))
    if matrix is None or base is None:
        return None
    a, b = matrix.by_seed, base.by_seed
    # at the full set a readout without randomness has one result, which is compared with every run of the other
    if matrix.one_subset and matrix.deterministic:
        a = dict.fromkeys(b, next(iter(a.values())))
    elif base.one_subset and base.deterministic:
        b = dict.fromkeys(a, next(iter(b.values())))
    return paired_difference(a, b, baseline)
