"""An encoder and a linear head on its scaled code, trained together."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from ssl_irmae._support.compute import Precision, autocast
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.predictors.checks import check_tensors, named_part, part_of
from ssl_irmae.protocols.predictors.chunks import in_chunks
from ssl_irmae.protocols.predictors.code_network import SIZES, CodeNetwork
from ssl_irmae.protocols.predictors.form import Settings, Tensors
from ssl_irmae.protocols.readouts.scaling import Scaling

_LAYOUT = {
    "mean": (torch.float32, "width"),
    "rms": (torch.float32, ""),
    "weight": (torch.float32, "classes width"),
    "bias": (torch.float32, "classes"),
}


@dataclass(frozen=True)
class Network:
    """Predict the classes of images.

    Predictions are computed in the precision of the training; logits always in fp32, so that a kept network gives the
    same on a processor without bf16 instructions.

    Args:
        code: Maps images to codes.
        scaling: Scaling of the codes.
        head: Linear layer from codes to classes.
        device: Where all these are.
        precision: Arithmetic of predictions.
    """

    code: CodeNetwork
    scaling: Scaling
    head: nn.Linear
    device: torch.device
    precision: Precision = "fp32"

    def __call__(self, images: Tensor) -> Tensor:
        """Predict the classes of images, uint8 (m, c, s, s)."""
        with autocast(self.device, self.precision):
            return in_chunks(lambda x: self.forward(x).argmax(1), images, self.device)

    def logits(self, images: Tensor) -> Tensor:
        """Score every class."""
        return in_chunks(self.forward, images, self.device)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (m, c, s, s) in [0, 1], on the device, to logits (m, classes), fp32."""
        logits: Tensor = self.head(self.scaling(self.code(x)))
        return logits.float()

    def tensors(self) -> dict[str, Tensor]:
        """Return all weights and the scaling, on the CPU."""
        own = {"mean": self.scaling.mean, "rms": self.scaling.rms, "weight": self.head.weight, "bias": self.head.bias}
        return {**named_part("code", self.code.tensors()), **{name: x.detach().cpu() for name, x in own.items()}}

    def settings(self) -> dict[str, int]:
        """Return the sizes of the networks."""
        return {**self.code.settings(), "classes": self.head.out_features}

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, device: torch.device, function: Pair | None = None) -> Self:
        """Rebuild the predictor; its encoder, if that is one's own, with the function that returns it."""
        own = {name: x for name, x in tensors.items() if not name.startswith("code.")}
        check_tensors(own, _LAYOUT, settings, [*SIZES, "classes"])
        code = CodeNetwork.rebuild(part_of(tensors, "code"), settings, device, function)
        head = nn.Linear(settings["width"], settings["classes"], device="meta")
        head.load_state_dict({name: own[name].to(device) for name in ("weight", "bias")}, assign=True)
        scaling = Scaling(own["mean"].to(device), own["rms"].to(device))
        return cls(code, scaling, head.requires_grad_(False), device)
