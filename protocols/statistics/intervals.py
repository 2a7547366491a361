"""95 % t intervals, from the standard error of one source of doubt or of several together."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]


class StandardError(NamedTuple):
    """A standard error and how well it is known.

    Args:
        points: The standard error, points.
        freedom: Its degrees of freedom.
    """

    points: float
    freedom: float


def standard_error(values: npt.ArrayLike) -> StandardError:
    """Compute the standard error of a mean, s / sqrt(n) with s of ddof = 1.

    Args:
        values: Independent values, shape (n,), n at least 2.

    >>> standard_error([1.0, 2.0, 3.0])
    StandardError(points=0.5773502691896258, freedom=2)
    """
    x = np.asarray(values, dtype=np.float64)
    return StandardError(float(stats.sem(x)) if np.ptp(x) else 0.0, len(x) - 1)  # without the noise of equal floats


def together(*errors: StandardError) -> StandardError:
    """Add independent sources up: squares add, and degrees of freedom are Satterthwaite's (1946).

    >>> together(StandardError(3.0, 8), StandardError(4.0, 8))
    StandardError(points=5.0, freedom=14.836795252225519)
    """
    squares = [points**2 for points, _ in errors]
    spread = sum(square**2 / freedom for square, (_, freedom) in zip(squares, errors, strict=True))
    total = sum(squares)
    return StandardError(math.sqrt(total), total**2 / spread if spread > 0 else min(f for _, f in errors))


def t_interval(mean: float, error: StandardError) -> tuple[float, float]:
    """Compute Student's 95 % interval of a mean; on this toolkit's rows it covers more than a bootstrap does.

    How often: docs/results/coverage. Both ends are the mean if its standard error is 0.

    >>> t_interval(2.0, StandardError(0.0, 4))
    (2.0, 2.0)
    """
    margin = float(stats.t.ppf(0.975, error.freedom)) * error.points
    return mean - margin, mean + margin
