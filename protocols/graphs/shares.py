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
