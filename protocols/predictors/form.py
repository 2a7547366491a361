"""What a predictor can do that can be kept: scores per class, and tensors and numbers from which it is rebuilt."""

from collections.abc import Mapping
from typing import Protocol, Self

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]
Settings = Mapping[str, int]

_LOWEST = -1e3
_ABSENT = -1e4  # still no chance after division by a temperature of a hundred


class Rebuildable(Protocol):
    """What a file can hold: it is rebuilt from tensors and numbers, without any code."""

    def tensors(self) -> dict[str, Tensor]:
        """Return what was learned."""
        ...

    def settings(self) -> dict[str, int]:
        """Return the numbers that ``rebuild`` needs beside the tensors."""
        ...

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, device: torch.device, /) -> Self:
        """Rebuild it from its tensors, on the CPU, and its settings.

        Args:
            tensors: What ``tensors`` returned.
            settings: What ``settings`` returned.
            device: Where a network runs; what needs no network stays on the CPU.

        Raises:
            ValueError: If tensors and settings do not fit each other; found out before anything is allocated.
            KeyError: If one of them is missing.
        """
        ...


class Form(Rebuildable, Protocol):
    """A predictor with scores, one of ``FORMS``. Its inputs are codes, fp32 (m, d), or images, uint8 (m, c, s, s)."""

    def __call__(self, x: Tensor, /) -> Tensor:
        """Predict the classes of inputs x: int64 (m,), on the CPU."""
        ...

    def logits(self, x: Tensor, /) -> Tensor:
        """Score every class: fp32 (m, classes), finite, on the CPU; their softmax are uncalibrated probabilities."""
        ...


def over_classes(logits: Tensor, present: Tensor, classes: int) -> Tensor:
    """Extend logits of the classes in the sample to all classes, of which the others get no chance.

    Logits are shifted so that the largest is 0, which changes no probability, and are at least -1,000.

    Args:
        logits: Logits of the present classes, (m, p), any real type.
        present: The present classes, int64 (p,).
        classes: Number of classes.

    Returns:
        fp32 (m, classes), finite.

    >>> over_classes(torch.tensor([[3.0, 5.0]]), torch.tensor([0, 2]), 3).tolist()
    [[-2.0, -10000.0, 0.0]]
    """
    every = torch.full((logits.shape[0], classes), _ABSENT)  # len() would be a constant in ONNX files
    every[:, present] = (logits - logits.amax(1, keepdim=True)).clamp_min(_LOWEST).float()
    return every
