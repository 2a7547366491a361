"""Spearman's rank correlation of a few values, with an exact p value."""

import itertools
from collections.abc import Sequence

import numpy as np
from scipy import stats

EXACT_UP_TO = 8
"""Values of which all orders are tried: 40,320."""


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    r"""Compute Spearman's rank correlation and the two-sided p value of no relation.

    It is the correlation of the ranks, equal values sharing theirs. For up to 8 pairs p is the share of all n! orders
    of ``y`` that correlate as strongly; beyond that it is scipy's approximation.

    Source: Spearman, "The proof and measurement of association between two things", American Journal of Psychology
    1904.

    Args:
        x: Values, shape (n,), n at least 3.
        y: Values, likewise.

    Returns:
        The correlation and p; 0 and 1 if all values of one of them are equal.

    Raises:
        ValueError: If a value is not finite.

    >>> rank_correlation([1, 2, 3, 4], [1, 4, 9, 16])
    (1.0, 0.08333333333333333)
    """
    if not np.isfinite([x, y]).all():
        raise ValueError("values that are not finite have no rank")
    a, b = (np.asarray(stats.rankdata(values), dtype=np.float64) for values in (x, y))
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    if norm == 0:
        return 0.0, 1.0
    rho = round(float(a @ b) / norm, 12)
    if len(a) > EXACT_UP_TO:
        return rho, float(stats.spearmanr(x, y).pvalue)
    orders = np.array(list(itertools.permutations(b))) @ a / norm
    return rho, float((np.abs(orders) >= abs(rho) - 1e-9).mean())
