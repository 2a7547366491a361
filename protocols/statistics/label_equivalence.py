"""How many labels the baseline needs to make as few errors as a contender."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix, error_matrices
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded, LearningCurve
from ssl_irmae.protocols.statistics.resampling import expanded_interval, resampled_means
from ssl_irmae.protocols.storage.rows import Row


def label_equivalences(rows: Iterable[Row], *, baseline: str) -> dict[tuple[int, str], LabelsNeeded]:
    """Compute for every contender and budget how many labels give the baseline the same mean error.

    The baseline's learning curve is read at the contender's mean error (see ``LearningCurve``). The interval is of
    expanded percentiles over resampled subsets (see ``expanded_interval``): at every budget they are drawn with
    replacement, the same for all contenders, from all that were run there. The number of subsets that count is the
    contender's.

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
    rows = list(rows)
    matrices = error_matrices(rows)
    budgets = sorted(budget for budget, contender in matrices if contender == baseline)
    others = [key for key in matrices if key[1] != baseline]
    if len(budgets) < 2 or not others:
        return {}
    labels = equivalent_labels(matrices, others, baseline=baseline, floor=half_an_image(rows))
    return {
        key: LabelsNeeded(
            baseline, budgets[0], budgets[-1], float(its[0]), *expanded_interval(its[1:], len(matrices[key].seeds))
        )
        for key, its in zip(others, labels.T, strict=True)
    }


def equivalent_labels(
    matrices: Mapping[tuple[int, str], ErrorMatrix],
    contenders: Sequence[tuple[int, str]],
    *,
    baseline: str,
    floor: float,
) -> npt.NDArray[np.float64]:
    """Read the baseline's curve at the mean errors of contenders, over all subsets and over resamples of them.

    Args:
        matrices: Errors by budget and contender.
        contenders: Budgets and names, n of them.
        baseline: The contender whose labels are counted, at two budgets or more.
        floor: The error, percent, that stands for none at all.

    Returns:
        Numbers of labels, shape (1 + RESAMPLES, n): by the means themselves, then by those of each resample.
    """
    budgets = sorted(budget for budget, contender in matrices if contender == baseline)
    curve = np.stack([resampled_means(matrices, (budget, baseline)).clip(floor) for budget in budgets], 1)
    errors = np.stack([resampled_means(matrices, key).clip(floor) for key in contenders], 1)
    return np.stack([LearningCurve(budgets, b).labels_for(e) for b, e in zip(curve, errors, strict=True)])


def half_an_image(rows: Iterable[Row]) -> float:
    """Return the error, percent, that stands for no error at all where logarithms are taken: half an image wrong."""
    return 50 / max(row.n_scored for row in rows)
