"""Poisson learning on a graph of unlabelled codes: for labels so few that label propagation fails."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae._support.extras import require
from ssl_irmae.protocols.graphs.conjugate_gradients import conjugate_gradients
from ssl_irmae.protocols.graphs.graph import Graph
from ssl_irmae.protocols.graphs.in_threads import in_threads
from ssl_irmae.protocols.graphs.shares import share_out
from ssl_irmae.protocols.readouts.on_graph import graph_of, inductive, transductive
from ssl_irmae.protocols.readouts.sample import Predictor, Sample

_TOLERANCE = 1e-3
_WALK_STEPS = 10
_ROUNDS = 20
_AT_ONCE = 10  # subsets, in each thread

Array = npt.NDArray[Any]
Subset = tuple[Tensor, Tensor]
"""Positions of labelled nodes and their classes, int64 (m,) each."""


def poisson(sample: Sample, *, k: int) -> Predictor:
    """Solve Poisson's equation on the graph of unlabelled codes; a new point asks its nearest nodes.

    See ``poisson_scores`` for the equation and ``inductive`` for new points. Only classes of the subset are predicted.

    Args:
        sample: Codes or features, shape (m, d).
        k: Neighbours in the graph.

    Raises:
        UserError: If the extra ``graph`` is not installed.
    """
    return poisson_together([sample], k=k)[0]


def poisson_together(samples: Sequence[Sample], *, k: int) -> list[Predictor]:
    """Do as ``poisson`` for several samples with the same unlabelled codes, solved together."""
    require("graph", "poisson")
    equation = _equation_of(samples[0], k)
    return [inductive(equation.graph, scores) for scores in _scores(equation, _subsets(samples), samples[0].classes)]


def poisson_transductive(sample: Sample, *, k: int) -> Predictor:
    """Do as ``poisson`` on a graph that holds the scored codes too, without labels, and return what they get there."""
    return poisson_transductive_together([sample], k=k)[0]


def poisson_transductive_together(samples: Sequence[Sample], *, k: int) -> list[Predictor]:
    """Do as ``poisson_transductive`` for several samples with the same unlabelled codes, solved together."""
    require("graph", "poisson-transductive")
    found = _scores(_equation_of(samples[0], k), _subsets(samples), samples[0].classes)
    return [transductive(sample, scores) for sample, scores in zip(samples, found, strict=True)]


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
    return poisson_prior_together([sample], k=k, slack=slack)[0]


def poisson_prior_together(samples: Sequence[Sample], *, k: int, slack: float) -> list[Predictor]:
    """Do as ``poisson_prior`` for several samples with the same unlabelled codes, at once."""
    require("graph", "poisson-prior")
    equation = _equation_of(samples[0], k)
    found = _mbo(equation, _subsets(samples), samples[0].classes, slack)
    return [inductive(equation.graph, scores) for scores in found]


def poisson_prior_transductive(sample: Sample, *, k: int, slack: float) -> Predictor:
    """Do as ``poisson_prior`` on a graph that holds the scored codes too, without labels; the shares are over both."""
    return poisson_prior_transductive_together([sample], k=k, slack=slack)[0]


def poisson_prior_transductive_together(samples: Sequence[Sample], *, k: int, slack: float) -> list[Predictor]:
    """Do as ``poisson_prior_transductive`` for several samples with the same unlabelled codes, at once."""
    require("graph", "poisson-prior-transductive")
    found = _mbo(_equation_of(samples[0], k), _subsets(samples), samples[0].classes, slack)
    return [transductive(sample, scores) for sample, scores in zip(samples, found, strict=True)]


def poisson_scores(graph: Graph, positions: Tensor, labels: Tensor, classes: int) -> Tensor:
    r"""Solve Poisson's equation on a graph, the labelled nodes being sources of their class and sinks of the others.

    .. math:: (D - W) \, u = \sum_j \delta_j (y_j - \bar y)

    Computed by ``graphlearning``'s conjugate gradients in single precision, up to its tolerance of 1e-3; several
    subsets at once by ``conjugate_gradients``, which gives each the same to the last bit. Where several labels name one
    class only, there is neither source nor sink: that class scores 1 everywhere.

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
    return _scores(_Equation(graph), [(positions, labels)], classes)[0]


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
    return _mbo(_Equation(graph), [(positions, labels)], classes, slack)[0]


def _subsets(samples: Sequence[Sample]) -> list[Subset]:
    return [(sample.positions, sample.labels) for sample in samples]


def _equation_of(sample: Sample, k: int) -> "_Equation":
    return sample.memo.once(f"Poisson's equation on {k} neighbours", lambda: _Equation(graph_of(sample, k=k)))


class _Equation:
    """Poisson's equation on a graph; it remembers the answer to the last question, which is often asked twice.

    Args:
        graph: Over n codes.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._last: tuple[list[Subset], list[Array]] | None = None

    def source(self, positions: Tensor, labels: Tensor) -> Array:
        """Make every labelled node a source of its class and a sink of the others: fp32 (n, classes named)."""
        present, y = torch.unique(labels, return_inverse=True)
        onehot = np.eye(len(present), dtype=np.float32)[y.numpy()]
        source = np.zeros((self.graph.weights.shape[0], len(present)), dtype=np.float32)
        source[self.graph.place[positions.numpy()]] = onehot - onehot.mean(0)
        return source

    def solve(self, subsets: Sequence[Subset]) -> list[Array]:
        """Solve for the classes that each subset names: fp32 (n, classes named), in graph order, not to be written to.

        What is remembered is the answer to these very labels at these very positions, or nothing.
        """
        if self._last is None or not _same(self._last[0], subsets):
            self._last = ([(positions.clone(), labels.clone()) for positions, labels in subsets], self._solved(subsets))
        return self._last[1]

    def _solved(self, subsets: Sequence[Subset]) -> list[Array]:
        require("graph", "Poisson learning")
        import graphlearning

        root = np.sqrt(self.graph.inverse_degree)[:, None]
        sources = [root * self.source(*subset) for subset in subsets]
        several = [b for b in sources if b.shape[1] > 1]
        if len(several) > 1:
            solved = iter(conjugate_gradients(self.graph.laplacian, several, tolerance=_TOLERANCE))
        else:
            solved = iter(graphlearning.utils.conjgrad(self.graph.laplacian, b, tol=_TOLERANCE) for b in several)
        # one class: neither source nor sink
        return [root * next(solved) if b.shape[1] > 1 else np.ones_like(b) for b in sources]


def _same(some: Sequence[Subset], others: Sequence[Subset]) -> bool:
    return len(some) == len(others) and all(
        torch.equal(a, b) for one, other in zip(some, others, strict=True) for a, b in zip(one, other, strict=True)
    )


def _scores(equation: _Equation, subsets: Sequence[Subset], classes: int) -> list[Tensor]:
    found = []
    for (_, labels), u in zip(subsets, equation.solve(subsets), strict=True):
        scores = torch.full((len(u), classes), -torch.inf)
        scores[:, torch.unique(labels)] = torch.from_numpy(u[equation.graph.place])
        found.append(scores)
    return found


def _mbo(equation: _Equation, subsets: Sequence[Subset], classes: int, slack: float) -> list[Tensor]:
    graph = equation.graph
    # what the source adds in a step of diffusion
    sources = [graph.inverse_degree[:, None] * equation.source(*subset) for subset in subsets]
    starts = list(zip(sources, equation.solve(subsets), strict=True))
    sharpen = functools.partial(_sharpened, graph.walk, slack)
    sharpened = in_threads(sharpen, starts, most=_AT_ONCE)
    found = []
    for (_, labels), u in zip(subsets, sharpened, strict=True):
        scores = torch.zeros(len(u), classes)
        scores[:, torch.unique(labels)] = torch.from_numpy(u[graph.place] / u[graph.place].sum(1, keepdims=True))
        found.append(scores)
    return found


def _sharpened(walk: Any, slack: float, starts: Sequence[tuple[Array, Array]]) -> list[Array]:
    """Take turns of diffusion and of sharing out, each subset until it stays as it is: (n, classes named) each.

    Args:
        walk: A step of diffusion, sparse (n, n).
        slack: Of the shares.
        starts: Of each subset its source and its first scores.
    """
    sources, scores = [source for source, _ in starts], [u for _, u in starts]
    weights = [np.ones(u.shape[1]) for u in scores]
    live = [i for i, u in enumerate(scores) if u.shape[1] > 1]
    for i in live:
        scores[i], weights[i] = share_out(scores[i], weights[i], slack)
    nodes = [u.argmax(1) for u in scores]
    # what the source adds in a round, whatever the round starts from
    inflow = _walked(walk, [np.zeros_like(source) for source in sources], sources)
    for _ in range(_ROUNDS):
        if not live:
            break
        walked = _walked(walk, [np.eye(scores[i].shape[1], dtype=np.float32)[nodes[i]] for i in live])
        for i, u in zip(tuple(live), walked, strict=True):
            scores[i], weights[i] = share_out(u + inflow[i], weights[i], slack)
            before, nodes[i] = nodes[i], scores[i].argmax(1)
            if np.array_equal(nodes[i], before):
                live.remove(i)
    return scores


def _walked(walk: Any, starts: Sequence[Array], sources: Sequence[Array] = ()) -> list[Array]:
    """Take the steps of a round with these subsets side by side; each column is what it would be alone."""
    u, source = np.concatenate(starts, axis=1), np.concatenate(sources, axis=1) if sources else 0
    for _ in range(_WALK_STEPS):
        u = walk @ u
        if sources:
            u += source
    ends = np.cumsum([start.shape[1] for start in starts])[:-1]
    return [np.ascontiguousarray(part) for part in np.split(u, ends, axis=1)]
