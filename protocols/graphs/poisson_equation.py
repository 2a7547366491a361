"""Poisson's equation on a graph: labelled nodes are sources of their class and sinks of the others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae.protocols.graphs.components import Components
from ssl_irmae.protocols.graphs.conjugate_gradients import conjugate_gradients
from ssl_irmae.protocols.graphs.graph import Graph, LabelledNodes

_TOLERANCE = 1e-3

Array = npt.NDArray[Any]


def poisson_scores(graph: Graph, positions: Tensor, labels: Tensor, classes: int) -> Tensor:
    r"""Solve Poisson's equation on a graph, with labelled nodes as sources of their class and sinks of the others.

    .. math:: (D - W) \, u = \sum_j \delta_j (y_j - \bar y)

    By conjugate gradients in single precision, to a tolerance of 1e-3, in the steps of the authors' ``graphlearning``.
    Where several labels name one class only, there is neither source nor sink: that class scores 1 everywhere.

    Components that only bridges connect are solved each on its own, with the mean over its own labels, and only classes
    that have a label in it win there. With one mean for all, sources and sinks would not cancel in a component; the
    rest would flow through its bridge, a single weak edge, and the difference in u which that takes would give all its
    nodes one class. Components without labels have the scores across their bridge (see ``Components.across``).

    Source: Calder, Cook, Thorpe and Slepcev, "Poisson Learning: Graph Based Semi-Supervised Learning at Very Low Label
    Rates", ICML 2020, https://arxiv.org/abs/2006.11184.

    Args:
        graph: Graph over n codes.
        positions: The labelled nodes, int64 (m,).
        labels: Their classes, int64 (m,).
        classes: Number of classes.

    Returns:
        u, fp32 (n, classes); minus infinity for classes without a label, and 1 less than all other scores for classes
        without a label in the component.
    """
    return PoissonEquation(graph).scores([(positions, labels)], classes)[0]


class PoissonEquation:
    """Poisson's equation on a graph; it remembers its last solutions, which are often asked for twice.

    Args:
        graph: Graph over n codes.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._last: tuple[list[LabelledNodes], list[Array]] | None = None

    def source(self, positions: Tensor, labels: Tensor) -> Array:
        """Make every labelled node a source of its class and a sink of the others: fp32 (n, classes present)."""
        present, y = torch.unique(labels, return_inverse=True)
        onehot = np.eye(len(present), dtype=np.float32)[y.numpy()]
        source = np.zeros((self.graph.weights.shape[0], len(present)), dtype=np.float32)
        source[self.graph.place[positions.numpy()]] = onehot - onehot.mean(0)
        return source

    def solve(self, subsets: Sequence[LabelledNodes]) -> list[Array]:
        """Solve for the classes present in each subset: fp32 (n, classes present), in graph order, read-only.

        Only the solutions for exactly these labels at exactly these positions are reused.
        """
        if self._last is None or not _equal(self._last[0], subsets):
            solutions = self._solve_anew(subsets)
            self._last = ([(positions.clone(), labels.clone()) for positions, labels in subsets], solutions)
        return self._last[1]

    def scores(self, subsets: Sequence[LabelledNodes], classes: int) -> list[Tensor]:
        """Return the class scores of ``poisson_scores`` for several subsets, each as it would be alone."""
        all_scores = []
        for (_, labels), u in zip(subsets, self.solve(subsets), strict=True):
            scores = torch.full((len(u), classes), -torch.inf)
            scores[:, torch.unique(labels)] = torch.from_numpy(u[self.graph.place])
            all_scores.append(scores)
        return all_scores

    def _solve_anew(self, subsets: Sequence[LabelledNodes]) -> list[Array]:
        if self.graph.components is not None:
            return self._solve_each_component(self.graph.components, subsets)
        root = np.sqrt(self.graph.inverse_degree)[:, None]
        sources = [root * self.source(*subset) for subset in subsets]
        several = [b for b in sources if b.shape[1] > 1]
        solved = iter(conjugate_gradients(self.graph.laplacian, several, tolerance=_TOLERANCE))
        # a single class has neither source nor sink
        return [root * next(solved) if b.shape[1] > 1 else np.ones_like(b) for b in sources]

    def _solve_each_component(self, components: Components, subsets: Sequence[LabelledNodes]) -> list[Array]:
        classes = max(int(labels.max()) for _, labels in subsets) + 1
        all_scores = [torch.full((len(components.of), classes), -torch.inf) for _ in subsets]
        for c in torch.unique(torch.cat([components.of[positions] for positions, _ in subsets])):
            nodes = (components.of == c).nonzero().flatten()
            inside: dict[int, LabelledNodes] = {}
            for i, (positions, labels) in enumerate(subsets):
                here = components.of[positions] == c
                if here.any():
                    inside[i] = torch.searchsorted(nodes, positions[here]), labels[here]
            equation = PoissonEquation(self.graph.restricted_to(nodes))
            for i, scores in zip(inside, equation.scores(list(inside.values()), classes), strict=True):
                all_scores[i][nodes] = scores
        solutions = []
        for (positions, labels), scores in zip(subsets, all_scores, strict=True):
            u = scores[:, torch.unique(labels)]
            u[u.isinf()] = u[u.isfinite()].min() - 1
            solutions.append(components.across(u, positions).numpy()[self.graph.order])
        return solutions


def _equal(subsets: Sequence[LabelledNodes], others: Sequence[LabelledNodes]) -> bool:
    return len(subsets) == len(others) and all(
        torch.equal(a, b)
        for subset, other in zip(subsets, others, strict=True)
        for a, b in zip(subset, other, strict=True)
    )
