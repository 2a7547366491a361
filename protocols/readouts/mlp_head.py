"""The head of the reference script: two hidden layers with dropout."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae.protocols.readouts.base import Predictor, Sample
from ssl_irmae.protocols.readouts.network_training import batches
from ssl_irmae.protocols.readouts.scaling import Scaling
from ssl_irmae.seeding import generator, seeded

_PREDICT_CHUNK = 512


def mlp_head(
    sample: Sample, *, width: int, dropout: float, steps: int, learning_rate: float, batch_size: int
) -> Predictor:
    """Train two hidden layers with ReLU and dropout, and a linear layer without bias, on a frozen code.

    Layers, width, dropout, optimiser and batch are those of the public reference code (facebookresearch/irmae, whose
    code is 128 wide). The steps are not: they are fixed, the same for every budget, the weights after the last count,
    and the code is scaled by one number first.

    Args:
        sample: Codes or features, shape (m, d).
        width: Of both hidden layers.
        dropout: Probability that a hidden unit is left out of a step.
        steps: Optimiser steps.
        learning_rate: Adam's.
        batch_size: Labelled examples a step (all of them if there are fewer).
    """
    scaling = Scaling.of(sample.unlabelled)
    inputs = scaling(sample.inputs)
    draw = batches(len(inputs), batch_size, generator("cpu", sample.seed, "labelled"))
    with seeded(sample.seed, "head"):
        net = nn.Sequential(
            nn.Linear(inputs.shape[1], width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, sample.classes, bias=False),
        )
        optimizer = torch.optim.Adam(net.parameters(), learning_rate, fused=True)
        for _ in range(steps):  # under the seed too: dropout has no generator of its own
            i = next(draw)
            optimizer.zero_grad()
            torch.autograd.backward(F.cross_entropy(net(inputs[i]), sample.labels[i]))
            optimizer.step()
    net.eval()

    @torch.no_grad()
    def predict(x: Tensor) -> Tensor:
        return torch.cat([net(scaling(chunk)).argmax(1) for chunk in x.split(_PREDICT_CHUNK)])

    return predict
