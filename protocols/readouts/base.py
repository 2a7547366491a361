"""What a readout is given, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ssl_irmae.compute import Precision

Predictor = Callable[[Tensor], Tensor]
"""Maps inputs, shape (m, ...), to class indices, int64 of shape (m,) on the CPU."""


@dataclass(frozen=True)
class Sample:
    """All that a readout may learn from.

    Args:
        inputs: Of the labelled examples: codes, fp32 (m, d), or images, uint8 (m, c, s, s).
        labels: Their classes, int64, shape (m,).
        unlabelled: Inputs of every training example, shape (n, ...), without labels.
        classes: Number of classes.
        seed: Of every random choice the readout makes.
        device: Where to train networks.
        precision: Arithmetic of networks.
    """

    inputs: Tensor
    labels: Tensor
    unlabelled: Tensor
    classes: int
    seed: int
    device: torch.device
    precision: Precision
