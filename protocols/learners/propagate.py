"""Pseudo-labels from a graph: labels are spread on it, the safe ones are kept, and consistency training uses them."""

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.datasets.image_set import pixel_rows
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.protocols.graphs.graph import Graph, build_graph
from ssl_irmae.protocols.graphs.poisson_equation import poisson_scores
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.learners.consistency import train_encoder
from ssl_irmae.protocols.learners.training import batches_at
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.readouts.sample import Sample

Scorer = Callable[[Graph, Tensor, Tensor, int], Tensor]
"""Maps a graph, positions of labelled nodes, their classes and the number of classes to class scores (n, classes)."""


def propagate(
    sample: Sample,
    autoencoder: Autoencoder | None = None,
    *,
    k: int,
    slack: float | None = None,
    batch_size: int,
    **training: Any,
) -> Network:
    r"""Give unlabelled training images pseudo-labels by Poisson learning, keep the safe ones, train on them.

    A pseudo-label is safe where all k nearest neighbours have the same one. Images with a true label or a safe
    pseudo-label are the labelled images of consistency training; a true label is never replaced.

    With ``slack`` the pseudo-labels are those of Poisson MBO, whose class prior helps where labels are very few. The
    prior is an assumption, not read from any label: all classes are about equally common (see ``poisson_mbo``).

    Args:
        sample: Images, uint8 (m, c, s, s).
        autoencoder: The graph is over its codes and training starts from it; it is not changed. With None the graph is
            over pixels and training starts from a fresh plain AE.
        k: Neighbours in the graph.
        slack: How far a class's share may be from the uniform one, as a fraction of it; None assumes no shares.
        batch_size: Labelled and pseudo-labelled images per step.
        training: The other settings of ``consistency``.
    """
    score = poisson_scores if slack is None else functools.partial(poisson_mbo, slack=slack)
    positions, labels = pseudo_labels(sample, autoencoder, score, k=k)
    labelled = batches_at(sample, positions, labels, batch_size, "labelled")
    return train_encoder(sample, autoencoder, labelled, **training)


def pseudo_labels(sample: Sample, autoencoder: Autoencoder | None, score: Scorer, *, k: int) -> tuple[Tensor, Tensor]:
    """Spread labels over the graph of unlabelled images and keep those that all neighbours share.

    Args:
        sample: Images, uint8 (m, c, s, s).
        autoencoder: The graph is over its codes; None takes pixels.
        score: Computes the class scores of all nodes.
        k: Neighbours in the graph.

    Returns:
        Positions in ``sample.unlabelled`` and their labels, int64 of equal length; the true labels are among them.
    """

    def codes() -> Tensor:
        if autoencoder is None:
            return pixel_rows(sample.unlabelled)
        return encode(autoencoder, sample.unlabelled, reads="code")

    graph = sample.memo.once(f"graph of {k} neighbours over codes", lambda: build_graph(codes(), k=k))
    return safe_labels(sample, graph, score, agree=1.0)


def safe_labels(sample: Sample, graph: Graph, score: Scorer, *, agree: float) -> tuple[Tensor, Tensor]:
    """Spread labels over a graph and keep those that enough neighbours share.

    Args:
        sample: Its unlabelled images are the nodes.
        graph: Of one encoder or of several: an image that several have as a neighbour counts several times.
        score: Computes the class scores of all nodes.
        agree: Smallest share of a node's neighbours that must have its label, at most 1.

    Returns:
        Positions in ``sample.unlabelled`` and their labels, int64 of equal length; the true labels are among them.
    """
    guess = score(graph, sample.positions, sample.labels, sample.classes).argmax(1)
    guess[sample.positions] = sample.labels
    share = (guess[graph.nearest] == guess[:, None]).double().mean(1)
    safe = share >= agree - 1e-9  # a share of exactly that may be rounded down
    safe[sample.positions] = True
    positions = safe.nonzero().flatten()
    return positions, guess[positions]
