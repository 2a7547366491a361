"""One number per learning curve: its geometric mean error, and how many labels a target error takes."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ssl_irmae.protocols.statistics.error_matrix import error_matrices
from ssl_irmae.protocols.statistics.label_equivalence import half_an_image, interval_of_labels
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded, LearningCurve
from ssl_irmae.protocols.statistics.resampling import expanded_interval, fewest_runs, resampled_means
from ssl_irmae.protocols.storage.rows import Row


@dataclass(frozen=True)
class CurveSummary:
    """One contender over all budgets.

    Args:
        contender: Name of the contender.
        geometric_mean: Geometric mean of its mean errors over the budgets of the baseline, percent: halving the error
            at any budget counts alike. None if it was not run at all of these.
        low: Lower end of the 95 % interval, percent; None where a single subset shows no spread.
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

    Intervals are of expanded percentiles over subsets that are drawn again (see ``resampled_means``). That of the mean
    has the tails of the budget with the fewest subsets, the full set left out, where there is one subset.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.
        baseline: The contender whose budgets count for the geometric mean.
        target: A target error, percent.

    Returns:
        One per contender, in order of first appearance.

    Raises:
        UserError: If two rows contradict each other.
    """
    matrices = error_matrices(rows)
    floor, resampled = half_an_image(matrices.values()), resampled_means(matrices)
    every = {budget for budget, name in matrices if name == baseline}
    found = []
    for contender in dict.fromkeys(contender for _, contender in matrices):
        its = {budget: matrices[budget, contender] for budget in sorted(b for b, name in matrices if name == contender)}
        curves = np.stack([resampled[budget, contender].clip(floor) for budget in its], 1)
        mean: tuple[float | None, float | None, float | None] = (None, None, None)
        if every <= set(its):
            means = np.exp(np.log(curves[:, [list(its).index(budget) for budget in sorted(every)]]).mean(1))
            fewest = fewest_runs(its[budget] for budget in every if not its[budget].one_subset)
            mean = (float(means[0]), *expanded_interval(means[1:], fewest))
        needed = None
        if target is not None:
            labels = LearningCurve(list(its), curves).labels_for(np.full(len(curves), target))
            interval = interval_of_labels(labels, its)
            needed = LabelsNeeded(contender, min(its), max(its), float(labels[0]), *interval)
        found.append(CurveSummary(contender, *mean, needed))
    return found
