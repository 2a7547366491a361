"""A pretrained encoder and a linear head trained on the labels alone."""

import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.protocols.learners.classifier import CodeClassifier
from ssl_irmae.protocols.learners.training import labelled_batches, train
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.readouts.sample import Sample


def finetune(sample: Sample, autoencoder: Autoencoder, *, steps: int, learning_rate: float, batch_size: int) -> Network:
    """Train a copy of a pretrained encoder and a linear head on its code, on labelled images without augmentation.

    Args:
        sample: Images, uint8 (m, c, s, s); the scale of the code is measured on a few of the unlabelled ones.
        autoencoder: The pretrained start, which is not changed; its decoder is not used.
        steps: Optimiser steps.
        learning_rate: Adam's initial learning rate, for encoder and head alike.
        batch_size: Labelled images per step (all of them if there are fewer).
    """
    net = CodeClassifier(sample, autoencoder)
    labelled = labelled_batches(sample, batch_size)

    def loss() -> Tensor:
        x, y = next(labelled)
        return F.cross_entropy(net.logits(x), y)

    train(loss, net.parameters(decoder=False), sample, steps=steps, learning_rate=learning_rate)
    return net.predictor()
