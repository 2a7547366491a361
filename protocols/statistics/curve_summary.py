"""One number per learning curve: its geometric mean error, and how many labels a target error takes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
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
            at any budget counts alike. None if it was not run at all of these, on all of the baseline's subsets.
        low: Lower end of the 95 % interval, percent; None where nothing shows a spread.
        high: Upper end.
        needed: Labels for the target error; None without one, and where the contender was not run on all of the
            baseline's subsets at a budget of both.
    """

    contender: str
    geometric_mean: float | None
    low: float | None
    high: float | None
    needed: LabelsNeeded | None


def summarise_curves(rows: Iterable[Row], *, baseline: str, target: float | None = None) -> list[CurveSummary]:
    """Summarise each contender over all budgets.

    At each budget of the baseline its subsets count, and no others that a contender was run on: errors over easier
    ones are lower whatever makes them. At budgets where the baseline was not run, all of a contender's count; at the
    full set all runs do, as they have the same labels.

    Intervals are of expanded percentiles over subsets that are drawn again (see ``resampled_means``). That of the mean
    has the tails of the budget with the fewest subsets, the full set left out, where there is one subset.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.
        baseline: The contender whose subsets count, and whose budgets do for the geometric mean.
        target: A target error, percent.

    Returns:
        One per contender, in order of first appearance.

    Raises:
        UserError: If two rows contradict each other.
    """
    matrices = error_matrices(rows)
    alike = _on_the_same_subsets(matrices, baseline)
    floor, resampled = half_an_image(matrices.values()), resampled_means(alike)
    every = {budget for budget, name in matrices if name == baseline}
    found = []
    for contender in dict.fromkeys(contender for _, contender in matrices):
        run = sorted(budget for budget, name in matrices if name == contender)
        its = {budget: alike[budget, contender] for budget in run if (budget, contender) in alike}
        if not its:
            found.append(CurveSummary(contender, None, None, None, None))
            continue
        curves = np.stack([resampled[budget, contender].clip(floor) for budget in its], 1)
        mean: tuple[float | None, float | None, float | None] = (None, None, None)
        if every <= set(its):
            means = np.exp(np.log(curves[:, [list(its).index(budget) for budget in sorted(every)]]).mean(1))
            fewest = fewest_runs(its[budget] for budget in every if not its[budget].one_subset)
            mean = (float(means[0]), *expanded_interval(means[1:], fewest))
        needed = None
        if target is not None and len(its) == len(run):
            labels = LearningCurve(list(its), curves).labels_for(np.full(len(curves), target))
            interval = interval_of_labels(labels, its)
            needed = LabelsNeeded(contender, min(its), max(its), float(labels[0]), *interval)
        found.append(CurveSummary(contender, *mean, needed))
    return found


def _on_the_same_subsets(
    matrices: Mapping[tuple[int, str], ErrorMatrix], baseline: str
) -> dict[tuple[int, str], ErrorMatrix]:
    """Keep the baseline's subsets of each matrix, and no matrix that lacks one of them."""
    found = {}
    for (budget, contender), matrix in matrices.items():
        beside = matrices.get((budget, baseline))
        if beside is None or beside.one_subset:
            found[budget, contender] = matrix
        elif set(beside.seeds) <= set(matrix.seeds):
            found[budget, contender] = matrix.of_seeds(beside.seeds)
    return found
