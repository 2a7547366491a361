"""Scores of classes from distances to points of known class."""

import torch
from torch import Tensor

from ssl_irmae.protocols.predictors.chunks import chunks_of
from ssl_irmae.protocols.readouts.metric_learning import euclidean

_CHUNK = 256
_MOST = 2000  # points from which a bandwidth is measured


def bandwidth(points: Tensor, labels: Tensor) -> float:
    """Measure how far classes are apart: the median squared distance from a point to the nearest of another class.

    Args:
        points: (n, d); of more than 2,000 evenly spaced ones are used.
        labels: Their classes, int64 (n,).

    Returns:
        The squared distance; 1 if it would be 0, or there is one class.
    """
    step = -(-len(points) // _MOST)
    points, labels = points[::step], labels[::step]
    chunks = zip(torch.split(points, _CHUNK), torch.split(labels, _CHUNK), strict=True)
    others = [euclidean(x, points).masked_fill(y[:, None] == labels, torch.inf).amin(1) for x, y in chunks]
    squared = float(torch.cat(others).median().square())
    return squared if 0 < squared < float("inf") else 1.0


def distance_logits(x: Tensor, points: Tensor, index: Tensor, present: int, scale: float) -> Tensor:
    r"""Score each class by its nearest point.

    .. math:: s_c = -4 \min_{i: y_i = c} \lVert x - p_i \rVert^2 / b

    With b the ``bandwidth``, a point at the distance of another class counts exp(-4), as in ``self_tuning``.

    Args:
        x: Codes, (m, d).
        points: Points, (n, d).
        index: Place of the class of each point among the classes that there are, int64 (n,).
        present: Number of these, p.
        scale: The bandwidth b.

    Returns:
        Scores, fp64 (m, p).
    """
    chunks = []
    for chunk in chunks_of(x, _CHUNK):
        squares = euclidean(chunk, points).square()
        nearest = squares.new_full((chunk.shape[0], present), torch.inf)
        chunks.append(nearest.scatter_reduce(1, index.expand(chunk.shape[0], -1), squares, "amin"))
    return torch.cat(chunks) * (-4 / scale)
