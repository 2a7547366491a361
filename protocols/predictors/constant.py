"""Always the same class, which is all that labels of a single class can teach."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ssl_irmae.protocols.predictors.checks import check_classes, check_tensors
from ssl_irmae.protocols.predictors.form import Settings, Tensors, over_classes


@dataclass(frozen=True)
class Constant:
    """Predict one class, whatever the input.

    Args:
        label: The class, int64 (1,).
        classes: Number of classes.
    """

    label: Tensor
    classes: int

    def __call__(self, x: Tensor) -> Tensor:
        """Return the class for each of x (m, ...)."""
        return self.label.repeat(len(x))

    def logits(self, x: Tensor) -> Tensor:
        """Give all other classes no chance."""
        return over_classes(torch.zeros(x.shape[0], 1), self.label, self.classes)

    def tensors(self) -> dict[str, Tensor]:
        """Return the class."""
        return {"label": self.label}

    def settings(self) -> dict[str, int]:
        """Return the number of classes."""
        return {"classes": self.classes}

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, _device: torch.device) -> Self:
        """Rebuild the predictor."""
        check_tensors(tensors, {"label": (torch.int64, "labels")}, settings, ["classes"])
        check_classes(tensors["label"], settings["classes"])
        if len(tensors["label"]) != 1:
            raise ValueError("a constant predictor has one label")
        return cls(tensors["label"], settings["classes"])
