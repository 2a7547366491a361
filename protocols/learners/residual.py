"""A small residual network from scratch, and the supervised baseline that trains it on labels alone."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.protocols.learners.augmentation import View, view
from ssl_irmae.protocols.learners.training import labelled_batches, train
from ssl_irmae.protocols.predictors.residual import Residual, ResidualNetwork
from ssl_irmae.protocols.readouts.sample import Sample


def supervised_residual(
    sample: Sample, *, steps: int, learning_rate: float, batch_size: int, width: int, views: View
) -> Residual:
    """Train a small residual network on labelled images alone.

    Args:
        sample: Images, uint8 (m, c, s, s); the unlabelled ones are not used.
        steps: Optimiser steps.
        learning_rate: Adam's initial learning rate.
        batch_size: Labelled images per step (all of them if there are fewer).
        width: Channels of the first block, as in ``ResidualNetwork``.
        views: Which views of the images it trains on; ``"strong"`` as in consistency training.
    """
    net = fresh_network(sample, width=width)
    labelled = labelled_batches(sample, batch_size)
    rng = generator(sample.device, sample.seed, "views")

    def loss() -> Tensor:
        x, y = next(labelled)
        return F.cross_entropy(net(view(x, views, rng)), y)

    train(loss, net.parameters(), sample, steps=steps, learning_rate=learning_rate)
    return as_predictor(net, sample)


def fresh_network(sample: Sample, *, width: int) -> ResidualNetwork:
    """Initialise a residual network for a sample's images and classes by its seed, on its device, in train mode."""
    with seeded(sample.seed, "network"):
        net = ResidualNetwork(channels=sample.inputs.shape[1], width=width, classes=sample.classes)
    return net.to(sample.device).to(memory_format=torch.channels_last)


def as_predictor(net: ResidualNetwork, sample: Sample) -> Residual:
    """Return the predictor that a trained network has become: from now on it is in eval mode."""
    return Residual(net.eval(), sample.device, sample.precision)
