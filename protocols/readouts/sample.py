"""What a readout is given, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from ssl_irmae._support.compute import Precision

Predictor = Callable[[Tensor], Tensor]
"""Maps inputs, shape (m, ...), to class indices, int64 of shape (m,) on the CPU."""

T = TypeVar("T")


class Memo:
    """What many trials share: functions of the unlabelled inputs alone, such as a graph over them, computed once.

    Nothing that depends on a label may be kept here but for trials with these very labels, or one trial's labels would
    reach another.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def once(self, name: str, compute: Callable[[], T]) -> T:
        """Return what was kept under a name, computing it the first time."""
        if name not in self._kept:
            self._kept[name] = compute()
        value: T = self._kept[name]
        return value


@dataclass(frozen=True)
class Sample:
    """All that a readout may learn from.

    Args:
        inputs: Of the labelled examples: codes, fp32 (m, d), or images, uint8 (m, c, s, s).
        labels: Their classes, int64, shape (m,).
        unlabelled: Inputs of every training example, shape (n, ...), without labels; for a transductive readout the
            scored ones follow.
        positions: Where the labelled examples stand in ``unlabelled``, int64, shape (m,).
        classes: Number of classes.
        seed: Of every random choice the readout makes.
        device: Where to train networks.
        precision: Arithmetic of networks.
        memo: Shared by all trials with these unlabelled inputs.
    """

    inputs: Tensor
    labels: Tensor
    unlabelled: Tensor
    positions: Tensor
    classes: int
    seed: int
    device: torch.device
    precision: Precision
    memo: Memo = field(default_factory=Memo)

    def unlabelled_on_device(self) -> Tensor:
        """Bring the unlabelled inputs to the device, once for all trials: a step must not wait for the CPU."""
        return self.memo.once(f"unlabelled on {self.device}", lambda: self.unlabelled.to(self.device))
