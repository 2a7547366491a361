"""What a readout is given, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from ssl_irmae._support.compute import Precision
from ssl_irmae.networks.registry import CONV, Networks

Predictor = Callable[[Tensor], Tensor]
"""Maps inputs, shape (m, ...), to class indices, int64 of shape (m,) on the CPU."""

T = TypeVar("T")


class Memo:
    """Remembers what many trials share: functions of the unlabelled inputs alone, such as a graph over them.

    Nothing that depends on a label may be stored here, except for trials with exactly these labels; otherwise the
    labels of one trial would leak into another.

    Args:
        grown: Called when something new is remembered.
    """

    def __init__(self, grown: Callable[[], None] = lambda: None) -> None:
        self._values: dict[str, Any] = {}
        self._grown = grown

    def once(self, name: str, compute: Callable[[], T]) -> T:
        """Return the value stored under a name, computing it the first time."""
        if name not in self._values:
            self._values[name] = compute()
            self._grown()
        value: T = self._values[name]
        return value


@dataclass(frozen=True)
class Sample:
    """Everything a readout may learn from.

    Args:
        inputs: Inputs of the labelled examples: codes, fp32 (m, d), or images, uint8 (m, c, s, s).
        labels: Their classes, int64 (m,).
        unlabelled: Inputs of all training examples, shape (n, ...), without labels; for a transductive readout the
            inputs that will be scored follow them. A readout that reads no unlabelled codes may be given the labelled
            ones alone.
        positions: Indices of the labelled examples in ``unlabelled``, int64 (m,).
        classes: Number of classes.
        seed: Seed of every random choice the readout makes.
        device: Where networks are trained.
        precision: Arithmetic of the networks.
        scored: Number of inputs at the end of ``unlabelled`` that will be scored; 0 unless the readout is transductive.
        memo: Shared by all trials with the same unlabelled inputs.
        networks: The family of what is trained from scratch.
    """

    inputs: Tensor
    labels: Tensor
    unlabelled: Tensor
    positions: Tensor
    classes: int
    seed: int
    device: torch.device
    precision: Precision
    scored: int = 0
    memo: Memo = field(default_factory=Memo)
    networks: Networks = CONV

    def unlabelled_on_device(self) -> Tensor:
        """Copy the unlabelled inputs to the device, once for all trials: a training step must not wait for the CPU."""
        return self.memo.once(f"unlabelled on {self.device}", lambda: self.unlabelled.to(self.device))
