"""Paired differences between contenders, with a bootstrap interval for their mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from ssl_irmae.protocols.statistics.significance import sign_flip_test

Floats = npt.NDArray[np.float64]

RESAMPLES = 9_999


@dataclass(frozen=True)
class Difference:
    """A contender's error minus the baseline's, on the subsets that both have seen.

    Args:
        baseline: The contender whose error is subtracted.
        mean: Mean difference, points.
        low: Lower end of the 95 % BCa bootstrap interval of the mean, points; None for fewer than two pairs.
        high: Upper end.
        n: Number of pairs.
        better: In how many of them the contender's error is below the baseline's.
        p: p value of the two-sided sign-flip test.
        p_holm: The same after Holm's correction over all comparisons made at that budget.
    """

    baseline: str
    mean: float
    low: float | None
    high: float | None
    n: int
    better: int
    p: float
    p_holm: float


def paired_difference(errors: Mapping[int, float], baseline: Mapping[int, float], name: str) -> Difference | None:
    """Compare two contenders on the subsets that both have seen.

    Args:
        errors: The contender's error in percent, by subset seed.
        baseline: The same for the baseline.
        name: The baseline's name.

    Returns:
        The difference, as the only one tested (``p_holm`` is ``p``); None if no subset is shared.
    """
    shared = sorted(errors.keys() & baseline.keys())
    if not shared:
        return None
    # errors are counts of images: digits beyond the ninth are rounding, which would make equal differences unequal
    x = np.round([errors[s] - baseline[s] for s in shared], 9)
    low, high = bca_interval(x) or (None, None)
    p = sign_flip_test(x)
    return Difference(name, float(x.mean()), low, high, len(x), int((x < 0).sum()), p, p)


def _mean(x: Floats, axis: int) -> Floats:
    """Average without float noise: the bias correction counts resamples whose mean equals the sample's."""
    rounded: Floats = np.round(x.mean(axis=axis), 12)
    return rounded


def bca_interval(differences: Sequence[float] | Floats) -> tuple[float, float] | None:
    """Compute the 95 % bias-corrected and accelerated bootstrap interval of the mean, always from the same resamples.

    It follows the skew of the differences, which a t interval does not. For few differences it is too narrow, because
    resamples spread no wider than these few: read it together with the sign-flip test, which holds its level for any n.

    Source: Efron, Better bootstrap confidence intervals, JASA 82 (1987), https://doi.org/10.2307/2289144.

    Args:
        differences: Paired differences, shape (n,).

    Returns:
        Its ends; both are the mean if all differences are equal; None for fewer than two.

    >>> bca_interval([2.0, 2.0, 2.0])
    (2.0, 2.0)
    """
    x = np.asarray(differences, dtype=np.float64)
    if len(x) < 2:
        return None
    if np.ptp(x) == 0:
        return float(x[0]), float(x[0])
    interval = stats.bootstrap(
        (x,), _mean, n_resamples=RESAMPLES, method="BCa", vectorized=True, rng=np.random.default_rng(0)
    ).confidence_interval
    return float(interval.low), float(interval.high)
