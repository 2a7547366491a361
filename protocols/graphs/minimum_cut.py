"""CutSSL: a graph divided along a low cut, with labelled nodes in their classes and the sizes of classes given."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae.protocols.graphs.conjugate_gradients import conjugate_gradients
from ssl_irmae.protocols.graphs.graph import Graph, LabelledNodes
from ssl_irmae.protocols.graphs.in_threads import in_threads
from ssl_irmae.protocols.graphs.shares import nearest_within, size_bounds

_CONCAVITY = 0.1
_GROWTH = 1.05  # of s in a round, from when it grows
_GROWING = 100  # rounds in which s grows
_PENALTY, _PENALTY_GROWING = 4, 10  # rho as a multiple of s: with half of it, rounds oscillate
_TOLERANCE = 1e-3

Array = npt.NDArray[Any]


def cut_scores(
    graph: Graph, subsets: Sequence[LabelledNodes], classes: int, *, slack: float, rounds: int
) -> list[Tensor]:
    r"""Divide a graph along a low cut, with labelled nodes in their classes and classes of nearly equal sizes (CutSSL).

    A division X, one-hot, cuts the edges between its classes. CutSSL relaxes the search for the lowest cut to

    .. math:: \min_X \tfrac12 \langle X, (L - s D) X \rangle \quad \text{such that} \quad X \ge 0, \; X 1 = 1, \;
              X^T 1 = m, \; X_i = Y_i \text{ at labelled nodes},

    where L = D - W and m are the sizes. With s = 0 it is Laplace learning with sizes. The term in s is the same for all
    integer X and higher between them: as s grows, solutions become integer.

    It starts from Laplace learning (Zhu, Ghahramani and Lafferty, ICML 2003), with columns shifted to equal sizes, and
    alternates directions (ADMM): from V = X in the first round, each does

    .. math:: X &\leftarrow \Pi \Big( \frac{D^{-1} W X + \rho |V|}{1 + \rho - s} \Big) \\
              V &\leftarrow X + \min(V, 0)

    where the projection is onto the constraints that are linear, in the norm weighted by D. max(V, 0) is the copy of X
    that is not negative, and min(V, 0) the scaled multipliers, so that their difference is the absolute value. For
    ``rounds`` s is 0.1, as in the authors' script, and rho = 4 s; in 100 more it grows by 5 % each, to 13, with
    rho = 10 s, after which nearly all nodes have one class.

    Three things differ from the paper. It knows the sizes; here they are equal over all nodes, up to ``slack``, because
    sizes that are exact and wrong cost errors. It solves a linear equation in each round by conjugate gradients; here
    one step of diffusion towards its solution takes the place. And it weighs all nodes alike in rho; here they have the
    weight of their degree, as in the term in s.

    Source: Holtz, Chen, Wan, Cheng and Mishne, "Continuous Partitioning for Graph-Based Semi-Supervised Learning",
    NeurIPS 2024, https://openreview.net/forum?id=hCOuip5Ona.

    Args:
        graph: Graph over n codes.
        subsets: Labelled nodes and their classes; each is solved as it would be alone.
        classes: Number of classes.
        slack: How far a class's share of the nodes may be from the uniform one over the labelled classes, as a fraction
            of it. The bounds give way where the labels alone exceed them.
        rounds: Rounds before s grows. More of them find lower cuts.

    Returns:
        max(X, 0) of each subset, fp32 (n, classes), each row divided by its sum; 0 for classes without a label.
    """
    solved = in_threads(functools.partial(_divide_each, graph, slack, rounds), subsets, most=1)
    all_scores = []
    for (_, labels), u in zip(subsets, solved, strict=True):
        scores = torch.zeros(len(u), classes)
        scores[:, torch.unique(labels)] = torch.from_numpy(u[graph.place])
        all_scores.append(scores)
    return all_scores


def _divide_each(graph: Graph, slack: float, rounds: int, subsets: Sequence[LabelledNodes]) -> list[Array]:
    """Return the scores of the classes present in each subset, fp32 (n, classes present), in graph order."""
    all_scores = []
    for positions, labels in subsets:
        present, y = torch.unique(labels, return_inverse=True)
        onehot = np.eye(len(present), dtype=np.float32)[y.numpy()]
        all_scores.append(_divide(graph, graph.place[positions.numpy()], onehot, slack, rounds))
    return all_scores


def _divide(graph: Graph, fixed: Array, onehot: Array, slack: float, rounds: int) -> Array:
    """Return the scores of one subset, whose labelled nodes and their classes are given in graph order."""
    n, k = len(graph.place), onehot.shape[1]
    labelled = onehot.sum(0)
    free = np.ones((n, 1), dtype=np.float32)
    free[fixed] = 0
    x = np.full((n, k), 1 / k, dtype=np.float32)
    x[fixed] = onehot
    if k == 1 or not free.any():
        return x
    x += _laplace(graph, x, free)
    _shift(x, free, labelled, size_bounds(labelled, n, 0))
    bounds, weights = size_bounds(labelled, n, slack), free * graph.inverse_degree[:, None]
    v, s, rho = x.copy(), _CONCAVITY, _PENALTY * _CONCAVITY
    for i in range(rounds + _GROWING):
        if i >= rounds:
            s, before, rho = s * _GROWTH, rho, _PENALTY_GROWING * s * _GROWTH
            np.maximum(v, v * np.float32(before / rho), out=v)  # the multipliers are scaled by 1 / rho
        x = graph.walk @ x
        x += np.float32(rho) * np.abs(v)
        x *= np.float32(1 / (1 + rho - s))
        x += (1 - np.einsum("ij->i", x)[:, None]) / np.float32(k)
        x[fixed] = onehot
        _shift(x, weights, labelled, bounds)
        np.minimum(v, 0, out=v)
        v += x
    np.maximum(x, 0, out=x)
    scores: Array = x / x.sum(1, keepdims=True)
    return scores


def _laplace(graph: Graph, x: Array, free: Array) -> Array:
    """Return what Laplace learning adds to x, in which free nodes have 1 / classes: fp32 (n, classes)."""
    root, nodes = np.sqrt(graph.inverse_degree)[:, None], np.flatnonzero(free)
    residual = -(graph.laplacian @ (x / root))[nodes]
    (u,) = conjugate_gradients(graph.laplacian[nodes][:, nodes], [residual], tolerance=_TOLERANCE)
    added = np.zeros_like(x)
    added[nodes] = root[nodes] * u
    return added


def _shift(x: Array, weights: Array, labelled: Array, bounds: tuple[Array, Array]) -> None:
    """Shift the columns of x in place, each node by its weight, until the sums over free nodes are within bounds."""
    sums = x.sum(0, dtype=np.float64) - labelled
    excess = sums - nearest_within(sums, *bounds)
    x -= weights * (excess / weights.sum(dtype=np.float64)).astype(np.float32)
