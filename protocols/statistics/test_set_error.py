"""What an error, or a difference of two, owes to which images were scored: it is in no ± over subsets."""

import math
from collections.abc import Sequence

import numpy as np


def scoring_error(error: float, n_scored: int) -> float:
    """Compute the binomial standard error of one error rate on a finite test set, points.

    >>> round(scoring_error(2.0, 10_000), 2)
    0.14
    """
    p = error / 100
    return 100 * math.sqrt(p * (1 - p) / n_scored)


def scoring_error_of_difference(wrong: Sequence[bytes], other: Sequence[bytes], n_scored: int) -> float:
    """Compute the standard error that the scored images, as one sample of images, bring to a mean difference, points.

    Two contenders err on much the same images, so this is mostly far below what two binomial errors would suggest. An
    image's difference is the share of the first one's trials that got it wrong, minus that of the other's; the result
    is s / sqrt(n_scored) of these, with s of ddof = 1. For one trial each it is the error of McNemar's difference.

    Args:
        wrong: Of each of the first contender's trials, which images it got wrong, as ``numpy.packbits`` packs it.
        other: The same of the other.
        n_scored: Images; at least 2.

    >>> scoring_error_of_difference([np.packbits([1, 0, 0, 0]).tobytes()], [np.packbits([0, 0, 0, 0]).tobytes()], 4)
    25.0
    """
    shares = [
        np.unpackbits(np.frombuffer(b"".join(each), dtype=np.uint8).reshape(len(each), -1), axis=1, count=n_scored)
        for each in (wrong, other)
    ]
    difference = shares[0].mean(axis=0) - shares[1].mean(axis=0)
    return 100 * float(difference.std(ddof=1)) / math.sqrt(n_scored)
