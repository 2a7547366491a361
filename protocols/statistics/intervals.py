"""95 % t intervals, from the standard error of one source of doubt or of several together."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

PERCENT = (0.0, 100.0)
"""Between what errors are."""
POINTS = (-100.0, 100.0)
"""Between what differences of errors are."""


def without_rounding(points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return errors or differences to nine digits: they are counts of images, so that later ones are rounding alone.

    With these, equal differences would be unequal, and ties broken.
    """
    x: npt.NDArray[np.float64] = np.asarray(points, dtype=np.float64)
    return x.round(9)


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


def t_interval(
    mean: float, *errors: StandardError, within: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[float, float]:
    """Compute Student's 95 % interval of a mean; on this toolkit's rows it covers more than a bootstrap does.

    How often: docs/results/coverage. Of several independent sources of doubt the half-widths add as squares (Graybill
    and Wang, JASA 1980), so that no source makes the interval narrower. Both ends are the mean if nothing is in doubt.

    Args:
        mean: The mean.
        errors: Its standard errors.
        within: What no mean can be below or above, where the interval is cut off.

    >>> t_interval(2.0, StandardError(0.0, 4))
    (2.0, 2.0)
    >>> t_interval(2.0, StandardError(1.0, 4), within=PERCENT)[0]
    0.0
    """
    margin = t_margin(*errors)
    return max(mean - margin, within[0]), min(mean + margin, within[1])


def t_margin(*errors: StandardError) -> float:
    """Compute half the width of ``t_interval``."""
    return math.hypot(*(float(stats.t.ppf(0.975, freedom)) * points for points, freedom in errors))
