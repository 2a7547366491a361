"""How many labels the baseline needs to make as few errors as a contender."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded, LearningCurve
from ssl_irmae.protocols.statistics.resampling import expanded_interval, fewest_runs, resampled_means
from ssl_irmae.protocols.storage.rows import Row

Floats = npt.NDArray[np.float64]


def label_equivalences(rows: Iterable[Row], *, baseline: str) -> dict[tuple[int, str], LabelsNeeded]:
    """Compute for every contender and budget how many labels give the baseline the same mean error.

    The baseline's learning curve is read at the contender's mean error (see ``LearningCurve``). A contender that was
    not run on all of the baseline's subsets at its budget is compared on those that it was run on, at every budget, as
    the subsets of a seed are nested. The interval is of expanded percentiles over resampled subsets (see
    ``resampled_means``), with the tails of the smallest number of subsets, or of training runs, that it rests on: the
    contender's, and the baseline's at the budgets between which any resample falls.

    Source: the utility of Newell and Deng, "How Useful is Self-Supervised Pretraining for Visual Tasks?", CVPR 2020,
    https://arxiv.org/abs/2003.14323.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.
        baseline: The contender whose labels are counted.

    Returns:
        By budget and contender, the baseline left out; empty if the baseline was run at fewer than two budgets.

    Raises:
        UserError: If two rows contradict each other.
    """
    matrices = error_matrices(rows)
    budgets = sorted(budget for budget, contender in matrices if contender == baseline)
    others = [key for key in matrices if key[1] != baseline]
    if len(budgets) < 2 or not others:
        return {}
    return {
        key: LabelsNeeded(
            baseline,
            budgets[0],
            budgets[-1],
            float(labels[0]),
            *interval_of_labels(labels, baselines_curve(matrices, key, baseline), matrices[key]),
        )
        for key, labels in equivalent_labels(matrices, others, baseline=baseline).items()
    }


def equivalent_labels(
    matrices: Mapping[tuple[int, str], ErrorMatrix], contenders: Sequence[tuple[int, str]], *, baseline: str
) -> dict[tuple[int, str], Floats]:
    """Read the baseline's curve at the mean errors of contenders, over all subsets and over resamples of them.

    Args:
        matrices: Errors by budget and contender.
        contenders: Their budgets and names.
        baseline: The contender whose labels are counted, at two budgets or more.

    Returns:
        Numbers of labels by budget and contender, each of shape (1 + RESAMPLES,): by the means themselves, then by
        those of each resample.
    """
    floor, of_all = half_an_image(matrices.values()), resampled_means(matrices)
    found = {}
    for key in contenders:
        curve = {(budget, baseline): matrix for budget, matrix in baselines_curve(matrices, key, baseline).items()}
        same = all(matrix is matrices[place] for place, matrix in curve.items())
        means = of_all if same else resampled_means({**curve, key: matrices[key]})
        errors = np.stack([means[place].clip(floor) for place in curve], 1)
        found[key] = LearningCurve([budget for budget, _ in curve], errors).labels_for(means[key].clip(floor))
    return found


def baselines_curve(
    matrices: Mapping[tuple[int, str], ErrorMatrix], key: tuple[int, str], baseline: str
) -> dict[int, ErrorMatrix]:
    """Return the errors of the baseline that a contender is compared with, by budget, ascending.

    Args:
        matrices: Errors by budget and contender.
        key: Budget and name of the contender.
        baseline: Name of the baseline.

    Returns:
        All of its errors; or where the contender was run on some of the baseline's subsets at its budget, but not on
        all, those with the contender's seeds. A budget where there are none, or where there is one subset, has all.
    """
    curve = {budget: matrices[budget, baseline] for budget in sorted(b for b, name in matrices if name == baseline)}
    budget, seeds = key[0], set(matrices[key].seeds)
    beside = curve.get(budget)
    if beside is None or beside.one_subset or not seeds & set(beside.seeds) or seeds >= set(beside.seeds):
        return curve
    return {
        budget: matrix if matrix.one_subset or not seeds & set(matrix.seeds) else matrix.of_seeds(seeds)
        for budget, matrix in curve.items()
    }


def interval_of_labels(
    labels: Floats, curve: Mapping[int, ErrorMatrix], *others: ErrorMatrix
) -> tuple[float, float] | tuple[None, None]:
    """Compute the 95 % interval of a number of labels, with the tails of the fewest runs that it rests on.

    Args:
        labels: The number by the means, then by each resample.
        curve: The errors of the contender whose labels are counted, by budget.
        others: Further errors that the number depends on.

    Returns:
        Its ends; None for both where nothing shows a spread, as of ``expanded_interval``.
    """
    fewest, most = labels.min(), labels.max()
    start = max((budget for budget in curve if budget <= fewest), default=min(curve))
    end = min((budget for budget in curve if budget >= most), default=max(curve))
    between = [matrix for budget, matrix in curve.items() if start <= budget <= end]
    return expanded_interval(labels[1:], fewest_runs([*between, *others]))


def half_an_image(matrices: Iterable[ErrorMatrix]) -> float:
    """Return the error, percent, that stands for no error at all where logarithms are taken: half an image wrong."""
    return 50 / max(matrix.n_scored for matrix in matrices)
