"""Encoder and head trained together, on labels and on the reconstruction of unlabelled images."""

import torch.nn.functional as F
from torch import Tensor

from ssl_irmae._support.seeding import generator
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.protocols.learners.classifier import CodeClassifier
from ssl_irmae.protocols.learners.training import (
    labelled_batches,
    train,
    unlabelled_batches,
)
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.readouts.metric_learning import LOSSES, has_pairs
from ssl_irmae.protocols.readouts.sample import Sample


def joint(
    sample: Sample,
    autoencoder: Autoencoder,
    *,
    steps: int,
    learning_rate: float,
    batch_size: int,
    unlabelled_batch_size: int,
    reconstruction_weight: float,
    metric_loss: str = "",
) -> Network:
    r"""Train a copy of a pretrained autoencoder and a linear head on its code.

    .. math:: L = \text{cross-entropy}(\text{head}(z_L), y) + w \cdot \text{autoencoder loss}(x_U)

    A metric-learning loss of the labelled codes may be added, with weight 1; it is left out for a batch without two
    examples of one class and one of another.

    Args:
        sample: Images, uint8 (m, c, s, s).
        autoencoder: The pretrained start, which is not changed.
        steps: Optimiser steps.
        learning_rate: Adam's initial learning rate, for encoder, decoder and head alike.
        batch_size: Labelled images per step (all of them if there are fewer).
        unlabelled_batch_size: Unlabelled images per step.
        reconstruction_weight: The weight w.
        metric_loss: A name in ``LOSSES``, or empty for none.
    """
    net = CodeClassifier(sample, autoencoder)
    labelled = labelled_batches(sample, batch_size)
    unlabelled = unlabelled_batches(sample, unlabelled_batch_size)
    noise_rng = generator(sample.device, sample.seed, "noise")

    def loss() -> Tensor:
        x, y = next(labelled)
        z = net.code(x)
        value = F.cross_entropy(net.head(z).float(), y)
        if metric_loss and has_pairs(y):
            value = value + LOSSES[metric_loss]()(z.float(), y)
        return value + reconstruction_weight * net.autoencoder.loss(next(unlabelled), noise_rng)

    train(loss, net.parameters(decoder=True), sample, steps=steps, learning_rate=learning_rate)
    return net.predictor()
