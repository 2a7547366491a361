"""Poisson MBO: Poisson learning sharpened by a prior on the classes' shares of the nodes."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae.protocols.graphs.graph import Graph, LabelledNodes
from ssl_irmae.protocols.graphs.in_threads import in_threads
from ssl_irmae.protocols.graphs.poisson_equation import PoissonEquation
from ssl_irmae.protocols.graphs.shares import share_out

_WALK_STEPS = 10
_ROUNDS = 20
_AT_ONCE = 10  # subsets, in each thread

Array = npt.NDArray[Any]


def poisson_mbo(graph: Graph, positions: Tensor, labels: Tensor, classes: int, *, slack: float) -> Tensor:
    r"""Sharpen Poisson learning by alternating diffusion with holding classes to nearly equal shares (Poisson MBO).

    Starting from the classes of Poisson learning, it runs up to 20 rounds. Each diffuses the nodes' classes,

    .. math:: u \leftarrow D^{-1} \Big(W u + \sum_j \delta_j (y_j - \bar y)\Big) \quad \text{10 times},

    and gives every node the class with the largest u after ``share_out``. It stops when a round changes nothing.

    Two things differ from algorithm 2 of the paper. There, every step is as short as the node of the highest degree
    requires; here each node's step is 1 / degree, which reaches as far with a quarter of the steps. And shares are held
    within ``slack`` of the uniform prior rather than at it: a prior that is exact and wrong costs more errors than
    Poisson learning makes.

    Source: Calder, Cook, Thorpe and Slepcev, ICML 2020, https://arxiv.org/abs/2006.11184.

    Args:
        graph: Graph over n codes.
        positions: The labelled nodes, int64 (m,).
        labels: Their classes, int64 (m,).
        classes: Number of classes.
        slack: How far a class's share may be from the uniform one over the labelled classes, as a fraction of it.

    Returns:
        Class scores, fp32 (n, classes), each row non-negative with sum 1; 0 for classes without a label.
    """
    return mbo_scores(PoissonEquation(graph), [(positions, labels)], classes, slack=slack)[0]


def mbo_scores(
    equation: PoissonEquation, subsets: Sequence[LabelledNodes], classes: int, *, slack: float
) -> list[Tensor]:
    """Return the class scores of ``poisson_mbo`` for several subsets, each as it would be alone."""
    graph = equation.graph
    # what the source adds in a step of diffusion
    sources = [graph.inverse_degree[:, None] * equation.source(*subset) for subset in subsets]
    starts = list(zip(sources, equation.solve(subsets), strict=True))
    sharpened = in_threads(functools.partial(_sharpen, graph.walk, slack), starts, most=_AT_ONCE)
    all_scores = []
    for (_, labels), u in zip(subsets, sharpened, strict=True):
        scores = torch.zeros(len(u), classes)
        scores[:, torch.unique(labels)] = torch.from_numpy(u[graph.place] / u[graph.place].sum(1, keepdims=True))
        all_scores.append(scores)
    return all_scores


def _sharpen(walk: Any, slack: float, starts: Sequence[tuple[Array, Array]]) -> list[Array]:
    """Alternate diffusion and sharing out, each subset until nothing changes: (n, classes present) for each.

    Args:
        walk: Matrix of one diffusion step, sparse (n, n).
        slack: How far a class's share may be from the uniform one, as a fraction of it.
        starts: For each subset, its source and its first scores.
    """
    sources, scores = [source for source, _ in starts], [u for _, u in starts]
    weights = [np.ones(u.shape[1]) for u in scores]
    running = [i for i, u in enumerate(scores) if u.shape[1] > 1]
    for i in running:
        scores[i], weights[i] = share_out(scores[i], weights[i], slack)
    nodes = [u.argmax(1) for u in scores]
    # what the source adds in a round, whatever the round starts from
    inflow = _diffuse(walk, [np.zeros_like(source) for source in sources], sources)
    for _ in range(_ROUNDS):
        if not running:
            break
        diffused = _diffuse(walk, [np.eye(scores[i].shape[1], dtype=np.float32)[nodes[i]] for i in running])
        for i, u in zip(tuple(running), diffused, strict=True):
            scores[i], weights[i] = share_out(u + inflow[i], weights[i], slack)
            before, nodes[i] = nodes[i], scores[i].argmax(1)
            if np.array_equal(nodes[i], before):
                running.remove(i)
    return scores


def _diffuse(walk: Any, starts: Sequence[Array], sources: Sequence[Array] = ()) -> list[Array]:
    """Take the steps of one round for several subsets side by side; each column is what it would be alone."""
    u, source = np.concatenate(starts, axis=1), np.concatenate(sources, axis=1) if sources else 0
    for _ in range(_WALK_STEPS):
        u = walk @ u
        if sources:
            u += source
    ends = np.cumsum([start.shape[1] for start in starts])[:-1]
    return [np.ascontiguousarray(part) for part in np.split(u, ends, axis=1)]
