"""Classes held to nearly equal shares of the nodes."""

from typing import Any

import numpy as np
import numpy.typing as npt

_LEAD = 1.05

Array = npt.NDArray[Any]


def share_out(scores: Array, weights: Array, slack: float) -> tuple[Array, Array]:
    """Multiply each class's scores by a weight, such that the largest scores give classes nearly equal shares.

    The weight of a class falls in proportion to its excess share, in up to 300 small steps, until no share is more than
    0.001 out of bounds.

    Args:
        scores: Scores of the nodes, (n, classes); they are first shifted and scaled to [0, 1].
        weights: Weights to start from, (classes,).
        slack: How far a share may be from 1 / classes, as a fraction of it.

    Returns:
        The weighted scores, and the weights.
    """
    n, classes = scores.shape
    scores = scores - scores.min()
    scores = scores / (scores.max() or 1)
    low, high = (1 - slack) / classes, (1 + slack) / classes
    count_winners = _Winners(scores)
    for _ in range(300):
        used = weights
        share = count_winners(used) / n
        excess = share - share.clip(low, high)
        if np.abs(excess).max() <= 1e-3:
            break
        weights = weights - 0.1 * excess
        weights = weights / weights.mean()
    return scores * used.astype(scores.dtype), weights


def size_bounds(labelled: Array, n: int, slack: float) -> tuple[Array, Array]:
    """Bound how many unlabelled nodes a class may have, such that each has nearly the same share of all nodes.

    Args:
        labelled: Labelled nodes of each class, (classes,). Where they alone exceed a share, bounds of other classes
            give way in proportion.
        n: Number of nodes.
        slack: How far a share may be from 1 / classes, as a fraction of it.

    Returns:
        The lowest and the highest number for each class, not always whole, (classes,) each.

    >>> [bound.tolist() for bound in size_bounds(np.array([2, 3]), 20, 0.1)]
    [[7.0, 6.0], [9.0, 8.0]]
    """
    share, unlabelled = n / len(labelled), n - labelled.sum()
    low = (share * (1 - slack) - labelled).clip(0)
    high = (share * (1 + slack) - labelled).clip(0)
    if low.sum() > unlabelled:
        low *= unlabelled / low.sum()
    if high.sum() < unlabelled:
        high *= unlabelled / high.sum()
    return low, high


def nearest_within(sizes: Array, low: Array, high: Array) -> Array:
    """Return the numbers within bounds that have the same sum as the sizes and are nearest to them.

    They are the sizes less one number, held within their bounds.

    Args:
        sizes: What is asked for, (classes,).
        low: Lower bounds, (classes,); their sum is no more than that of the sizes.
        high: Upper bounds, (classes,); their sum is no less.

    >>> nearest_within(np.array([7.0, 2.0, 3.0]), np.array([3.0, 3.0, 3.0]), np.array([5.0, 5.0, 5.0]))
    array([5., 3., 4.])
    """
    steps = np.sort(np.concatenate([sizes - low, sizes - high]))
    sums = np.clip(sizes - steps[:, None], low, high).sum(1)  # falls as more is taken away
    taken = np.interp(sizes.sum(), sums[::-1], steps[::-1])
    nearest: Array = np.clip(sizes - taken, low, high)
    return nearest


class _Winners:
    """Counts how often each class has the largest weighted score, for weights that change little between calls.

    A node whose largest score is more than ``_LEAD`` times the next keeps its class until the ratio of two weights has
    changed by that factor; only the other nodes are counted again.

    Args:
        scores: Scores of the nodes, (n, classes), non-negative.
    """

    def __init__(self, scores: Array) -> None:
        self.scores = scores
        self._settled_with: Array | None = None

    def __call__(self, weights: Array) -> Array:
        """Count the nodes of each class, shape (classes,)."""
        change = None if self._settled_with is None else weights / self._settled_with
        if change is None or not change.min() > 0 or change.max() / change.min() > _LEAD * (1 - 1e-5):
            self._settle(weights)
        return self._settled + self._count(self._open, weights)

    def _settle(self, weights: Array) -> None:
        weighted = self.scores * weights.astype(self.scores.dtype)
        first = weighted.argmax(1)
        lead = weighted[np.arange(len(first)), first]
        weighted[np.arange(len(first)), first] = 0
        settled = lead > _LEAD * weighted.max(1)
        self._settled = np.bincount(first[settled], minlength=weighted.shape[1])
        self._open = self.scores[~settled]
        self._settled_with = weights

    def _count(self, scores: Array, weights: Array) -> Array:
        return np.bincount((scores * weights.astype(scores.dtype)).argmax(1), minlength=scores.shape[1])
