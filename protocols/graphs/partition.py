"""A graph divided along a low cut without labels, and its parts named by a few."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ssl_irmae.protocols.graphs.graph import Graph
from ssl_irmae.protocols.graphs.poisson_equation import PoissonEquation
from ssl_irmae.protocols.graphs.sharpening import sharpen

_STEPS = 30

Array = npt.NDArray[Any]


def named_partition(graph: Graph, positions: Tensor, labels: Tensor, *, slack: float, starts: int) -> Array:
    r"""Divide a graph into as many parts as there are classes, without labels, and give each part a class.

    Where classes are clusters, a few labels need not find them, only name them. A label may lie in the cluster of
    another class, so names are given jointly, each to one part (Kuhn, "The Hungarian Method for the Assignment
    Problem", 1955). They maximise

    .. math:: \sum_j \sqrt{p_j(\text{the part named } y_j)}

    where p_j(r) is the probability that a walk of 30 steps from the labelled node j ends in part r. The root makes each
    term the Bhattacharyya coefficient of p_j and a name given with certainty; on development images it gave fewer wrong
    names on MNIST than p itself, or its logarithm (docs/results/rank/naming.csv).

    Args:
        graph: Graph over n codes.
        positions: The labelled nodes, int64 (m,).
        labels: Their classes, int64 (m,).
        slack: How far the size of a part may be from n / classes, as a fraction of it.
        starts: Random starts of the partition.

    Returns:
        The class of every node, one-hot: fp32 (n, classes present), in graph order.
    """
    present, y = torch.unique(labels, return_inverse=True)
    ends = part = np.eye(len(present), dtype=np.float32)[lowest_cut(graph, len(present), slack=slack, starts=starts)]
    for _ in range(_STEPS):
        ends = graph.walk @ ends
    worth = np.zeros((len(present), len(present)))
    np.add.at(worth, y.numpy(), np.sqrt(ends[graph.place[positions.numpy()]]))
    named: Array = part[:, linear_sum_assignment(worth, maximize=True)[1]]
    return named


def lowest_cut(graph: Graph, parts: int, *, slack: float, starts: int) -> Array:
    """Divide a graph into parts of nearly equal size, cutting as little weight as is found from random starts.

    Each start takes one random node for every part as labelled and runs Poisson MBO (see ``poisson_mbo``). The starts
    are the same in every run, and what is found is remembered with the graph.

    Args:
        graph: Graph over n codes.
        parts: How many parts.
        slack: How far the size of a part may be from n / parts, as a fraction of it.
        starts: How many starts.

    Returns:
        The part of every node, int64 (n,), in graph order.
    """
    if (parts, slack, starts) not in graph.partitions:
        rng, n = np.random.default_rng(0), len(graph.place)
        drawn = [torch.from_numpy(rng.choice(n, parts, replace=False)) for _ in range(starts)]
        subsets = [(nodes, torch.arange(parts)) for nodes in drawn]
        equation = PoissonEquation(graph)
        first = [(equation.source(*subset), u) for subset, u in zip(subsets, equation.solve(subsets), strict=True)]
        found = [u.argmax(1) for u in sharpen(graph, first, slack=slack)]
        graph.partitions[parts, slack, starts] = min(found, key=lambda part: _cut(graph, part))
    return graph.partitions[parts, slack, starts]


def _cut(graph: Graph, part: Array) -> float:
    weights = graph.weights.tocoo()
    placed = part[graph.place]
    return float(weights.data[placed[weights.row] != placed[weights.col]].sum())
