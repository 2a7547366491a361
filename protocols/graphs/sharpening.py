"""Sharpening: scores of nodes are diffused and shared out in turn, until nodes keep their classes."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ssl_irmae.protocols.graphs.graph import Graph
from ssl_irmae.protocols.graphs.in_threads import in_threads
from ssl_irmae.protocols.graphs.shares import share_out

_ROUNDS = 20
_WALK_STEPS = 10
_AT_ONCE = 10  # subsets, in each thread

Array = npt.NDArray[Any]


def sharpen(graph: Graph, starts: Sequence[tuple[Array, Array]], *, slack: float) -> list[Array]:
    """Alternate diffusion and sharing out, for several subsets, each until nothing changes or for 20 rounds.

    Args:
        graph: Graph over n codes.
        starts: For each subset, the source term of its labelled nodes and its first scores: fp32 (n, classes
            present) each, in graph order.
        slack: How far a class's share may be from the uniform one, as a fraction of it.

    Returns:
        Scores, each as it would be alone: fp32 (n, classes present), in graph order.
    """
    scaled = [(graph.inverse_degree[:, None] * source, u) for source, u in starts]  # what it adds in a step
    return in_threads(functools.partial(_sharpen, graph.walk, slack), scaled, most=_AT_ONCE)


def _sharpen(walk: Any, slack: float, starts: Sequence[tuple[Array, Array]]) -> list[Array]:
    """Alternate diffusion and sharing out, each subset until nothing changes: (n, classes present) for each.

    Args:
        walk: Matrix of one diffusion step, sparse (n, n).
        slack: How far a class's share may be from the uniform one, as a fraction of it.
        starts: For each subset, what its source adds in a step, and its first scores.
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
