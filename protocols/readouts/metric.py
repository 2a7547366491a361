"""A projection of the code that brings examples of one class close together."""

import torch
from torch import nn

from ssl_irmae._support.seeding import seeded
from ssl_irmae.pretraining.adam import Adam
from ssl_irmae.protocols.predictors.projected import Projected, Projection
from ssl_irmae.protocols.predictors.votes import Votes
from ssl_irmae.protocols.readouts.metric_learning import class_batches, supcon
from ssl_irmae.protocols.readouts.sample import Sample
from ssl_irmae.protocols.readouts.scaling import Scaling

_WIDTH = 64


def metric(
    sample: Sample, *, steps: int, learning_rate: float, per_class: int, temperature: float, k: int
) -> Projected | Votes:
    """Train a linear projection on the supervised contrastive loss; classify by nearest neighbours on its unit sphere.

    It uses pytorch-metric-learning's ``SupConLoss`` on batches of ``MPerClassSampler``. A class with one labelled
    example has no pair to bring together, and a single class has none to keep apart: then nothing is trained, and the
    nearest neighbours are found in the code itself, as in ``knn``.

    Args:
        sample: Codes or features, shape (m, d).
        steps: Optimiser steps.
        learning_rate: Adam's learning rate.
        per_class: Examples of each class per batch (as many as the rarest class has, if fewer).
        temperature: Temperature of the loss.
        k: Number of labelled examples that vote.
    """
    counts = torch.unique(sample.labels, return_counts=True)[1]
    if len(counts) == 1 or counts.min() == 1:
        return Votes(sample.inputs, sample.labels, k, sample.classes)
    scaling = Scaling.of_sample(sample)
    inputs = scaling(sample.inputs)
    with seeded(sample.seed, "projection"):
        projection = nn.Linear(inputs.shape[1], _WIDTH)
    optimizer = Adam(projection.parameters(), learning_rate)
    for i in class_batches(sample.labels, min(per_class, int(counts.min())), steps, sample.seed, "batches"):
        optimizer.zero_grad()
        loss = supcon(projection(inputs[i]), sample.labels[i], temperature=temperature)
        torch.autograd.backward(loss)
        optimizer.step()
    learned = Projection(scaling, projection.weight.detach(), projection.bias.detach())
    return Projected(learned, Votes(learned(sample.inputs), sample.labels, k, sample.classes))
