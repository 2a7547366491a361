"""The error of clusters as if they were classes."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment


def matched_error(clusters: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Compute the error in percent if each cluster is given one class, so that as many as possible are right.

    Of fewer clusters than classes some class gets none, of more some cluster gets none.

    Source: Kuhn, "The Hungarian Method for the Assignment Problem", 1955; as the clustering accuracy of Yang et al.,
    CVPR 2010.

    Args:
        clusters: The cluster of each image, whole numbers from 0, shape (n,).
        labels: The class of each image, whole numbers from 0, shape (n,).

    >>> matched_error([1, 1, 0, 0], [0, 0, 1, 2])
    25.0
    """
    found, true = np.asarray(clusters), np.asarray(labels)
    counts = np.zeros((found.max() + 1, true.max() + 1), dtype=np.int64)
    np.add.at(counts, (found, true), 1)
    right = counts[linear_sum_assignment(counts, maximize=True)].sum()
    return 100 * (1 - float(right) / len(true))
