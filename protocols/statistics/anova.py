"""Two-way analysis of variance: subsets crossed with pretraining seeds, one run per cell."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ssl_irmae.protocols.statistics.intervals import StandardError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of a two-way table with one value per cell."""

    subset: float
    pretraining: float
    residual: float


def mean_squares(errors: Floats) -> MeanSquares:
    r"""Compute the mean squares of the two-way analysis of variance without replication.

    With rows i = 1..S, columns j = 1..P: :math:`P \sum_i (\bar y_i - \bar y)^2 / (S - 1)`,
    :math:`S \sum_j (\bar y_j - \bar y)^2 / (P - 1)` and
    :math:`\sum_{ij} (y_{ij} - \bar y_i - \bar y_j + \bar y)^2 / ((S - 1)(P - 1))`.

    Args:
        errors: Errors in percent, shape (S, P), both at least 2.
    """
    s, p = errors.shape
    rows, columns, mean = errors.mean(axis=1, keepdims=True), errors.mean(axis=0, keepdims=True), errors.mean()
    rest = errors - rows - columns + mean
    return MeanSquares(
        float(p * rows.var(ddof=1)), float(s * columns.var(ddof=1)), float((rest**2).sum() / ((s - 1) * (p - 1)))
    )


def crossed_standard_error(errors: Floats) -> StandardError:
    r"""Compute the standard error of a mean over subsets crossed with pretraining seeds.

    .. math:: SE^2 = \sigma_s^2 / S + \sigma_p^2 / P + \sigma_e^2 / (S P)

    with the components of ``variance_components``, negative ones counted as 0. The standard error of the S subset
    means would leave out the second term: every subset mean is over the same P encoders, so their luck does not show in
    the spread between subsets, however many there are. That is right for a statement about these particular encoders;
    a paper makes a statement about the method, and its readers will pretrain encoders of their own.

    The degrees of freedom are Satterthwaite's (1946, https://doi.org/10.2307/3002019), but never fewer than
    min(S, P) - 1: with two pretraining seeds that differ, the interval of the mean is as wide as two values allow.

    Args:
        errors: Errors in percent, shape (S, P), both at least 2.
    """
    s, p = errors.shape
    fewest = min(s, p) - 1
    if not np.ptp(errors):
        return StandardError(0.0, fewest)  # without the noise of equal floats
    m = mean_squares(errors)
    # In mean squares the sum is (MS_s + MS_p - MS_e) / SP. A negative component removes its own mean square and -MS_e
    # from it; if both are negative, MS_e alone remains.
    with_subset, with_pretraining = m.subset > m.residual, m.pretraining > m.residual
    terms = [
        *([(m.subset, s - 1)] if with_subset else []),
        *([(m.pretraining, p - 1)] if with_pretraining else []),
        *([(-m.residual, (s - 1) * (p - 1))] if with_subset and with_pretraining else []),
    ] or [(m.residual, (s - 1) * (p - 1))]
    total = sum(square for square, _ in terms)
    spread = sum(square**2 / freedom for square, freedom in terms)
    return StandardError(math.sqrt(total / (s * p)), max(total**2 / spread, fewest) if spread > 0 else fewest)
