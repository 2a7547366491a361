"""Who makes the fewest errors, where not all contenders were run on the same subsets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix
from ssl_irmae.protocols.statistics.intervals import without_rounding

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The contenders at one budget, the best first.

    Args:
        names: Their names, n of them.
        gaps: By how much the mean error of a line's contender is above that of a column's, over the subsets that both
            were run on, points, shape (n, n); NaN where they share none.
    """

    names: tuple[str, ...]
    gaps: Floats

    @property
    def first(self) -> tuple[str, ...]:
        """Those that no other is ahead of in this order: several where they are level."""
        behind = _behind(self.gaps)
        return tuple(name for name, its in zip(self.names, behind, strict=True) if its == behind.min())

    def gap(self, name: str, other: str) -> float | None:
        """Return by how much a contender's mean error is above another's on the subsets of both; None without any."""
        found = float(self.gaps[self.names.index(name), self.names.index(other)])
        return None if np.isnan(found) else found


def rank(matrices: Mapping[tuple[int, str], ErrorMatrix], budget: int, among: Collection[str]) -> Ranking:
    """Rank contenders by how many others they are ahead of, less how many they are behind.

    Two contenders are compared on the subsets that both were run on: a mean over easy subsets alone is low whatever
    makes it. Where all were run on the same subsets this is the order of their means. At the full set all runs have the
    same labels, and means are compared.

    Source: Copeland, "A reasonable social welfare function", 1951, where contenders win and lose against each other.

    Args:
        matrices: Errors by budget and contender.
        budget: Number of labels.
        among: Names of the contenders; those that were not run at the budget have no place.
    """
    names = [name for b, name in matrices if b == budget and name in among]
    errors = errors_by_subset([matrices[budget, name] for name in names])
    gaps = np.stack([_gaps(line, errors) for line in errors]) if names else np.zeros((0, 0))
    behind = _behind(gaps)
    means = [float(matrices[budget, name].errors.mean()) for name in names]
    order = sorted(range(len(names)), key=lambda i: (behind[i], means[i]))
    return Ranking(tuple(names[i] for i in order), gaps[np.ix_(order, order)])


def errors_by_subset(matrices: Sequence[ErrorMatrix]) -> Floats:
    """Arrange the errors of contenders at one budget by subset.

    Returns:
        Percent, a line per contender and a column per subset, by seed; NaN where it was not run. At the full set there
        is one column, of the means.
    """
    if any(matrix.one_subset for matrix in matrices):
        return np.array([[matrix.errors.mean()] for matrix in matrices])
    seeds = sorted({seed for matrix in matrices for seed in matrix.seeds})
    errors = np.full((len(matrices), len(seeds)), np.nan)
    for line, matrix in zip(errors, matrices, strict=True):
        line[[seeds.index(seed) for seed in matrix.seeds]] = matrix.errors.mean(axis=1)
    return errors


def _behind(gaps: Floats) -> Floats:
    """Return how many others each is behind, less how many it is ahead of, shape (n,)."""
    behind: Floats = np.nan_to_num(np.sign(gaps)).sum(1)
    return behind


def _gaps(line: Floats, errors: Floats) -> Floats:
    differences = line - errors
    shared = (~np.isnan(differences)).sum(1)
    sums = np.nansum(differences, axis=1)
    return np.where(shared > 0, without_rounding(sums / np.maximum(shared, 1)), np.nan)
