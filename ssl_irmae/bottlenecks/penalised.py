"""Small codes: the features are the code, and its size is penalised."""

from typing import Literal

import torch
from torch import Tensor

from ssl_irmae.bottlenecks.base import Bottleneck

Norm = Literal["l1", "l2"]


class Penalised(Bottleneck):
    r"""Pass the features on as the code, and add a penalty of its size to the loss.

    .. math:: \text{penalty} = \lambda \cdot \text{mean} \lvert z \rvert \quad \text{or} \quad
              \lambda \cdot \text{mean} \, z^2 / 2

    The mean runs over images and directions. Nothing fixes the scale of a code: a decoder with larger weights makes up
    for a smaller one, so how much a penalty does depends on the length of the training too.

    Args:
        norm: ``"l1"``, which makes codes sparse, or ``"l2"``.
        strength: Weight lambda of the penalty.
    """

    def __init__(self, *, norm: Norm, strength: float) -> None:
        super().__init__()
        self.norm: Norm = norm
        self.strength = strength

    def forward(self, h: Tensor) -> Tensor:
        """Return the features (n, d) as the code."""
        return h.float()

    def sample(self, h: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return the codes (n, d) and the scalar penalty."""
        with torch.autocast(h.device.type, enabled=False):
            z = self(h)
            size = z.abs().mean() if self.norm == "l1" else z.square().mean() / 2
            return z, self.strength * size
