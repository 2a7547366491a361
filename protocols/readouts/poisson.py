"""Poisson learning on a graph of unlabelled codes: for labels so few that label propagation fails."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae.extras import require
from ssl_irmae.protocols.readouts.base import Predictor, Sample
from ssl_irmae.protocols.readouts.graph import Graph, graph_of, inductive, transductive

_TOLERANCE = 1e-3
_WALK_STEPS = 10
_ROUNDS = 20

Array = npt.NDArray[Any]


def poisson(sample: Sample, *, k: int) -> Predictor:
    """Solve Poisson's equation on the graph of unlabelled codes; a new point asks its nearest nodes.

    See ``poisson_scores`` for the equation and ``inductive`` for new points. Only classes of the subset are predicted.

    Args:
        sample: Codes or features, shape (m, d).
        k: Neighbours in the graph.

    Raises:
        UserError: If the extra ``graph`` is not installed.
    """
    require("graph", "poisson")
    graph = graph_of(sample, k=k)
    return inductive(graph, poisson_scores(graph, sample.positions, sample.labels, sample.classes))


def poisson_transductive(sample: Sample, *, k: int) -> Predictor:
    """Do as ``poisson`` on a graph that holds the scored codes too, without labels, and return what they get there."""
    require("graph", "poisson-transductive")
    graph = graph_of(sample, k=k)
    return transductive(sample, poisson_scores(graph, sample.positions, sample.labels, sample.classes))


def poisson_prior(sample: Sample, *, k: int, slack: float) -> Predictor:
    """Do as ``poisson``, then sharpen by Poisson MBO with a class prior: all classes about equally common.

    That is an assumption and not read from any label: the classes of the subset have equal shares of the unlabelled
    codes, give or take a fraction ``slack``. See ``poisson_mbo``. A new point has no share to keep: it asks its
    nearest nodes, as in ``poisson``.

    Args:
        sample: Codes or features, shape (m, d).
        k: Neighbours in the graph.
        slack: How far a class's share may be from the uniform one, as a fraction of it.

    Raises:
        UserError: If the extra ``graph`` is not installed.
    """
    require("graph", "poisson-prior")
    graph = graph_of(sample, k=k)
    return inductive(graph, poisson_mbo(graph, sample.positions, sample.labels, sample.classes, slack=slack))


def poisson_prior_transductive(sample: Sample, *, k: int, slack: float) -> Predictor:
    """Do as ``poisson_prior`` on a graph that holds the scored codes too, without labels; the shares are over both."""
    require("graph", "poisson-prior-transductive")
    graph = graph_of(sample, k=k)
    return transductive(sample, poisson_mbo(graph, sample.positions, sample.labels, sample.classes, slack=slack))


def poisson_scores(graph: Graph, positions: Tensor, labels: Tensor, classes: int) -> Tensor:
    r"""Solve Poisson's equation on a graph, the labelled nodes being sources of their class and sinks of the others.

    .. math:: (D - W) \, u = \sum_j \delta_j (y_j - \bar y)

    Computed by ``graphlearning``'s conjugate gradients in single precision, up to its tolerance of 1e-3. Where several
    labels name one class only, there is neither source nor sink: that class scores 1 everywhere.

    Source: Calder, Cook, Thorpe and Slepcev, "Poisson Learning: Graph Based Semi-Supervised Learning at Very Low Label
    Rates", ICML 2020, https://arxiv.org/abs/2006.11184.

    Args:
        graph: Over n codes.
        positions: Of the labelled nodes, int64 (m,).
        labels: Their classes, int64 (m,).
        classes: Number of classes.

    Returns:
        u, fp32 (n, classes); minus infinity for classes that no label names.

    Raises:
        UserError: If the extra ``graph`` is not installed.
    """
    present, y = torch.unique(labels, return_inverse=True)
    scores = torch.full((graph.weights.shape[0], classes), -torch.inf)
    scores[:, present] = torch.from_numpy(_solve(graph, positions.numpy(), y.numpy()))
    return scores


def poisson_mbo(graph: Graph, positions: Tensor, labels: Tensor, classes: int, *, slack: float = 0.15) -> Tensor:
    r"""Sharpen Poisson learning by turns of diffusion and of classes held to nearly equal shares (Poisson MBO).

    From the labels of Poisson learning, up to 20 rounds; each diffuses the nodes' classes,

    .. math:: u \leftarrow D^{-1} \Big(W u + \sum_j \delta_j (y_j - \bar y)\Big) \quad \text{10 times},

    and gives every node the class with the largest u after ``share_out``. It ends when a round changes nothing.

    Two things differ from the paper, which see its algorithm 2. The paper's step is as short everywhere as the node of
    the highest degree demands; here each node's step is 1 / degree, which reaches as far with a quarter of the steps.
    And shares are held within ``slack`` of the uniform prior rather than at it: a prior that is exact and wrong costs
    more errors than Poisson learning makes.

    Source: Calder, Cook, Thorpe and Slepcev, ICML 2020, https://arxiv.org/abs/2006.11184.

    Args:
        graph: Over n codes.
        positions: Of the labelled nodes, int64 (m,).
        labels: Their classes, int64 (m,).
        classes: Number of classes.
        slack: How far a class's share may be from the uniform one over the classes labelled, as a fraction of it.

    Returns:
        Class scores, fp32 (n, classes), each row non-negative with sum 1; 0 for classes that no label names.

    Raises:
        UserError: If the extra ``graph`` is not installed.
    """
    require("graph", "poisson_mbo")
    present, y = torch.unique(labels, return_inverse=True)
    scores = torch.zeros(graph.weights.shape[0], classes)
    if len(present) == 1:
        scores[:, present] = 1
        return scores
    onehot = np.eye(len(present), dtype=np.float32)
    weighted, weights = share_out(_solve(graph, positions.numpy(), y.numpy()), np.ones(len(present)), slack)
    nodes = weighted.argmax(1)
    walk = graph.walk
    source = graph.inverse_degree[:, None] * _source(len(nodes), positions.numpy(), y.numpy())
    inflow = np.zeros_like(source)  # what the source adds in a round, whatever the round starts from
    for _ in range(_WALK_STEPS):
        inflow = walk @ inflow + source
    for _ in range(_ROUNDS):
        u = onehot[nodes]
        for _ in range(_WALK_STEPS):
            u = walk @ u
        weighted, weights = share_out(u + inflow, weights, slack)
        before, nodes = nodes, weighted.argmax(1)
        if np.array_equal(nodes, before):
            break
    scores[:, present] = torch.from_numpy(weighted / weighted.sum(1, keepdims=True)).float()
    return scores


def share_out(scores: Array, weights: Array, slack: float) -> tuple[Array, Array]:
    """Multiply each class's scores by a weight, such that the largest scores give classes nearly equal shares.

    The weight of a class falls with every share too many, in up to 300 small steps, until no share is more than 0.001
    out of bounds.

    Args:
        scores: Shape (n, classes); they are first shifted and scaled to [0, 1].
        weights: To start from, shape (classes,).
        slack: How far a share may be from 1 / classes, as a fraction of it.

    Returns:
        The weighted scores, and the weights.
    """
    n, classes = scores.shape
    scores = scores - scores.min()
    scores = scores / (scores.max() or 1)
    low, high = (1 - slack) / classes, (1 + slack) / classes
    for _ in range(300):
        weighted = scores * weights.astype(scores.dtype)
        share = np.bincount(weighted.argmax(1), minlength=classes) / n
        excess = share - share.clip(low, high)
        if np.abs(excess).max() <= 1e-3:
            break
        weights = weights - 0.1 * excess
        weights = weights / weights.mean()
    return weighted, weights


def _source(n: int, positions: Array, y: Array) -> Array:
    onehot = np.eye(y.max() + 1, dtype=np.float32)[y]
    source = np.zeros((n, onehot.shape[1]), dtype=np.float32)
    source[positions] = onehot - onehot.mean(0)
    return source


def _solve(graph: Graph, positions: Array, y: Array) -> Array:
    """Solve the Poisson equation for classes 0, 1, ..., each with a label; fp32 (n, classes)."""
    require("graph", "Poisson learning")
    import graphlearning

    if y.max() == 0:  # one class: no source, no sink
        return np.ones((graph.weights.shape[0], 1), dtype=np.float32)
    root = np.sqrt(graph.inverse_degree)
    source = root[:, None] * _source(len(root), positions, y)
    u: Array = root[:, None] * graphlearning.utils.conjgrad(graph.laplacian, source, tol=_TOLERANCE)
    return u
