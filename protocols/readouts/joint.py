"""Encoder and head trained together: the label loss and the reconstruction of unlabelled images."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.datasets import as_float
from ssl_irmae.protocols.readouts.base import Predictor, Sample
from ssl_irmae.protocols.readouts.network_training import (
    image_predictor,
    labelled_batches,
    train,
    unlabelled_batches,
)
from ssl_irmae.protocols.readouts.scaling import Scaling
from ssl_irmae.seeding import generator, seeded

_SCALING_IMAGES = 2000


def joint(
    sample: Sample,
    autoencoder: Autoencoder,
    *,
    steps: int,
    learning_rate: float,
    batch_size: int,
    unlabelled_batch_size: int,
    reconstruction_weight: float,
) -> Predictor:
    r"""Train a copy of a pretrained autoencoder and a linear head on its code.

    .. math:: L = \text{cross-entropy}(\text{head}(z_L), y) + w \cdot \text{autoencoder loss}(x_U)

    Args:
        sample: Images, uint8 (m, c, s, s).
        autoencoder: The pretrained start; it is not changed.
        steps: Optimiser steps.
        learning_rate: Adam's at the start, for encoder, decoder and head alike.
        batch_size: Labelled images a step (all of them if there are fewer).
        unlabelled_batch_size: Unlabelled images a step.
        reconstruction_weight: The weight w.
    """
    net = copy.deepcopy(autoencoder).to(sample.device).to(memory_format=torch.channels_last)
    net.eval()
    with torch.no_grad():
        shown = sample.unlabelled[:: max(1, len(sample.unlabelled) // _SCALING_IMAGES)]
        scaling = Scaling.of(net.code(as_float(shown, sample.device)))
    with seeded(sample.seed, "head"):
        head = nn.Linear(net.latent_dim, sample.classes).to(sample.device)
    labelled = labelled_batches(sample, batch_size)
    unlabelled = unlabelled_batches(sample, unlabelled_batch_size)
    noise = generator(sample.device, sample.seed, "noise")

    def logits(x: Tensor) -> Tensor:
        z: Tensor = head(scaling(net.code(x)))
        return z.float()

    def loss() -> Tensor:
        x, y = next(labelled)
        return F.cross_entropy(logits(x), y) + reconstruction_weight * net.loss(next(unlabelled), noise)

    net.train()
    train(loss, [*net.parameters(), *head.parameters()], sample, steps=steps, learning_rate=learning_rate)
    net.eval()
    return image_predictor(logits, sample)
