"""Distances of all pairs by operators that every file format has, for what torch traces for export."""

from torch import Tensor


def all_distances(x: Tensor, points: Tensor) -> Tensor:
    """Measure Euclidean distances from each x (m, d) to each point (n, d), by products: fp64 (m, n).

    Double precision leaves no more than its rounding error between this and ``torch.cdist``, which ONNX lacks.

    >>> import torch
    >>> all_distances(torch.zeros(1, 2), torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[5.0, 0.0]]
    """
    x, points = x.double(), points.double()
    squares = x.square().sum(1, keepdim=True) + points.square().sum(1) - 2 * (x @ points.T)
    return squares.clamp_min(0).sqrt()


def nearest_of_all(x: Tensor, points: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Find the k nearest points of each x, nearest first: distances, fp64, and positions, int64, each (m, k)."""
    found = all_distances(x, points).topk(k, largest=False)
    return found.values, found.indices
