"""How likely each contender is the best, which turns "picked after the fact" into a number."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
from ssl_irmae.protocols.statistics.intervals import without_rounding
from ssl_irmae.protocols.statistics.ranking import errors_by_subset, rank
from ssl_irmae.protocols.statistics.resampling import draw_again, resampled_means
from ssl_irmae.protocols.storage.rows import Row

LEAST = 6
"""How many subsets it takes: resamples of fewer vary too little, which makes the best too sure."""

Floats = npt.NDArray[np.float64]


def probabilities_best(rows: Iterable[Row], among: Collection[str]) -> dict[tuple[int, str], float]:
    """Compute in what share of resampled subsets each contender comes first at its budget.

    Who comes first is found as by ``rank``: where all were run on the same subsets, it is the lowest mean. Ties are
    shared out. It is about these encoders and scored images: neither is drawn again.

    Contenders take part that were run on six subsets or more, and share as many with whoever of them comes first. At
    the full set it takes six training runs, or one that another would repeat.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.
        among: The contenders that may be the best.

    Returns:
        Shares that sum to 1 at each budget, by budget and contender, of those that take part; none at a budget where
        nobody does, or where another run would repeat all.

    Raises:
        UserError: If two rows contradict each other.
    """
    matrices = error_matrices(rows)
    found: dict[tuple[int, str], float] = {}
    for budget in dict.fromkeys(budget for budget, _ in matrices):
        its = _taking_part(matrices, budget, among)
        if any(not matrix.exact for matrix in its.values()):
            behind = _behind(its)
            first = behind == behind.min(1, keepdims=True)
            shares = (first / first.sum(1, keepdims=True)).mean(0)
            found |= dict(zip(its, shares.tolist(), strict=True))
    return found


def _taking_part(
    matrices: Mapping[tuple[int, str], ErrorMatrix], budget: int, among: Collection[str]
) -> dict[tuple[int, str], ErrorMatrix]:
    its = {
        key: matrix
        for key, matrix in matrices.items()
        if key[0] == budget and key[1] in among and (matrix.exact or len(matrix.seeds) >= LEAST)
    }
    ranked = rank(its, budget, among).names
    if not ranked or matrices[budget, ranked[0]].one_subset:
        return its
    seeds = set(matrices[budget, ranked[0]].seeds)
    return {key: matrix for key, matrix in its.items() if len(seeds & set(matrix.seeds)) >= LEAST}


def _behind(matrices: Mapping[tuple[int, str], ErrorMatrix]) -> Floats:
    """Compute what is lowest for the best contender of each resample, shape (resamples, contenders)."""
    errors = errors_by_subset(list(matrices.values()))
    if not np.isnan(errors).any():
        return without_rounding(np.stack([means[1:] for means in resampled_means(matrices).values()], 1))
    drawn = draw_again(errors.shape[1], seed=min(budget for budget, _ in matrices))
    behind = []
    for line in errors:
        gaps = np.nan_to_num(line - errors) @ drawn.T  # of the subsets that two do not share, nothing
        behind.append(np.sign(without_rounding(gaps)).sum(0))
    return np.stack(behind, 1)
