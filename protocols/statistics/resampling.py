"""Mean errors over resampled subsets, the same for all contenders."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix

RESAMPLES = 999

Floats = npt.NDArray[np.float64]


def resampled_means(matrices: Mapping[tuple[int, str], ErrorMatrix], key: tuple[int, str]) -> Floats:
    """Average a contender's errors over its subsets, and over resamples of the subsets that were run at its budget.

    Args:
        matrices: Errors by budget and contender.
        key: Budget and contender.

    Returns:
        Percent, shape (1 + RESAMPLES,): the mean itself, then that of each resample, which all contenders at a budget
        share. A resample without any subset of this contender has its mean.
    """
    budget, _ = key
    seeds = sorted({seed for (b, _), matrix in matrices.items() if b == budget for seed in matrix.seeds})
    rng = np.random.default_rng(budget)  # of the budget alone: contenders share what is drawn
    counts = rng.multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), size=RESAMPLES)
    matrix = matrices[key]
    its = counts[:, [seeds.index(seed) for seed in matrix.seeds]].astype(np.float64)
    its[its.sum(1) == 0] = 1
    errors = matrix.errors.mean(axis=1)
    return np.concatenate([[errors.mean()], its @ errors / its.sum(1)])
