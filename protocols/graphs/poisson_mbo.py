"""Poisson MBO: Poisson learning sharpened by a prior on the classes' shares of the nodes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ssl_irmae.protocols.graphs.graph import Graph, LabelledNodes
from ssl_irmae.protocols.graphs.partition import named_partition
from ssl_irmae.protocols.graphs.poisson_equation import PoissonEquation
from ssl_irmae.protocols.graphs.sharpening import sharpen

_ENOUGH = 5  # labels per class


def poisson_mbo(
    graph: Graph, positions: Tensor, labels: Tensor, classes: int, *, slack: float, starts: int = 0
) -> Tensor:
    r"""Sharpen Poisson learning by alternating diffusion with holding classes to nearly equal shares (Poisson MBO).

    Starting from the classes of Poisson learning, it runs up to 20 rounds. Each diffuses the nodes' classes,

    .. math:: u \leftarrow D^{-1} \Big(W u + \sum_j \delta_j (y_j - \bar y)\Big) \quad \text{10 times},

    and gives every node the class with the largest u after ``share_out``. It stops when a round changes nothing.

    With ``starts`` and fewer than five labels per class it starts from ``named_partition`` instead: a single label that
    looks like another class can make Poisson learning exchange two whole classes, which no round undoes
    (docs/results/rank/naming.csv).

    The source is centred over all labels, also where Poisson learning solves each component on its own: it flows for
    ten steps, too few for anything to gather behind a bridge.

    Two more things differ from algorithm 2 of the paper. There, every step is as short as the node of the highest
    degree requires; here each node's step is 1 / degree, which reaches as far with a quarter of the steps. And shares
    are held within ``slack`` of the uniform prior rather than at it: a prior that is exact and wrong costs more errors
    than Poisson learning makes.

    Source: Calder, Cook, Thorpe and Slepcev, ICML 2020, https://arxiv.org/abs/2006.11184.

    Args:
        graph: Graph over n codes.
        positions: The labelled nodes, int64 (m,).
        labels: Their classes, int64 (m,).
        classes: Number of classes.
        slack: How far a class's share may be from the uniform one over the labelled classes, as a fraction of it.
        starts: Random starts of the partition that a few labels name; 0 starts from Poisson learning.

    Returns:
        Class scores, fp32 (n, classes), each row non-negative with sum 1; 0 for classes without a label.
    """
    return mbo_scores(PoissonEquation(graph), [(positions, labels)], classes, slack=slack, starts=starts)[0]


def mbo_scores(
    equation: PoissonEquation, subsets: Sequence[LabelledNodes], classes: int, *, slack: float, starts: int = 0
) -> list[Tensor]:
    """Return the class scores of ``poisson_mbo`` for several subsets, each as it would be alone."""
    graph, first = equation.graph, []
    for subset, solution in zip(subsets, equation.solve(subsets), strict=True):
        named = starts and len(subset[1]) < _ENOUGH * solution.shape[1]
        u = named_partition(graph, *subset, slack=slack, starts=starts) if named else solution
        first.append((equation.source(*subset), u))
    all_scores = []
    for (_, labels), u in zip(subsets, sharpen(graph, first, slack=slack), strict=True):
        scores = torch.zeros(len(u), classes)
        scores[:, torch.unique(labels)] = torch.from_numpy(u[graph.place] / u[graph.place].sum(1, keepdims=True))
        all_scores.append(scores)
    return all_scores
