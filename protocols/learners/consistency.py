"""Joint training with pseudo-labels: confident predictions on a weak view become targets for a strong view."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

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
    return train_consistently(
        sample,
        autoencoder,
        labelled_batches(sample, batch_size),
        steps=steps,
        learning_rate=learning_rate,
        unlabelled_batch_size=unlabelled_batch_size,
        confidence=confidence,
        reconstruction_weight=reconstruction_weight,
    )


def train_consistently(
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
    """Train like ``consistency``, on any stream of labelled batches.

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
    unlabelled = unlabelled_batches(sample, unlabelled_batch_size)
    noise_rng, view_rng = (generator(sample.device, sample.seed, purpose) for purpose in ("noise", "views"))

    def loss() -> Tensor:
        x, y = next(labelled)
        u = next(unlabelled)
        with torch.no_grad():
            probability, guess = net.logits(view(u, "weak", view_rng)).softmax(1).max(1)
        logits = net.logits(torch.cat([view(x, "strong", view_rng), view(u, "strong", view_rng)]))
        confident = (probability >= confidence).float()
        value = F.cross_entropy(logits[: len(x)], y)
        value = value + (confident * F.cross_entropy(logits[len(x) :], guess, reduction="none")).mean()
        if reconstruction_weight:
            value = value + reconstruction_weight * net.autoencoder.loss(u[: len(x)], noise_rng)
        return value

    train(
        loss,
        net.parameters(decoder=bool(reconstruction_weight)),
        sample,
        steps=steps,
        learning_rate=learning_rate,
    )
    return net.predictor()
