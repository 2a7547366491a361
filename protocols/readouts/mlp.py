"""The head of the public script: two hidden layers with dropout."""

import warnings
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn

from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.pretraining.adam import Adam
from ssl_irmae.protocols.predictors.head import Head, head_logits
from ssl_irmae.protocols.readouts.batches import batches
from ssl_irmae.protocols.readouts.sample import Sample
from ssl_irmae.protocols.readouts.scaling import Scaling


def mlp(
    samples: Sequence[Sample], *, width: int, dropout: float, steps: int, learning_rate: float, batch_size: int
) -> list[Head]:
    """Train two hidden layers with ReLU and dropout, and a linear layer without bias, on frozen codes.

    Layers, width, dropout, optimiser and batch size are those of the published code (facebookresearch/irmae, whose
    code is 128 wide). The number of steps is not: it is fixed and the same for every budget, the weights after the last
    step count, and the code is scaled by one number first.

    Each step is one batched matrix product per layer for all heads; each head is rounded as if it were trained alone,
    and has the initialisation, batches and dropout of its own seed.

    Args:
        samples: Codes or features, shape (m, d), with one m; they share everything but labels and seed.
        width: Width of both hidden layers.
        dropout: Probability that a hidden unit is left out of a step.
        steps: Optimiser steps.
        learning_rate: Adam's learning rate.
        batch_size: Labelled examples per step (all of them if there are fewer).

    Returns:
        A predictor for each sample, bit for bit the one it gets alone.
    """
    scaling = Scaling.of_sample(samples[0])
    index_batches = [batches(len(s.inputs), batch_size, generator("cpu", s.seed, "labelled")) for s in samples]
    starts, dropout_rngs = zip(*(_start(s, width) for s in samples), strict=True)
    parameters = [torch.stack(weights).requires_grad_() for weights in zip(*starts, strict=True)]
    optimizer = Adam(parameters, learning_rate)
    size = min(len(samples[0].inputs), batch_size)
    masks = torch.empty(2, len(samples), size, width)
    for _ in range(steps):
        chosen = [next(indices) for indices in index_batches]
        x = scaling(torch.stack([s.inputs[i] for s, i in zip(samples, chosen, strict=True)]))
        y = torch.stack([s.labels[i] for s, i in zip(samples, chosen, strict=True)])
        for layer in masks:
            for mask, rng in zip(layer, dropout_rngs, strict=True):
                mask.bernoulli_(1 - dropout, generator=rng)
        optimizer.zero_grad()
        logits = head_logits(x, parameters, masks / (1 - dropout))
        # each head's loss is the mean over its own batch
        torch.autograd.backward(F.cross_entropy(logits.flatten(0, 1), y.flatten()) * len(samples))
        optimizer.step()
    if not all(w.isfinite().all() for w in parameters):
        warnings.warn("training diverged: its weights are not finite", ConvergenceWarning, stacklevel=2)
    return [Head(scaling, [w[i : i + 1].detach() for w in parameters]) for i in range(len(samples))]


def _start(sample: Sample, width: int) -> tuple[list[Tensor], torch.Generator]:
    """Initialise the layers, and return them with the generator that continues this stream, for dropout."""
    with seeded(sample.seed, "head"):
        layers = (
            nn.Linear(sample.inputs.shape[1], width),
            nn.Linear(width, width),
            nn.Linear(width, sample.classes, bias=False),
        )
        dropout_rng = torch.Generator()
        dropout_rng.set_state(torch.get_rng_state())
    return [w.detach() for layer in layers for w in layer.parameters()], dropout_rng
