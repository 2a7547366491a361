"""Joint training with pseudo-labels: confident predictions on a weak view become targets for a strong view."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae._support.seeding import generator
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.protocols.learners.augmentation import view
from ssl_irmae.protocols.learners.classifier import CodeClassifier
from ssl_irmae.protocols.learners.training import (
    labelled_batches,
    train,
    unlabelled_batches,
)
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.readouts.sample import Sample


def consistency(
    sample: Sample,
    autoencoder: Autoencoder | None = None,
    *,
    steps: int,
    learning_rate: float,
    batch_size: int,
    unlabelled_batch_size: int,
    confidence: float,
    reconstruction_weight: float,
) -> Network:
    r"""Train an encoder and a linear head on labels, on their own confident predictions and on reconstruction.

    .. math:: L = \text{CE}(\text{strong}(x_L), y)
              + \frac{1}{|U|} \sum_{x \in U} [\max p(\text{weak}(x)) \ge \tau] \, \text{CE}(\text{strong}(x), \hat y)
              + w \cdot \text{autoencoder loss}

    with :math:`\hat y = \arg\max p(\text{weak}(x))`, through which no gradient flows.

    Source: Sohn et al., "FixMatch", NeurIPS 2020, https://arxiv.org/abs/2001.07685; here with affine views, an erased
    square in the strong one, and the reconstruction of joint training.

    Args:
        sample: Images, uint8 (m, c, s, s).
        autoencoder: The start, which is not changed; None starts from a fresh plain AE.
        steps: Optimiser steps.
        learning_rate: Adam's initial learning rate, for encoder, decoder and head alike.
        batch_size: Labelled images per step (all of them if there are fewer).
        unlabelled_batch_size: Unlabelled images per step.
        confidence: The threshold tau.
        reconstruction_weight: The weight w; the first ``batch_size`` unlabelled images of a step are reconstructed,
            not views of them. 0 leaves reconstruction out.
    """
    return train_encoder(
        sample,
        autoencoder,
        labelled_batches(sample, batch_size),
        steps=steps,
        learning_rate=learning_rate,
        unlabelled_batch_size=unlabelled_batch_size,
        confidence=confidence,
        reconstruction_weight=reconstruction_weight,
    )


def train_encoder(
    sample: Sample,
    autoencoder: Autoencoder | None,
    labelled: Iterator[tuple[Tensor, Tensor]],
    *,
    steps: int,
    learning_rate: float,
    unlabelled_batch_size: int,
    confidence: float,
    reconstruction_weight: float,
) -> Network:
    """Train an encoder and a linear head like ``consistency``, on any stream of labelled batches.

    Args:
        sample: Images, uint8 (m, c, s, s).
        autoencoder: The start, which is not changed; None starts from a fresh plain AE.
        labelled: Endless batches of images in [0, 1] and their labels or pseudo-labels.
        steps: Optimiser steps.
        learning_rate: Adam's initial learning rate.
        unlabelled_batch_size: Unlabelled images per step.
        confidence: The threshold tau.
        reconstruction_weight: The weight w.
    """
    net = CodeClassifier(sample, autoencoder)
    noise_rng = generator(sample.device, sample.seed, "noise")

    def reconstruction(u: Tensor) -> Tensor:
        return reconstruction_weight * net.autoencoder.loss(u, noise_rng)

    train_consistently(
        sample,
        net.logits,
        net.parameters(decoder=bool(reconstruction_weight)),
        [labelled],
        steps=steps,
        learning_rate=learning_rate,
        unlabelled_batch_size=unlabelled_batch_size,
        confidence=confidence,
        reconstruction=reconstruction if reconstruction_weight else None,
    )
    return net.predictor()


def train_consistently(
    sample: Sample,
    logits_of: Callable[[Tensor], Tensor],
    parameters: Iterable[nn.Parameter],
    labelled: Sequence[Iterator[tuple[Tensor, Tensor]]],
    *,
    steps: int,
    learning_rate: float,
    unlabelled_batch_size: int,
    confidence: float,
    reconstruction: Callable[[Tensor], Tensor] | None = None,
) -> None:
    """Train any network like ``consistency``, on any streams of labelled batches, each with a cross-entropy of its own.

    Args:
        sample: Images, uint8 (m, c, s, s).
        logits_of: Maps images (n, c, s, s) in [0, 1] to logits (n, classes), fp32.
        parameters: What is trained.
        labelled: Streams of endless batches of images in [0, 1] and their labels or pseudo-labels.
        steps: Optimiser steps.
        learning_rate: Adam's initial learning rate.
        unlabelled_batch_size: Unlabelled images per step.
        confidence: The threshold tau.
        reconstruction: Maps the first unlabelled images of a step, as many as it has labelled ones, to one more loss.
    """
    unlabelled = unlabelled_batches(sample, unlabelled_batch_size)
    view_rng = generator(sample.device, sample.seed, "views")

    def loss() -> Tensor:
        drawn = [next(stream) for stream in labelled]
        x, u = torch.cat([images for images, _ in drawn]), next(unlabelled)
        with torch.no_grad():
            probability, guess = logits_of(view(u, "weak", view_rng)).softmax(1).max(1)
        logits = logits_of(torch.cat([view(x, "strong", view_rng), view(u, "strong", view_rng)]))
        *of_labelled, of_unlabelled = torch.split(logits, [*(len(y) for _, y in drawn), len(u)])
        confident = (probability >= confidence).float()
        value = torch.stack([F.cross_entropy(z, y) for z, (_, y) in zip(of_labelled, drawn, strict=True)]).sum()
        value = value + (confident * F.cross_entropy(of_unlabelled, guess, reduction="none")).mean()
        if reconstruction is not None:
            value = value + reconstruction(u[: len(x)])
        return value

    train(loss, parameters, sample, steps=steps, learning_rate=learning_rate)
