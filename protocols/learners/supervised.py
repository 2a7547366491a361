"""The supervised baselines: an encoder and a linear head, trained from scratch on labels alone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.bottlenecks import LinearStack
from ssl_irmae.networks.sizes import paper_settings
from ssl_irmae.protocols.learners.augmentation import View, view
from ssl_irmae.protocols.learners.training import image_predictor, labelled_batches, train
from ssl_irmae.protocols.predictors.code_network import CodeNetwork
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.readouts.scaling import Scaling


def supervised(
    sample: Sample,
    *,
    steps: int,
    learning_rate: float,
    batch_size: int,
    depth: int = 0,
    init_scale: float = 1.0,
    views: View = "none",
) -> Predictor:
    """Train an encoder and a linear head on labelled images alone.

    Args:
        sample: Images, uint8 (m, c, s, s); the unlabelled ones are not used.
        steps: Optimiser steps.
        learning_rate: Adam's initial learning rate.
        batch_size: Labelled images per step (all of them if there are fewer).
        depth: Number of linear layers between encoder and head: the supervised IRMAE of Jing, Zbontar and LeCun
            (2020); 0 for none.
        init_scale: Factor on torch's default initial weights of these layers.
        views: Which views of the images it trains on; ``"strong"`` as in consistency training.
    """
    channels, image_size = sample.inputs.shape[1:3]
    width = paper_settings(channels=channels, image_size=image_size).latent_dim
    with seeded(sample.seed, "network"):
        encoder = sample.networks.encoder(channels=channels, image_size=image_size, features=width)
        stack = [LinearStack(width=width, depth=depth, init_scale=init_scale)] if depth else []
        head = nn.Linear(width, sample.classes)
    net = nn.Sequential(encoder, *stack, head)
    net = net.to(sample.device).to(memory_format=torch.channels_last)
    labelled = labelled_batches(sample, batch_size)
    rng = generator(sample.device, sample.seed, "views")

    def loss() -> Tensor:
        x, y = next(labelled)
        return F.cross_entropy(net(view(x, views, rng)).float(), y)

    train(loss, net.parameters(), sample, steps=steps, learning_rate=learning_rate)
    net.eval()
    if stack:
        return image_predictor(net, sample)
    code, scaling = CodeNetwork(encoder, channels, image_size, width), Scaling.none(width, sample.device)
    return Network(code, scaling, head, sample.device, sample.precision)
