"""The chain that makes a few labels enough: labels spread on a graph, the safe ones kept, then consistency training."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from ssl_irmae._support.seeding import generator
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.protocols.graphs.graph import Graph, build_graph
from ssl_irmae.protocols.learners.consistency import train_consistently
from ssl_irmae.protocols.readouts.batches import batches
from ssl_irmae.protocols.readouts.poisson import poisson_mbo, poisson_scores
from ssl_irmae.protocols.readouts.sample import Predictor, Sample

Scorer = Callable[[Graph, Tensor, Tensor, int], Tensor]
"""From a graph, the positions of labelled nodes, their classes and the number of classes: class scores (n, classes)."""


def propagate(
    sample: Sample,
    autoencoder: Autoencoder | None = None,
    *,
    k: int,
    steps: int,
    learning_rate: float,
    batch_size: int,
    unlabelled_batch_size: int,
    confidence: float,
    reconstruction_weight: float,
) -> Predictor:
    r"""Give unlabelled training images pseudo-labels by Poisson learning, keep the safe ones, train on them.

    A pseudo-label is kept where all k nearest neighbours have the same one. Kept images stand in for labelled ones
    in consistency training; those with a true label keep it.

    Args:
        sample: Images, uint8 (m, c, s, s).
        autoencoder: The graph is over its codes and training starts from it; it is not changed. None takes pixels
            and starts from a fresh plain AE.
        k: Neighbours in the graph.
        steps: Optimiser steps.
        learning_rate: Adam's at the start, for encoder, decoder and head alike.
        batch_size: Pseudo-labelled images a step.
        unlabelled_batch_size: Unlabelled images a step.
        confidence: The threshold of consistency training.
        reconstruction_weight: That of consistency training.
    """
    return _propagate(
        sample,
        autoencoder,
        poisson_scores,
        k=k,
        steps=steps,
        learning_rate=learning_rate,
        batch_size=batch_size,
        unlabelled_batch_size=unlabelled_batch_size,
        confidence=confidence,
        reconstruction_weight=reconstruction_weight,
    )


def propagate_prior(
    sample: Sample,
    autoencoder: Autoencoder | None = None,
    *,
    k: int,
    slack: float,
    steps: int,
    learning_rate: float,
    batch_size: int,
    unlabelled_batch_size: int,
    confidence: float,
    reconstruction_weight: float,
) -> Predictor:
    """Do as ``propagate``, with pseudo-labels by Poisson MBO, whose class prior helps where labels are very few.

    The prior is an assumption and read from no label: all classes are about equally common (see ``poisson_mbo``).

    Args:
        sample: Images, uint8 (m, c, s, s).
        autoencoder: As in ``propagate``, and so are the settings but for slack.
        k: Neighbours in the graph.
        slack: How far a class's share may be from the uniform one, as a fraction of it.
        steps: Optimiser steps.
        learning_rate: Adam's at the start.
        batch_size: Pseudo-labelled images a step.
        unlabelled_batch_size: Unlabelled images a step.
        confidence: The threshold of consistency training.
        reconstruction_weight: That of consistency training.
    """
    return _propagate(
        sample,
        autoencoder,
        functools.partial(poisson_mbo, slack=slack),
        k=k,
        steps=steps,
        learning_rate=learning_rate,
        batch_size=batch_size,
        unlabelled_batch_size=unlabelled_batch_size,
        confidence=confidence,
        reconstruction_weight=reconstruction_weight,
    )


def _propagate(
    sample: Sample, autoencoder: Autoencoder | None, score: Scorer, *, k: int, batch_size: int, **training: Any
) -> Predictor:
    kept, labels = pseudo_labels(sample, autoencoder, score, k=k)

    def labelled() -> Iterator[tuple[Tensor, Tensor]]:
        images = sample.unlabelled_on_device()
        places, classes = kept.to(sample.device), labels.to(sample.device)
        for i in batches(len(kept), batch_size, generator("cpu", sample.seed, "labelled"), sample.device):
            yield as_float(images[places[i]], sample.device), classes[i]

    return train_consistently(sample, autoencoder, labelled(), **training)


def pseudo_labels(sample: Sample, autoencoder: Autoencoder | None, score: Scorer, *, k: int) -> tuple[Tensor, Tensor]:
    """Spread labels over the graph of unlabelled images and keep the safe ones.

    Args:
        sample: Images, uint8 (m, c, s, s).
        autoencoder: The graph is over its codes; None takes pixels.
        score: Gives every node class scores.
        k: Neighbours in the graph.

    Returns:
        Positions in ``sample.unlabelled``, and labels, int64, shape (kept,).
    """

    def codes() -> Tensor:
        if autoencoder is None:
            return sample.unlabelled.flatten(1).float() / 255
        return encode(autoencoder, sample.unlabelled, reads="code")

    graph = sample.memo.once(f"graph of {k} neighbours over codes", lambda: build_graph(codes(), k=k))
    guess = score(graph, sample.positions, sample.labels, sample.classes).argmax(1)
    guess[sample.positions] = sample.labels
    safe = (guess[graph.nearest] == guess[:, None]).all(1)
    safe[sample.positions] = True
    kept = safe.nonzero().flatten()
    return kept, guess[kept]
