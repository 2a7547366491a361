"""Mean errors over resampled subsets, the same for all contenders, and intervals of what is computed from them."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
from scipy import stats

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix

RESAMPLES = 999

Floats = npt.NDArray[np.float64]


def resampled_means(matrices: Mapping[tuple[int, str], ErrorMatrix]) -> dict[tuple[int, str], Floats]:
    """Average errors over the subsets that each contender was run on, and over resamples of them.

    Seeds are drawn with replacement, the same ones for all contenders and budgets: the subsets of one seed are nested
    over budgets, so that one which is hard with few labels may be hard with more. Where there is one subset, seeds are
    training runs, and are drawn for each budget.

    Args:
        matrices: Errors by budget and contender.

    Returns:
        Percent, by budget and contender, each of shape (1 + RESAMPLES,): the mean itself, then that of each resample. A
        resample without any subset of a contender has its mean.
    """
    seeds: dict[int | None, set[int]] = {}
    for (budget, _), matrix in matrices.items():
        if not matrix.exact:
            seeds.setdefault(_drawn_at(budget, matrix), set()).update(matrix.seeds)
    drawn = {}
    for at, its in seeds.items():
        counts = draw_again(len(its), seed=min(b for b, _ in matrices) if at is None else at)
        drawn[at] = dict(zip(sorted(its), counts.T, strict=True))
    found = {}
    for key, matrix in matrices.items():
        errors = matrix.errors.mean(axis=1)
        if matrix.exact:
            found[key] = np.full(1 + RESAMPLES, errors.mean())
            continue
        weights = np.stack([drawn[_drawn_at(key[0], matrix)][seed] for seed in matrix.seeds], 1)
        weights[weights.sum(1) == 0] = 1
        found[key] = np.concatenate([[errors.mean()], weights @ errors / weights.sum(1)])
    return found


def draw_again(n: int, *, seed: int) -> Floats:
    """Draw n of n with replacement, again and again; return how often each was drawn, shape (RESAMPLES, n)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)


def _drawn_at(budget: int, matrix: ErrorMatrix) -> int | None:
    """Return at which budget seeds are drawn; None for those that all budgets share."""
    return budget if matrix.one_subset else None


def fewest_runs(matrices: Iterable[ErrorMatrix]) -> int | None:
    """Return the smallest number of subsets, or training runs, of several contenders or budgets.

    What another run would repeat counts for none; None if that is all.
    """
    return min((len(matrix.seeds) for matrix in matrices if not matrix.exact), default=None)


def expanded_interval(resampled: Floats, n: int | None) -> tuple[float, float] | tuple[None, None]:
    """Compute the 95 % interval of expanded percentiles.

    Percentiles of resamples are too close together where n is small: resampling takes the variance of n values as if it
    were known, and divides it by n. So the tails are those of a normal distribution beyond the t quantile, widened by
    the root of n / (n - 1).

    Source: Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician, 2015,
    https://doi.org/10.1080/00031305.2015.1089789.

    Args:
        resampled: What each resample gives, shape (r,); may hold infinities.
        n: Number of subsets that were resampled, the smallest of several.

    Returns:
        Its ends; None for both where n is 1 or None, which shows no spread, and where both are one finite number above
        0: that no spread was seen makes nothing certain. Beyond the ends of a learning curve, at 0 or infinity, an
        interval says so.
    """
    if n is None or n < 2:
        return None, None
    tail = float(stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf(0.025, n - 1)))
    low, high = np.quantile(resampled, (tail, 1 - tail), method="inverted_cdf")  # infinities have no mean
    if low > 0 and math.isclose(low, high, rel_tol=1e-9) and math.isfinite(high):  # digits beyond are rounding
        return None, None
    return float(low), float(high)
