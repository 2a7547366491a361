"""Batches, training loop and predictor that all learners share, so that they are trained alike."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator

import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn

from ssl_irmae._support.compute import autocast
from ssl_irmae._support.seeding import generator
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.adam import Adam
from ssl_irmae.protocols.predictors.chunks import in_chunks
from ssl_irmae.protocols.readouts.batches import batches
from ssl_irmae.protocols.readouts.sample import Predictor, Sample


def labelled_batches(sample: Sample, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches (images in [0, 1], labels) of the labelled examples forever, on the sample's device."""
    images, labels = sample.inputs.to(sample.device), sample.labels.to(sample.device)
    for i in batches(len(labels), batch_size, generator("cpu", sample.seed, "labelled"), sample.device):
        yield as_float(images[i], sample.device), labels[i]


def batches_at(
    sample: Sample, positions: Tensor, labels: Tensor, batch_size: int, purpose: str
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches (images in [0, 1], labels) of unlabelled images that were given labels, forever.

    Args:
        sample: Holds the images.
        positions: Which of its unlabelled images, int64 (p,).
        labels: Their labels, int64 (p,).
        batch_size: Images per batch (all of them if there are fewer).
        purpose: What the order is drawn for.
    """
    images, positions, labels = sample.unlabelled_on_device(), positions.to(sample.device), labels.to(sample.device)
    for i in batches(len(labels), batch_size, generator("cpu", sample.seed, purpose), sample.device):
        yield as_float(images[positions[i]], sample.device), labels[i]


def unlabelled_batches(sample: Sample, batch_size: int) -> Iterator[Tensor]:
    """Yield batches of unlabelled images in [0, 1] forever, on the sample's device."""
    images = sample.unlabelled_on_device()
    for i in batches(len(images), batch_size, generator("cpu", sample.seed, "unlabelled"), sample.device):
        yield as_float(images[i], sample.device)


def train(
    loss: Callable[[], Tensor], parameters: Iterable[nn.Parameter], sample: Sample, *, steps: int, learning_rate: float
) -> None:
    """Minimise a loss by Adam steps whose learning rate falls to zero along a half cosine.

    Args:
        loss: Draws its own batches and returns a scalar.
        parameters: Parameters to train.
        sample: Gives device and precision.
        steps: Optimiser steps.
        learning_rate: Initial learning rate.

    Warns:
        ConvergenceWarning: If the last loss is not finite, as it stays once training has diverged.

    Raises:
        UserError: If there is one label, and batch normalisation has nothing to normalise by.
    """
    optimizer, value = Adam(parameters, learning_rate), torch.zeros(())
    for step in range(steps):
        optimizer.learning_rate = learning_rate * (1 + math.cos(math.pi * step / steps)) / 2
        optimizer.zero_grad()
        with autocast(sample.device, sample.precision):
            try:
                value = loss()
            except ValueError as error:  # of batch normalisation over maps of one pixel
                if len(sample.labels) > 1:
                    raise
                raise UserError(
                    "`budgets` 1: in training these networks cannot take one image alone; use 2 labels or more"
                ) from error
        torch.autograd.backward(value)
        optimizer.step()
    if not value.isfinite():
        warnings.warn("training diverged: its loss is not finite", ConvergenceWarning, stacklevel=2)


def image_predictor(logits: Callable[[Tensor], Tensor], sample: Sample) -> Predictor:
    """Make a predictor of uint8 images from the logits of images in [0, 1]."""

    def predict(images: Tensor) -> Tensor:
        with autocast(sample.device, sample.precision):
            return in_chunks(lambda x: logits(x).argmax(1), images, sample.device)

    return predict
