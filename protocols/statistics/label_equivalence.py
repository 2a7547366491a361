"""How many labels the baseline needs to make as few errors as a contender."""

from collections.abc import Iterable

import numpy as np

from ssl_irmae.protocols.statistics.error_matrix import error_matrices
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded, LearningCurve
from ssl_irmae.protocols.statistics.resampling import resampled_means
from ssl_irmae.protocols.storage.rows import Row


def label_equivalences(rows: Iterable[Row], *, baseline: str) -> dict[tuple[int, str], LabelsNeeded]:
    """Compute for every contender and budget how many labels give the baseline the same mean error.

    The baseline's learning curve is read at the contender's mean error (see ``LearningCurve``). The interval is of the
    percentiles over resampled subsets: at every budget they are drawn with replacement, the same for all contenders,
    from all that were run there.

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
    floor = half_an_image(rows)
    curve = np.stack([resampled_means(matrices, (budget, baseline)).clip(floor) for budget in budgets], 1)
    errors = np.stack([resampled_means(matrices, key).clip(floor) for key in others], 1)
    labels = np.stack([LearningCurve(budgets, b).labels_for(e) for b, e in zip(curve, errors, strict=True)])
    low, high = np.quantile(labels[1:], (0.025, 0.975), axis=0, method="inverted_cdf")  # infinities have no mean
    return {
        key: LabelsNeeded(baseline, budgets[0], budgets[-1], *(float(x[i]) for x in (labels[0], low, high)))
        for i, key in enumerate(others)
    }


def half_an_image(rows: Iterable[Row]) -> float:
    """Return the error, percent, that stands for no error at all where logarithms are taken: half an image wrong."""
    return 50 / max(row.n_scored for row in rows)
