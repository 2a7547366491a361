"""How many labels the baseline needs to make as few errors as a contender."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded, LearningCurve
from ssl_irmae.protocols.statistics.resampling import expanded_interval, fewest_runs, resampled_means
from ssl_irmae.protocols.storage.rows import Row


def label_equivalences(rows: Iterable[Row], *, baseline: str) -> dict[tuple[int, str], LabelsNeeded]:
    """Compute for every contender and budget how many labels give the baseline the same mean error.

    The baseline's learning curve is read at the contender's mean error (see ``LearningCurve``). The interval is of
    expanded percentiles over resampled subsets (see ``resampled_means``), with the tails of the smallest number of
    subsets, or of training runs, that it rests on: the contender's, and the baseline's at the budgets between which any
    resample falls.

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
    labels = equivalent_labels(matrices, others, baseline=baseline)
    curve = {budget: matrices[budget, baseline] for budget in budgets}
    return {
        key: LabelsNeeded(
            baseline, budgets[0], budgets[-1], float(its[0]), *interval_of_labels(its, curve, matrices[key])
        )
        for key, its in zip(others, labels.T, strict=True)
    }


def equivalent_labels(
    matrices: Mapping[tuple[int, str], ErrorMatrix],
    contenders: Sequence[tuple[int, str]],
    *,
    baseline: str,
) -> npt.NDArray[np.float64]:
    """Read the baseline's curve at the mean errors of contenders, over all subsets and over resamples of them.

    Args:
        matrices: Errors by budget and contender.
        contenders: Budgets and names, n of them.
        baseline: The contender whose labels are counted, at two budgets or more.

    Returns:
        Numbers of labels, shape (1 + RESAMPLES, n): by the means themselves, then by those of each resample.
    """
    budgets = sorted(budget for budget, contender in matrices if contender == baseline)
    floor, means = half_an_image(matrices.values()), resampled_means(matrices)
    curve = np.stack([means[budget, baseline].clip(floor) for budget in budgets], 1)
    errors = np.stack([means[key].clip(floor) for key in contenders], 1)
    return np.stack([LearningCurve(budgets, b).labels_for(e) for b, e in zip(curve, errors, strict=True)])


def interval_of_labels(
    labels: npt.NDArray[np.float64], curve: Mapping[int, ErrorMatrix], *others: ErrorMatrix
) -> tuple[float, float] | tuple[None, None]:
    """Compute the 95 % interval of a number of labels, with the tails of the fewest runs that it rests on.

    Args:
        labels: The number by the means, then by each resample.
        curve: The errors of the contender whose labels are counted, by budget.
        others: Further errors that the number depends on.

    Returns:
        Its ends; None for both where a single subset or run shows no spread.
    """
    fewest, most = labels.min(), labels.max()
    start = max((budget for budget in curve if budget <= fewest), default=min(curve))
    end = min((budget for budget in curve if budget >= most), default=max(curve))
    between = [matrix for budget, matrix in curve.items() if start <= budget <= end]
    return expanded_interval(labels[1:], fewest_runs([*between, *others]))


def half_an_image(matrices: Iterable[ErrorMatrix]) -> float:
    """Return the error, percent, that stands for no error at all where logarithms are taken: half an image wrong."""
    return 50 / max(matrix.n_scored for matrix in matrices)
