"""The head of the public script on scaled codes: two hidden layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ssl_irmae.protocols.predictors.checks import check_tensors
from ssl_irmae.protocols.predictors.chunks import chunks_of
from ssl_irmae.protocols.predictors.form import Settings, Tensors
from ssl_irmae.protocols.readouts.scaling import Scaling

_CHUNK = 512
_LAYOUT = {
    "mean": (torch.float32, "d"),
    "rms": (torch.float32, ""),
    "first": (torch.float32, "width d"),
    "first_bias": (torch.float32, "width"),
    "second": (torch.float32, "width width"),
    "second_bias": (torch.float32, "width"),
    "last": (torch.float32, "classes width"),
}
_LAYERS = tuple(_LAYOUT)[2:]


@dataclass(frozen=True)
class Head:
    """Predict by two hidden layers with ReLU, and a linear layer without bias.

    Args:
        scaling: Scaling of the codes.
        parameters: Weights and biases, as ``head_logits`` takes them, of one head.
    """

    scaling: Scaling
    parameters: Sequence[Tensor]

    def __call__(self, x: Tensor) -> Tensor:
        """Predict the classes of codes x (m, d)."""
        return self.logits(x).argmax(1)

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """Score every class."""
        chunks = chunks_of(x, _CHUNK)
        return torch.cat([head_logits(self.scaling(chunk)[None], self.parameters)[0] for chunk in chunks])

    def tensors(self) -> dict[str, Tensor]:
        """Return scaling and layers."""
        layers = {name: w[0] for name, w in zip(_LAYERS, self.parameters, strict=True)}
        return {"mean": self.scaling.mean, "rms": self.scaling.rms, **layers}

    def settings(self) -> dict[str, int]:
        """Return the number of classes."""
        return {"classes": self.parameters[-1].shape[1]}

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, _device: torch.device) -> Self:
        """Rebuild the predictor."""
        check_tensors(tensors, _LAYOUT, settings, ["classes"])
        return cls(Scaling(tensors["mean"], tensors["rms"]), [tensors[name][None] for name in _LAYERS])


def head_logits(x: Tensor, parameters: Sequence[Tensor], factors: Tensor | None = None) -> Tensor:
    """Map scaled codes (heads, m, d) to logits (heads, m, classes).

    Args:
        x: Inputs of each head.
        parameters: Weights and biases of all heads.
        factors: Dropout factors of the hidden units, (2, heads, m, width); None leaves the units as they are.
    """
    first, first_bias, second, second_bias, last = parameters
    z = torch.baddbmm(first_bias[:, None], x, first.mT).relu()
    z = z if factors is None else z * factors[0]
    z = torch.baddbmm(second_bias[:, None], z, second.mT).relu()
    z = z if factors is None else z * factors[1]
    return torch.bmm(z, last.mT)
