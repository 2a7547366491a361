"""How much an error, or a difference of two, depends on which images were scored; no ± over subsets includes this."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from ssl_irmae.protocols.statistics.intervals import StandardError, standard_error

Floats = npt.NDArray[np.float64]


def binomial_test_set_error(error: float, n_scored: int) -> float:
    """Compute the binomial standard error of one error rate on a finite test set, in points.

    Where no image was wrong, or every one, that would be 0: there it is half the width of Wilson's 95 % interval, in
    standard errors.

    Args:
        error: Error in percent.
        n_scored: Number of scored images.

    >>> round(binomial_test_set_error(2.0, 10_000), 2)
    0.14
    >>> round(binomial_test_set_error(0.0, 100), 2)
    0.94
    """
    p = error / 100
    if 0 < p < 1:
        return 100 * math.sqrt(p * (1 - p) / n_scored)
    low, high = wilson_interval(error, n_scored)
    return (high - low) / (2 * float(stats.norm.ppf(0.975)))


def wilson_interval(error: float, n_scored: int) -> tuple[float, float]:
    """Compute Wilson's 95 % interval of one error rate on a finite test set; where no image was wrong, it starts there.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 1927.

    Args:
        error: Error in percent, of whole images.
        n_scored: Number of scored images.

    Returns:
        Its ends, percent.

    >>> [round(end, 2) for end in wilson_interval(0.0, 100)]
    [0.0, 3.7]
    """
    found = stats.binomtest(round(error * n_scored / 100), n_scored).proportion_ci(method="wilson")
    return 100 * float(found.low), 100 * float(found.high)


def shares_wrong(trials: Sequence[bytes], n_scored: int) -> Floats:
    """Compute in what share of trials each scored image was classified wrongly.

    Args:
        trials: Which images each trial got wrong, packed by ``numpy.packbits``; at least one.
        n_scored: Number of scored images.

    Returns:
        Shares from 0 to 1, shape (n_scored,).

    >>> shares_wrong([np.packbits([1, 0, 1, 0]).tobytes(), np.packbits([1, 0, 0, 0]).tobytes()], 4)
    array([1. , 0. , 0.5, 0. ])
    """
    packed = np.frombuffer(b"".join(trials), dtype=np.uint8).reshape(len(trials), -1)
    shares: Floats = np.unpackbits(packed, axis=1, count=n_scored).mean(axis=0)
    return shares


def scored_images_error(shares: Floats) -> StandardError:
    """Compute the part of a mean's standard error that comes from which images were scored, in points.

    Two contenders err on much the same images, so that for the difference of their shares it is usually far below what
    two binomial errors would suggest. For one trial each it is the standard error of McNemar's difference.

    Args:
        shares: Of one contender as ``shares_wrong`` returns them, or the difference of two; shape (n,), n at least 2.

    >>> scored_images_error(np.array([1.0, 0.0, 0.0, 0.0]))
    StandardError(points=25.0, freedom=3)
    """
    return standard_error(100 * shares)
