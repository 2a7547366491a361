"""A graph of nearest neighbours over unlabelled codes, for the readouts that spread labels along it."""

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.cluster.hierarchy import leaves_list, linkage
from torch import Tensor

from ssl_irmae.protocols.graphs.components import Components, components_of
from ssl_irmae.protocols.graphs.neighbours import Neighbours

_CHUNK = 512
_LANDMARKS = 256

LabelledNodes = tuple[Tensor, Tensor]
"""Positions of the labelled nodes and their classes, int64 (m,) each."""


@dataclass(frozen=True)
class Graph:
    """A graph over unlabelled codes.

    Args:
        weights: Symmetric, without loops, connected: scipy CSR array, fp64 (n, n).
        parts: Nearest neighbours among the codes that are its nodes, for each encoder whose graph went into it.
        nearest: The k nearest other nodes of each node, nearest first, by each part in turn: positions, int64
            (n, parts * k).
        components: What the nearest neighbours leave unconnected, and weights connect by bridges; None if nothing.
        partitions: What ``lowest_cut`` found, by the number of parts, their slack and the starts.
    """

    weights: Any
    parts: tuple[Neighbours, ...]
    nearest: Tensor
    components: Components | None = None
    partitions: dict[tuple[int, float, int], npt.NDArray[np.int64]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def k(self) -> int:
        """Neighbours of each node in each part, before symmetrising."""
        return self.nearest.shape[1] // len(self.parts)

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """The nodes, (n,), sorted by nearest landmark, with near landmarks side by side.

        Matrix products in this order take a third of the time: what a row needs is already in the processor's cache.
        """
        codes = self.parts[0].points
        landmarks = codes[:: max(1, len(codes) // _LANDMARKS)]
        leaves = leaves_list(linkage(landmarks.numpy(), "average")) if len(landmarks) > 1 else np.zeros(1, np.int64)
        rank = np.empty(len(landmarks), np.int64)
        rank[leaves] = np.arange(len(landmarks))
        nearest = torch.cat([torch.cdist(x, landmarks).argmin(1) for x in torch.split(codes, _CHUNK)])
        order: npt.NDArray[np.int64] = np.argsort(rank[nearest.numpy()], kind="stable")
        return order

    @cached_property
    def place(self) -> npt.NDArray[np.int64]:
        """The index of each node in ``order``, (n,)."""
        return np.argsort(self.order)

    @cached_property
    def inverse_degree(self) -> npt.NDArray[np.float32]:
        """One over each node's sum of weights, fp32 (n,), in ``order``."""
        inverse: npt.NDArray[np.float32] = (1 / self.weights.sum(1)).astype(np.float32)[self.order]
        return inverse

    @cached_property
    def laplacian(self) -> Any:
        r"""The normalised Laplacian, :math:`I - D^{-1/2} W D^{-1/2}`, CSR array, fp32 (n, n), in ``order``."""
        scaling = sparse.diags_array(1 / np.sqrt(self.weights.sum(1)))
        return self._ordered(sparse.eye_array(self.weights.shape[0]) - scaling @ self.weights @ scaling)

    @cached_property
    def walk(self) -> Any:
        r"""The random walk, :math:`D^{-1} W`, CSR array, fp32 (n, n), in ``order``; each row sums to 1."""
        return self._ordered(sparse.diags_array(1 / self.weights.sum(1)) @ self.weights)

    def restricted_to(self, nodes: Tensor) -> "Graph":
        """Return the graph that some nodes would have alone, whose neighbours are all among them.

        Args:
            nodes: Positions in ascending order, int64 (m,): a component without its bridges.
        """
        place, i = torch.empty(len(self.nearest), dtype=torch.int64), nodes.numpy()
        place[nodes] = torch.arange(len(nodes))
        parts = tuple(Neighbours(part.points[nodes]) for part in self.parts)
        return Graph(self.weights[i][:, i], parts, place[self.nearest[nodes]])

    def _ordered(self, matrix: Any) -> Any:
        ordered = matrix.tocsr()[self.order][:, self.order].astype(np.float32)
        ordered.sort_indices()
        return ordered


def extend(parts: Sequence[Neighbours], scores: Tensor, x: Tensor, *, k: int) -> Tensor:
    """Give each new point the weighted mean of the scores of its k nearest nodes, averaged over parts.

    Args:
        parts: Nearest neighbours among the codes of the nodes, for each block of columns.
        scores: Scores of the nodes, (n, classes).
        x: Codes of the new points, fp32 (m, d), the blocks side by side.
        k: Number of nodes for each part.

    Returns:
        Scores, fp64 (m, classes).
    """
    means = []
    for part, block in zip(parts, torch.split(x, [part.points.shape[1] for part in parts], dim=1), strict=True):
        distances, positions = part.find(block, k)
        weights = self_tuning(distances)
        weights /= weights.sum(1, keepdim=True)
        means.append((weights[:, :, None] * scores.double()[positions]).sum(1))
    return means[0] if len(means) == 1 else torch.stack(means).mean(0)


def self_tuning(distances: Tensor) -> Tensor:
    r"""Weigh neighbours by a Gaussian whose bandwidth is the distance to the k-th neighbour.

    .. math:: w_{ij} = \exp(-4 \, d_{ij}^2 / d_{ik}^2)

    A row of duplicates, all at distance 0, has weights 1.

    Args:
        distances: Distances to the k neighbours of each row, nearest first, fp64 (m, k).

    >>> self_tuning(torch.tensor([[0.0, 1.0, 2.0]], dtype=torch.float64)).log()
    tensor([[ 0., -1., -4.]], dtype=torch.float64)
    """
    squares = distances.square()
    return torch.exp(-4 * squares / squares[:, -1:].clamp_min(torch.finfo(torch.float64).tiny))


def build_graph(codes: Tensor, *, k: int, parts: int = 1) -> Graph:
    r"""Connect every code with its k nearest others, by each of several encoders if there are several.

    .. math:: W = \frac1P \sum_p \tfrac12 (A_p + A_p^T), \qquad A_{ij} = \exp(-4 \, d_{ij}^2 / d_{ik}^2)
              \text{ for the } k \text{ nearest } j \text{ of } i

    The mean of the graphs of several encoders has fewer wrong edges than the best of them, and where all neighbours of
    a node agree on a label, it is hardly ever wrong: encoders err on different pictures (docs/results/rank/graphs.csv).

    If the graph has several components, each is connected to the largest by the shortest edge between them, with the
    weight of a k-th neighbour, exp(-4) / 2, so that labels reach every node.

    Source of the weights: Calder, Cook, Thorpe and Slepcev, "Poisson Learning: Graph Based Semi-Supervised Learning at
    Very Low Label Rates", ICML 2020, https://arxiv.org/abs/2006.11184.

    Args:
        codes: Two or more codes, fp32 (n, d).
        k: Neighbours of each node.
        parts: Number P of encoders, whose codes of equal width stand side by side in the columns.

    >>> build_graph(torch.tensor([[0.0], [1.0], [3.0]]), k=1).weights.toarray().round(4)
    array([[0.    , 0.0183, 0.    ],
           [0.0183, 0.    , 0.0092],
           [0.    , 0.0092, 0.    ]])
    """
    neighbours = tuple(Neighbours(block.contiguous()) for block in torch.chunk(codes, parts, dim=1))
    found = [part.find_others(k) for part in neighbours]
    n, k = found[0][0].shape
    rows = np.repeat(np.arange(n), k)
    shape = (n, n)
    directed = [
        sparse.csr_array((self_tuning(distances).flatten().numpy(), (rows, positions.flatten().numpy())), shape)
        for distances, positions in found
    ]
    total = functools.reduce(operator.add, directed)
    weights = (total + total.T) / (2 * parts)
    components = components_of(weights, neighbours[0].points)
    if components is not None:
        i, j = components.bridges.numpy().T
        edges = sparse.csr_array((np.full(len(i), np.exp(-4.0) / 2), (i, j)), shape)
        weights = weights + edges + edges.T
    return Graph(weights.tocsr(), neighbours, torch.cat([positions for _, positions in found], 1), components)
