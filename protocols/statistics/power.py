"""How many subsets a difference takes: power of the paired test, from differences that are stored."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from ssl_irmae.protocols.statistics.significance import smallest_p

Floats = npt.NDArray[np.float64]

LEVEL = 0.05
CONFIDENCE = 0.8
"""Confidence of the range of a number of pairs, which comes from the interval of the standard deviation."""

_MOST = 10**9  # pairs; how many more it would take helps nobody
_SIMULATED = 10_000
_DOUBT = 0.01  # more than two standard errors of a simulated power
_MOST_RESAMPLED = 200
_EXACT_UP_TO = 10
_FLIPS = 999
_NOTHING = 1e-9  # squared shift, in standard errors, below which scipy's series fail; the power is the level within it


@dataclass(frozen=True)
class PairsNeeded:
    """How many pairs the two-sided sign-flip test needs for a given power.

    Args:
        n: Number of pairs, at most a thousand million.
        low: The same for the lower end of the 80 % interval of the standard deviation.
        high: For its upper end.
        by_formula: What the t test's formula alone gives for ``n``; smaller where resampled differences need more, or
            where fewer pairs cannot give a small enough p value.
        deviation: Standard deviation of the stored differences (ddof = 1), points.
        stored: Number of stored differences.
    """

    n: int
    low: int
    high: int
    by_formula: int
    deviation: float
    stored: int


def t_test_power(n: int, *, detect: float, deviation: float) -> float:
    r"""Compute the power of the two-sided paired t test at level 0.05.

    .. math:: P(|T| > t_{0.975, n-1}), \quad T \sim \text{noncentral } t_{n-1}(\sqrt n \, \delta / \sigma)

    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), chapter 2.

    Args:
        n: Number of pairs, at least 2.
        detect: The true mean difference.
        deviation: Standard deviation of the differences, above 0.

    >>> round(t_test_power(34, detect=0.5, deviation=1.0), 3)
    0.808
    """
    critical = stats.t.ppf(1 - LEVEL / 2, n - 1)
    squared = n * (detect / deviation) ** 2
    if squared < _NOTHING:
        return LEVEL
    # T squared has the noncentral F distribution; scipy's noncentral t is NaN at many ordinary arguments
    return float(stats.ncf.sf(critical**2, 1, n - 1, squared))


def pairs_needed(differences: Sequence[float] | Floats, *, detect: float, power: float) -> PairsNeeded:
    """Estimate how many pairs find a mean difference with the two-sided sign-flip test at level 0.05.

    The number is the largest of three: what the paired t test needs, which the sign-flip test follows closely where
    differences are about normal; the fewest pairs whose smallest p value is below the level; and, up to 200 pairs, what
    the sign-flip test itself needs on pairs drawn with replacement from the stored ones, moved to the mean that is to
    be found, in the direction that is harder to find. The range is for the ends of the 80 % chi-square interval of the
    standard deviation, which supposes that differences are normal.

    It is for one comparison: after Holm's correction for several, more pairs are needed.

    Args:
        differences: Paired differences, shape (m,), m at least 2, not all of them equal.
        detect: The mean difference to find, above 0, in their unit.
        power: The probability of finding it, in (0, 1).

    Raises:
        ValueError: If all differences are equal: how others would vary is not known then.
    """
    x = np.asarray(differences, dtype=np.float64)
    if np.ptp(x) == 0:
        raise ValueError(f"{len(x)} differences of {x[0]:g} do not show how others would vary")
    m, deviation = len(x), float(np.std(x, ddof=1))
    tails = (1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2
    wider = (math.sqrt((m - 1) / stats.chi2.ppf(tail, m - 1)) for tail in tails)
    low, high = (_needed(factor * x, detect, power) for factor in wider)
    return PairsNeeded(
        n=_needed(x, detect, power),
        low=low,
        high=high,
        by_formula=_by_formula(deviation, detect, power),
        deviation=deviation,
        stored=m,
    )


def _needed(x: Floats, detect: float, power: float) -> int:
    fewest = next(n for n in range(2, 64) if smallest_p(n) < LEVEL)
    n = max(fewest, _by_formula(float(np.std(x, ddof=1)), detect, power))
    while n <= _MOST_RESAMPLED and _resampled_power(x, n, detect) < power - _DOUBT:
        n += max(1, n // 20)
    return n


def _by_formula(deviation: float, detect: float, power: float) -> int:
    if t_test_power(_MOST, detect=detect, deviation=deviation) < power:
        return _MOST
    enough = 2
    while t_test_power(enough, detect=detect, deviation=deviation) < power:
        enough *= 2
    too_few = enough // 2
    while enough - too_few > 1:
        between = (too_few + enough) // 2
        if between > 1 and t_test_power(between, detect=detect, deviation=deviation) >= power:
            enough = between
        else:
            too_few = between
    return enough


def _resampled_power(x: Floats, n: int, detect: float) -> float:
    """Draw n of the stored differences over and over, and count how often the sign-flip test finds their mean."""
    # a resample of m values varies less than what they were drawn from, by (m - 1) / m
    centred = (x - x.mean()) * math.sqrt(len(x) / (len(x) - 1))
    rng = np.random.default_rng(n)
    drawn = rng.choice(centred, size=(_SIMULATED, n))
    return min(_share_found(drawn + shift, rng) for shift in (detect, -detect))


def _share_found(drawn: Floats, rng: np.random.Generator) -> float:
    """Return the share of the samples, shape (samples, n), in which the sign-flip test is below the level."""
    n = drawn.shape[1]
    if n <= _EXACT_UP_TO:
        flips = 1 - 2.0 * (np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1)
    else:
        flips = rng.choice(np.array([-1.0, 1.0]), size=(_FLIPS, n))
    reached = np.abs(drawn.sum(1)) - 1e-12 * np.abs(drawn).sum(1)
    p = (np.abs(flips @ drawn.T) >= reached).mean(0)
    return float((p < LEVEL).mean())
