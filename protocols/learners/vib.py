"""The variational information bottleneck: the supervised relative of the VAE, from scratch on labels alone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.networks.sizes import paper_settings
from ssl_irmae.protocols.learners.training import labelled_batches, train
from ssl_irmae.protocols.predictors.code_network import CodeNetwork
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.readouts.sample import Sample
from ssl_irmae.protocols.readouts.scaling import Scaling


def vib(sample: Sample, *, steps: int, learning_rate: float, batch_size: int, beta: float) -> Network:
    r"""Train an encoder with a Gaussian code, and a linear classifier of one sample of the code.

    .. math:: L = \text{cross-entropy} + \beta \, \text{KL}(N(\mu, \sigma^2) \,\|\, N(0, 1)), \qquad
              \sigma = \text{softplus}(\rho - 5)

    The divergence is summed over the code's directions, in nats. Predictions use the mean of the code, so they are
    deterministic. Encoder and code width are those of ``supervised``, not the VIB paper's three dense layers and 256,
    so that it differs from ``supervised`` in the bottleneck alone.

    Source: Alemi, Fischer, Dillon and Murphy, "Deep Variational Information Bottleneck", ICLR 2017,
    https://arxiv.org/abs/1612.00410.

    Args:
        sample: Images, uint8 (m, c, s, s); the unlabelled ones are not used.
        steps: Optimiser steps.
        learning_rate: Adam's initial learning rate.
        batch_size: Labelled images per step (all of them if there are fewer).
        beta: Weight of the divergence.
    """
    channels, image_size = sample.inputs.shape[1:3]
    width = paper_settings(channels=channels, image_size=image_size).latent_dim
    with seeded(sample.seed, "network"):
        encoder = sample.networks.encoder(channels=channels, image_size=image_size, features=2 * width)
        head = nn.Linear(width, sample.classes)
    net = nn.ModuleList([encoder, head]).to(sample.device).to(memory_format=torch.channels_last)
    noise_rng = generator(sample.device, sample.seed, "noise")
    labelled = labelled_batches(sample, batch_size)

    def loss() -> Tensor:
        x, y = next(labelled)
        mean, rho = torch.split(encoder(x).float(), width, dim=1)
        sigma = F.softplus(rho - 5)
        z = mean + sigma * torch.empty_like(mean).normal_(generator=noise_rng)
        divergence = 0.5 * (mean.square() + sigma.square() - 2 * sigma.log() - 1).sum(1).mean()
        return F.cross_entropy(head(z).float(), y) + beta * divergence

    train(loss, net.parameters(), sample, steps=steps, learning_rate=learning_rate)
    net.eval()
    code, scaling = CodeNetwork(encoder, channels, image_size, width), Scaling.none(width, sample.device)
    return Network(code, scaling, head, sample.device, sample.precision)
