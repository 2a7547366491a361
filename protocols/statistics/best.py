"""How likely each contender is the best, which turns "picked after the fact" into a number."""

from collections.abc import Collection, Iterable

import numpy as np

from ssl_irmae.protocols.statistics.error_matrix import error_matrices
from ssl_irmae.protocols.statistics.resampling import resampled_means
from ssl_irmae.protocols.storage.rows import Row


def probabilities_best(rows: Iterable[Row], among: Collection[str]) -> dict[tuple[int, str], float]:
    """Compute in what share of resampled subsets each contender has the lowest mean error at its budget.

    Ties are shared out. It is about these encoders and scored images: neither is drawn again.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.
        among: The contenders that may be the best.

    Returns:
        Shares that sum to 1 at each budget, by budget and contender; none at a budget with a single subset.

    Raises:
        UserError: If two rows contradict each other.
    """
    matrices = error_matrices(rows)
    found: dict[tuple[int, str], float] = {}
    for budget in dict.fromkeys(budget for budget, _ in matrices):
        keys = [key for key in matrices if key[0] == budget and key[1] in among]
        if len({seed for key in keys for seed in matrices[key].seeds}) > 1:
            means = np.stack([resampled_means(matrices, key)[1:] for key in keys]).round(9)
            lowest = means == means.min(0)
            found |= dict(zip(keys, (lowest / lowest.sum(0)).mean(1).tolist(), strict=True))
    return found
