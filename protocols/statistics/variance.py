"""Components of variance: how much of the spread is due to the subset, the pretraining seed and the rest."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ssl_irmae.protocols.statistics.anova import mean_squares
from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
from ssl_irmae.protocols.storage.rows import Row


@dataclass(frozen=True)
class Component:
    """One component of variance.

    Args:
        variance: Squared points; 0 where the estimate is negative.
        raw: The estimate itself, which can be negative.
        points: Square root of the variance: the standard deviation that this source alone gives the error.
    """

    variance: float
    raw: float
    points: float


@dataclass(frozen=True)
class VarianceComponents:
    """One contender at one budget.

    Args:
        contender: Name of the contender.
        budget: Number of labels.
        subsets: Number of labelled subsets or, at the full set, of training seeds.
        pretraining_seeds: Number of pretraining seeds.
        subset: What the draw of the labels adds, with whatever its training seed does to every encoder alike; None at
            the full set, and where it cannot be separated from the rest.
        pretraining: What the seed of the pretraining adds; None where it cannot be separated from the rest.
        residual: All else: training and interactions, and every source whose component is None; None for one row.
        why: Why components are missing, as a clause; None if all three are known.
    """

    contender: str
    budget: int
    subsets: int
    pretraining_seeds: int
    subset: Component | None
    pretraining: Component | None
    residual: Component | None
    why: str | None


def variance_components(rows: Iterable[Row]) -> list[VarianceComponents]:
    r"""Estimate components of variance of the error by the method of moments, by budget and contender.

    Where S subsets are crossed with P pretraining seeds, one run per cell, the two-way random-effects model
    :math:`y_{ij} = \mu + s_i + p_j + e_{ij}` has expected mean squares :math:`P \sigma_s^2 + \sigma_e^2`,
    :math:`S \sigma_p^2 + \sigma_e^2` and :math:`\sigma_e^2`; they are set equal to those observed. At the full set
    there is no subset: the training runs are nested in the pretraining seeds, and the one-way model has
    :math:`S \sigma_p^2 + \sigma_e^2` between and :math:`\sigma_e^2` within. A negative estimate means
    that the component is too small to be seen.

    Source: Searle, Casella and McCulloch, Variance Components (1992), chapters 3 and 4,
    https://doi.org/10.1002/9780470316856.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.

    Returns:
        One per budget and contender, in order of first appearance.
    """
    return [_components(budget, contender, matrix) for (budget, contender), matrix in error_matrices(rows).items()]


def _components(budget: int, contender: str, matrix: ErrorMatrix) -> VarianceComponents:
    y = matrix.errors
    s, p = y.shape
    subset = pretraining = residual = why = None
    if matrix.one_subset and s > 1 and p > 1:
        within = float(y.var(axis=0, ddof=1).mean())
        pretraining = _component(float(y.mean(axis=0).var(ddof=1)) - within / s)
        residual = _component(within)
        why = "at the full set all subsets are the same"
    elif s > 1 and p > 1:
        m = mean_squares(y)
        subset, pretraining = _component((m.subset - m.residual) / p), _component((m.pretraining - m.residual) / s)
        residual = _component(m.residual)
    elif s > 1 or p > 1:
        residual = _component(float(y.var(ddof=1)))
        if s > 1:
            together = "training alone" if matrix.one_subset else "subset and training cannot be separated"
            why = f"one pretraining seed or none: {together}"
        elif matrix.one_subset:
            why = "one run of each encoder: pretraining and training cannot be separated"
        else:
            why = "one subset: pretraining and training cannot be separated"
    else:
        why = "one run"
    return VarianceComponents(contender, budget, s, p, subset, pretraining, residual, why)


def _component(raw: float) -> Component:
    variance = max(raw, 0.0)
    return Component(variance, raw, math.sqrt(variance))
