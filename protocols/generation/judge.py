"""The network whose features real and generated pictures are compared by: a small classifier of the data set."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.settings import TRAINING
from ssl_irmae.protocols.learners.supervised import supervised
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.readouts.sample import Sample

STEPS = 600
"""Optimiser steps of the classifier, which otherwise has the settings of the contender ``supervised``."""

_CHUNK = 512


@dataclass(frozen=True)
class Judge:
    """A classifier, of which the last layer before the linear head is read.

    Args:
        network: The classifier.
        error: Its error on the test images, in percent; None if there are none with labels.
    """

    network: Network
    error: float | None

    @torch.no_grad()
    def features(self, pictures: Tensor) -> Tensor:
        """Map pictures in [0, 1], fp32 (n, c, s, s), to features, fp32 (n, d), on the CPU."""
        read = (self.network.code(x.to(self.network.device)).cpu() for x in torch.split(pictures, _CHUNK))
        return torch.cat(list(read))


def train_judge(train: ImageSet, test: ImageSet | None, *, device: torch.device) -> Judge:
    """Train the classifier on all labelled training images, by the learner ``supervised``.

    Args:
        train: Images, uint8 (n, c, s, s), some of them labelled.
        test: Images that its error is measured on, if there are any.
        device: Where it is trained.

    Raises:
        UserError: If there are no labels of two classes.
    """
    labels = train.labels
    labelled = torch.empty(0, dtype=torch.int64) if labels is None else (labels != UNLABELLED).nonzero().flatten()
    if labels is None or len(labels[labelled].unique()) < 2:
        raise UserError(
            f"{train.name} has no labels of two classes or more, and pictures are compared by the features of a "
            "classifier that is trained on labels: give the data set with its labels"
        )
    sample = Sample(
        train.images[labelled],
        labels[labelled],
        train.images,
        labelled,
        len(train.classes),
        0,
        device,
        "fp32",
    )
    settings = {name: value for name, value in TRAINING.items() if name != "steps"}
    network = supervised(sample, steps=STEPS, **settings)  # type: ignore[arg-type]  # numbers of the right types
    assert isinstance(network, Network)
    return Judge(network, None if test is None else _error(network, test))


def _error(network: Network, test: ImageSet) -> float | None:
    if test.labels is None or not (known := test.labels != UNLABELLED).any():
        return None
    wrong = network(test.images[known]) != test.labels[known]
    return 100 * float(wrong.double().mean())
