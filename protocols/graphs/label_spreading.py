"""Label spreading on a graph: the linear equations to which its iteration converges."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import eye_array
from torch import Tensor

from ssl_irmae.protocols.graphs.conjugate_gradients import conjugate_gradients
from ssl_irmae.protocols.graphs.graph import Graph, LabelledNodes

_TOLERANCE = 1e-4


def spread_scores(graph: Graph, subsets: Sequence[LabelledNodes], classes: int, *, alpha: float) -> list[Tensor]:
    r"""Solve for the class scores of the nodes to which label spreading converges.

    .. math:: F = (1 - \alpha) (I - \alpha S)^{-1} Y, \qquad S = D^{-1/2} W D^{-1/2}

    By conjugate gradients: scikit-learn's ``LabelSpreading`` iterates to the same F, but needs a thousand steps where
    alpha is 0.99.

    Source: Zhou, Bousquet, Lal, Weston and Schoelkopf, "Learning with Local and Global Consistency", NeurIPS 2003.

    Args:
        graph: Graph over n codes.
        subsets: Labelled nodes and their classes, solved together; each is solved as it would be alone.
        classes: Number of classes.
        alpha: Share of its score that a node takes from its neighbours, 0 to 1.

    Returns:
        F for each subset, fp32 (n, classes); minus infinity for classes without a label.
    """
    n = graph.weights.shape[0]
    system = ((1 - alpha) * eye_array(n, dtype=np.float32) + alpha * graph.laplacian).tocsr()
    sources, scales = [], []
    for positions, labels in subsets:
        present, y, counts = torch.unique(labels, return_inverse=True, return_counts=True)
        scale = (counts * len(present)).sqrt()  # every class weighs the same in the tolerance, which is relative
        source = np.zeros((n, max(2, len(present))), dtype=np.float32)
        source[graph.place[positions.numpy()], y.numpy()] = (1 / scale)[y].numpy()
        if len(present) == 1:
            source[:, 1] = source[:, 0]  # the solver needs two columns
        sources.append(source)
        scales.append((present, (1 - alpha) * scale))
    all_scores = []
    for u, (present, scale) in zip(conjugate_gradients(system, sources, tolerance=_TOLERANCE), scales, strict=True):
        scores = torch.full((n, classes), -torch.inf)
        scores[:, present] = scale * torch.from_numpy(u[graph.place, : len(present)])
        all_scores.append(scores)
    return all_scores
