"""Label spreading on a graph of unlabelled codes."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import eye_array
from torch import Tensor

from ssl_irmae.protocols.graphs.conjugate_gradients import conjugate_gradients
from ssl_irmae.protocols.graphs.graph import Graph
from ssl_irmae.protocols.readouts.on_graph import graph_of, inductive, transductive
from ssl_irmae.protocols.readouts.sample import Predictor, Sample

_TOLERANCE = 1e-4


def spread(sample: Sample, *, k: int, alpha: float) -> Predictor:
    """Spread labels along the graph of unlabelled codes; a new point asks its nearest nodes.

    See ``spread_scores`` for the equation and ``inductive`` for new points.

    Args:
        sample: Codes or features, shape (m, d).
        k: Neighbours in the graph.
        alpha: Share that a node takes from its neighbours, 0 to 1.
    """
    return spread_together([sample], k=k, alpha=alpha)[0]


def spread_together(samples: Sequence[Sample], *, k: int, alpha: float) -> list[Predictor]:
    """Do as ``spread`` for several samples with the same unlabelled codes, solved together."""
    graph = graph_of(samples[0], k=k)
    return [inductive(graph, scores) for scores in _scores_of(graph, samples, alpha)]


def spread_transductive(sample: Sample, *, k: int, alpha: float) -> Predictor:
    """Do as ``spread`` on a graph that holds the scored codes too, without labels, and return what they get there."""
    return spread_transductive_together([sample], k=k, alpha=alpha)[0]


def spread_transductive_together(samples: Sequence[Sample], *, k: int, alpha: float) -> list[Predictor]:
    """Do as ``spread_transductive`` for several samples with the same unlabelled codes, solved together."""
    graph = graph_of(samples[0], k=k)
    return [transductive(s, scores) for s, scores in zip(samples, _scores_of(graph, samples, alpha), strict=True)]


def spread_scores(graph: Graph, positions: Tensor, labels: Tensor, classes: int, *, alpha: float) -> Tensor:
    r"""Solve for the classes of the nodes to which label spreading converges.

    .. math:: F = (1 - \alpha) (I - \alpha S)^{-1} Y, \qquad S = D^{-1/2} W D^{-1/2}

    By conjugate gradients: scikit-learn's ``LabelSpreading`` iterates to the same F, but takes a thousand steps where
    alpha is 0.99.

    Source: Zhou, Bousquet, Lal, Weston and Schoelkopf, "Learning with Local and Global Consistency", NeurIPS 2003.

    Args:
        graph: Over n codes.
        positions: Of the labelled nodes, int64 (m,).
        labels: Their classes, int64 (m,).
        classes: Number of classes.
        alpha: Share that a node takes from its neighbours, 0 to 1.

    Returns:
        F, fp32 (n, classes); minus infinity for classes that no label names.
    """
    return _solve(graph, [(positions, labels)], classes, alpha)[0]


def _scores_of(graph: Graph, samples: Sequence[Sample], alpha: float) -> list[Tensor]:
    return _solve(graph, [(s.positions, s.labels) for s in samples], samples[0].classes, alpha)


def _solve(graph: Graph, subsets: Sequence[tuple[Tensor, Tensor]], classes: int, alpha: float) -> list[Tensor]:
    n = graph.weights.shape[0]
    system = ((1 - alpha) * eye_array(n, dtype=np.float32) + alpha * graph.laplacian).tocsr()
    sources, scales = [], []
    for positions, labels in subsets:
        present, y, counts = torch.unique(labels, return_inverse=True, return_counts=True)
        scale = (counts * len(present)).sqrt()  # every class weighs the same in the tolerance, which is relative
        source = np.zeros((n, max(2, len(present))), dtype=np.float32)
        source[graph.place[positions.numpy()], y.numpy()] = (1 / scale)[y].numpy()
        if len(present) == 1:
            source[:, 1] = source[:, 0]  # the solver wants two columns
        sources.append(source)
        scales.append((present, (1 - alpha) * scale))
    found = []
    for u, (present, scale) in zip(conjugate_gradients(system, sources, tolerance=_TOLERANCE), scales, strict=True):
        scores = torch.full((n, classes), -torch.inf)
        scores[:, present] = scale * torch.from_numpy(u[graph.place, : len(present)])
        found.append(scores)
    return found
