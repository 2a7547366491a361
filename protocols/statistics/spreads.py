"""Standard deviations that crossed sources add to an error, each with an interval."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from ssl_irmae.protocols.statistics.anova import mean_squares

Floats = npt.NDArray[np.float64]

_TAIL = 0.025


class Spread(NamedTuple):
    """A standard deviation that one source alone gives an error, in points, with its interval of 95 %.

    Args:
        points: The estimate; 0 where that of the variance is negative.
        low: Lower end.
        high: Upper end.
    """

    points: float
    low: float
    high: float


class CrossedSpreads(NamedTuple):
    """What labelled subsets, pretraining seeds and all else add."""

    subset: Spread
    pretraining: Spread
    rest: Spread


def crossed_spreads(errors: Floats) -> CrossedSpreads:
    r"""Estimate standard deviations where subsets are crossed with pretraining seeds, one run per cell.

    The model and the estimates are those of ``variance_components``. Intervals of both sources are those of Williams
    and Tukey: with mean squares :math:`M` of f degrees of freedom and :math:`M_e` of g, and n runs per level, the ends
    of the variance are :math:`f (M - F_{q; f, g} M_e) / (n \chi^2_{q; f})` at q = 0.975 and 0.025, where F and
    :math:`\chi^2` are quantiles; that of the rest has the quantiles of :math:`\chi^2` alone. Effects are normal.

    Source: Williams, "A confidence interval for variance components", Biometrika 49, 1962,
    https://doi.org/10.1093/biomet/49.1-2.278.

    Args:
        errors: Errors in percent, shape (S, P), both at least 2.
    """
    s, p = errors.shape
    m = mean_squares(errors)
    g = (s - 1) * (p - 1)
    return CrossedSpreads(
        _of_source(m.subset, s - 1, m.residual, g, runs=p),
        _of_source(m.pretraining, p - 1, m.residual, g, runs=s),
        _of_square(m.residual, g),
    )


def spread_within(errors: Floats) -> Spread:
    """Estimate the standard deviation of runs, shape (S, P), within each of P encoders, which may have other means."""
    s, p = errors.shape
    return _of_square(float(errors.var(axis=0, ddof=1).mean()), (s - 1) * p)


def _of_source(square: float, freedom: int, residual: float, residual_freedom: int, *, runs: int) -> Spread:
    def end(q: float) -> float:
        beyond = square - float(stats.f.ppf(q, freedom, residual_freedom)) * residual
        return freedom * beyond / (runs * float(stats.chi2.ppf(q, freedom)))

    return Spread(_root((square - residual) / runs), _root(end(1 - _TAIL)), _root(end(_TAIL)))


def _of_square(square: float, freedom: int) -> Spread:
    low, high = (freedom * square / float(stats.chi2.ppf(q, freedom)) for q in (1 - _TAIL, _TAIL))
    return Spread(_root(square), _root(low), _root(high))


def _root(variance: float) -> float:
    return math.sqrt(max(variance, 0.0))
