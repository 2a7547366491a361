"""The baselines that see labels alone: the reference encoder and a linear head, from scratch."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.bottlenecks import LinearStack
from ssl_irmae.networks import reference_encoder, reference_settings
from ssl_irmae.protocols.learners.augmentation import View, view
from ssl_irmae.protocols.learners.training import image_predictor, labelled_batches, train
from ssl_irmae.protocols.readouts.sample import Predictor, Sample


def supervised(
    sample: Sample, *, steps: int, learning_rate: float, batch_size: int, depth: int = 0, views: View = "none"
) -> Predictor:
    """Train the reference encoder and a linear head on labelled images alone.

    Args:
        sample: Images, uint8 (m, c, s, s); the unlabelled ones are not looked at.
        steps: Optimiser steps.
        learning_rate: Adam's at the start.
        batch_size: Labelled images a step (all of them if there are fewer).
        depth: Number of linear layers between encoder and head: the supervised IRMAE of Jing, Zbontar and LeCun
            (2020); 0 for none.
        views: Which views of the images are shown; ``"strong"`` is what consistency training shows.
    """
    channels, image_size = sample.inputs.shape[1:3]
    width = reference_settings(channels=channels, image_size=image_size).latent_dim
    with seeded(sample.seed, "network"):
        encoder = reference_encoder(channels=channels, image_size=image_size, features=width)
        stack = [LinearStack(width=width, depth=depth)] if depth else []
        net = nn.Sequential(encoder, *stack, nn.Linear(width, sample.classes))
    net = net.to(sample.device).to(memory_format=torch.channels_last)
    labelled = labelled_batches(sample, batch_size)
    draw = generator(sample.device, sample.seed, "views")

    def loss() -> Tensor:
        x, y = next(labelled)
        return F.cross_entropy(net(view(x, views, draw)).float(), y)

    train(loss, net.parameters(), sample, steps=steps, learning_rate=learning_rate)
    return image_predictor(net.eval(), sample)
