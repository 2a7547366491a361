"""Label spreading on a graph of unlabelled codes."""

import numpy as np
import torch
from scipy.sparse import eye_array
from scipy.sparse.linalg import cg
from torch import Tensor

from ssl_irmae.protocols.readouts.base import Predictor, Sample
from ssl_irmae.protocols.readouts.graph import Graph, graph_of, inductive, transductive

_TOLERANCE = 1e-4


def spread(sample: Sample, *, k: int, alpha: float) -> Predictor:
    """Spread labels along the graph of unlabelled codes; a new point asks its nearest nodes.

    See ``spread_scores`` for the equation and ``inductive`` for new points.

    Args:
        sample: Codes or features, shape (m, d).
        k: Neighbours in the graph.
        alpha: Share that a node takes from its neighbours, 0 to 1.
    """
    graph = graph_of(sample, k=k)
    return inductive(graph, spread_scores(graph, sample.positions, sample.labels, sample.classes, alpha=alpha))


def spread_transductive(sample: Sample, *, k: int, alpha: float) -> Predictor:
    """Do as ``spread`` on a graph that holds the scored codes too, without labels, and return what they get there."""
    graph = graph_of(sample, k=k)
    return transductive(sample, spread_scores(graph, sample.positions, sample.labels, sample.classes, alpha=alpha))


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
    n = graph.weights.shape[0]
    system = ((1 - alpha) * eye_array(n, dtype=np.float32) + alpha * graph.laplacian).tocsr()
    scores = torch.full((n, classes), -torch.inf)
    for c in labels.unique().tolist():
        y = np.zeros(n, dtype=np.float32)
        y[positions[labels == c].numpy()] = 1 - alpha
        scores[:, c] = torch.from_numpy(cg(system, y, rtol=_TOLERANCE)[0])
    return scores
