"""How much an error, or a difference of two, depends on which images were scored; no ± over subsets includes this."""

import math
from collections.abc import Sequence

import numpy as np

_Z = 1.96


def binomial_test_set_error(error: float, n_scored: int) -> float:
    """Compute the binomial standard error of one error rate on a finite test set, in points.

    Where no image was wrong, or every one, that would be 0: there it is half the width of Wilson's 95 % interval, in
    standard errors (Wilson, "Probable Inference", JASA 1927).

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
    return 100 * _Z / (2 * (n_scored + _Z**2))


def paired_test_set_error(wrong: Sequence[bytes], other: Sequence[bytes], n_scored: int) -> float:
    """Compute the part of a mean difference's standard error that comes from which images were scored, in points.

    Two contenders err on much the same images, so this is usually far below what two binomial errors would suggest. An
    image's difference is the share of the first contender's trials that got it wrong, minus the other's share; the
    result is s / sqrt(n_scored), where s is the standard deviation (ddof = 1) of these differences. For one trial each
    it is the standard error of McNemar's difference.

    Args:
        wrong: For each trial of the first contender, which images it got wrong, packed by ``numpy.packbits``.
        other: The same for the other contender.
        n_scored: Number of scored images, at least 2.

    >>> paired_test_set_error([np.packbits([1, 0, 0, 0]).tobytes()], [np.packbits([0, 0, 0, 0]).tobytes()], 4)
    25.0
    """
    shares = [
        np.unpackbits(np.frombuffer(b"".join(each), dtype=np.uint8).reshape(len(each), -1), axis=1, count=n_scored)
        for each in (wrong, other)
    ]
    difference = shares[0].mean(axis=0) - shares[1].mean(axis=0)
    return 100 * float(difference.std(ddof=1)) / math.sqrt(n_scored)
