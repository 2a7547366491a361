"""Mean errors over resampled subsets, the same for all contenders, and intervals of what is computed from them."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy import stats

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix

RESAMPLES = 999

Floats = npt.NDArray[np.float64]


def resampled_means(matrices: Mapping[tuple[int, str], ErrorMatrix], key: tuple[int, str]) -> Floats:
    """Average a contender's errors over its subsets, and over resamples of the subsets that were run at its budget.

    Args:
        matrices: Errors by budget and contender.
        key: Budget and contender.

    Returns:
        Percent, shape (1 + RESAMPLES,): the mean itself, then that of each resample, which all contenders at a budget
        share. A resample without any subset of this contender has its mean.
    """
    budget, _ = key
    seeds = sorted({seed for (b, _), matrix in matrices.items() if b == budget for seed in matrix.seeds})
    rng = np.random.default_rng(budget)  # of the budget alone: contenders share what is drawn
    counts = rng.multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), size=RESAMPLES)
    matrix = matrices[key]
    its = counts[:, [seeds.index(seed) for seed in matrix.seeds]].astype(np.float64)
    its[its.sum(1) == 0] = 1
    errors = matrix.errors.mean(axis=1)
    return np.concatenate([[errors.mean()], its @ errors / its.sum(1)])


def expanded_interval(resampled: Floats, n: int) -> tuple[float, float]:
    """Compute the 95 % interval of expanded percentiles.

    Percentiles of resamples are too close together where n is small: resampling takes the variance of n values as if it
    were known, and divides it by n. So the tails are those of a normal distribution beyond the t quantile, widened by
    the root of n / (n - 1).

    Source: Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician, 2015,
    https://doi.org/10.1080/00031305.2015.1089789.

    Args:
        resampled: What each resample gives, shape (r,); may hold infinities.
        n: Number of subsets that were resampled, at least 1; a single one, which shows no spread, counts as two.
    """
    n = max(n, 2)
    tail = float(stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf(0.025, n - 1)))
    low, high = np.quantile(resampled, (tail, 1 - tail), method="inverted_cdf")  # infinities have no mean
    return float(low), float(high)
