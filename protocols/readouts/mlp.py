"""The head of the reference script: two hidden layers with dropout."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.pretraining.adam import Adam
from ssl_irmae.protocols.readouts.batches import batches
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.readouts.scaling import Scaling

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
    return mlp_heads(
        [sample], width=width, dropout=dropout, steps=steps, learning_rate=learning_rate, batch_size=batch_size
    )[0]


def mlp_heads(
    samples: Sequence[Sample], *, width: int, dropout: float, steps: int, learning_rate: float, batch_size: int
) -> list[Predictor]:
    """Train the heads of several samples of one size, with the same unlabelled codes, as ``mlp_head`` trains one.

    Every step is one batched matrix product a layer for all heads, and each is rounded as it is alone. Each head has
    the initialisation, the batches and the dropout of its own seed.
    """
    scaling = Scaling.of_sample(samples[0])
    draws = [batches(len(s.inputs), batch_size, generator("cpu", s.seed, "labelled")) for s in samples]
    starts, chances = zip(*(_start(s, width) for s in samples), strict=True)
    parameters = [torch.stack(weights).requires_grad_() for weights in zip(*starts, strict=True)]
    optimizer = Adam(parameters, learning_rate)
    size = min(len(samples[0].inputs), batch_size)
    kept = torch.empty(2, len(samples), size, width)
    for _ in range(steps):
        chosen = [next(draw) for draw in draws]
        x = scaling(torch.stack([s.inputs[i] for s, i in zip(samples, chosen, strict=True)]))
        y = torch.stack([s.labels[i] for s, i in zip(samples, chosen, strict=True)])
        for layer in kept:
            for mask, chance in zip(layer, chances, strict=True):
                mask.bernoulli_(1 - dropout, generator=chance)
        optimizer.zero_grad()
        logits = _logits(x, parameters, kept / (1 - dropout))
        # each head's loss is the mean over its own batch
        torch.autograd.backward(F.cross_entropy(logits.flatten(0, 1), y.flatten()) * len(samples))
        optimizer.step()
    return [_predictor(scaling, [w[i : i + 1].detach() for w in parameters]) for i in range(len(samples))]


def _start(sample: Sample, width: int) -> tuple[list[Tensor], torch.Generator]:
    """Initialise the layers, and go on drawing from the same stream: for dropout."""
    with seeded(sample.seed, "head"):
        layers = (
            nn.Linear(sample.inputs.shape[1], width),
            nn.Linear(width, width),
            nn.Linear(width, sample.classes, bias=False),
        )
        chance = torch.Generator()
        chance.set_state(torch.get_rng_state())
    return [w.detach() for layer in layers for w in layer.parameters()], chance


def _logits(x: Tensor, parameters: Sequence[Tensor], kept: Tensor | None = None) -> Tensor:
    """Map scaled codes (heads, m, d) to logits (heads, m, classes).

    Args:
        x: Of each head.
        parameters: Of all heads.
        kept: Factors of the hidden units, (2, heads, m, width); None leaves them as they are.
    """
    first, first_bias, second, second_bias, last = parameters
    z = torch.baddbmm(first_bias[:, None], x, first.mT).relu()
    z = z if kept is None else z * kept[0]
    z = torch.baddbmm(second_bias[:, None], z, second.mT).relu()
    z = z if kept is None else z * kept[1]
    return torch.bmm(z, last.mT)


def _predictor(scaling: Scaling, parameters: Sequence[Tensor]) -> Predictor:
    @torch.no_grad()
    def predict(x: Tensor) -> Tensor:
        chunks = torch.split(x, _PREDICT_CHUNK)
        return torch.cat([_logits(scaling(chunk)[None], parameters)[0].argmax(1) for chunk in chunks])

    return predict
