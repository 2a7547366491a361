"""One number per learning curve: its geometric mean error, and how many labels a target error takes."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ssl_irmae.protocols.statistics.error_matrix import error_matrices
from ssl_irmae.protocols.statistics.label_equivalence import half_an_image
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded, LearningCurve
from ssl_irmae.protocols.statistics.resampling import expanded_interval, resampled_means
from ssl_irmae.protocols.storage.rows import Row


@dataclass(frozen=True)
class CurveSummary:
    """One contender over all budgets.

    Args:
        contender: Name of the contender.
        geometric_mean: Geometric mean of its mean errors over the budgets of the baseline, percent: halving the error
            at any budget counts alike. None if it was not run at all of these.
        low: Lower end of the 95 % interval, percent.
        high: Upper end.
        needed: Labels for the target error; None without one.
    """

    contender: str
    geometric_mean: float | None
    low: float | None
    high: float | None
    needed: LabelsNeeded | None


def summarise_curves(rows: Iterable[Row], *, baseline: str, target: float | None = None) -> list[CurveSummary]:
    """Summarise each contender over all budgets.

    Intervals are of expanded percentiles over subsets that are drawn again (see ``label_equivalences``), with the tails
    of the budget that has the fewest, the full set left out, where there is one subset.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.
        baseline: The contender whose budgets count for the geometric mean.
        target: A target error, percent.

    Returns:
        One per contender, in order of first appearance.

    Raises:
        UserError: If two rows contradict each other.
    """
    rows = list(rows)
    matrices = error_matrices(rows)
    floor = half_an_image(rows)
    every = {budget for budget, name in matrices if name == baseline}
    found = []
    for contender in dict.fromkeys(contender for _, contender in matrices):
        budgets = sorted(budget for budget, name in matrices if name == contender)
        curves = np.stack([resampled_means(matrices, (b, contender)).clip(floor) for b in budgets], 1)
        its = [matrices[b, contender] for b in budgets]
        fewest = min((len(matrix.seeds) for matrix in its if not matrix.one_subset), default=1)
        mean: tuple[float | None, float | None, float | None] = (None, None, None)
        if every <= set(budgets):
            means = np.exp(np.log(curves[:, [budgets.index(budget) for budget in sorted(every)]]).mean(1))
            mean = (float(means[0]), *expanded_interval(means[1:], fewest))
        needed = None
        if target is not None:
            labels = np.array([float(LearningCurve(budgets, curve).labels_for(target)) for curve in curves])
            interval = expanded_interval(labels[1:], fewest)
            needed = LabelsNeeded(contender, budgets[0], budgets[-1], float(labels[0]), *interval)
        found.append(CurveSummary(contender, *mean, needed))
    return found
