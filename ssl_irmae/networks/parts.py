"""What every encoder and every decoder can do, whatever it is made of."""

import torch
from torch import Tensor, nn


class ImageEncoder(nn.Module):
    """Map images (n, c, s, s) in [0, 1] to (n, outputs)."""

    @property
    def last(self) -> nn.Linear | nn.Conv2d:
        """The last affine layer, the one a linear stack folds into."""
        raise NotImplementedError

    @property
    def outputs(self) -> int:
        """Numbers per image."""
        return len(self.last.weight)

    @torch.no_grad()
    def absorb(self, W: Tensor) -> None:
        """Multiply a linear map into the last layer, in place.

        Args:
            W: fp64 on the CPU, shape (outputs, outputs).
        """
        for parameter in (self.last.weight, self.last.bias):
            assert parameter is not None
            rows = parameter.detach().cpu().double().reshape(len(parameter), -1)
            parameter.copy_((W @ rows).reshape(parameter.shape))

    def make_room(self) -> None:
        """Add what ``absorb`` would add, without numbers: nothing, if there is a last layer to multiply into."""


class ImageDecoder(nn.Module):
    """Map codes (n, d) to images (n, c, s, s).

    Args:
        output: Last activation.
    """

    output: nn.Module

    def forward(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, s, s)."""
        x: Tensor = self.output(self.before_output(z))
        return x

    def before_output(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to the input of the last activation (n, c, s, s), in fp32."""
        raise NotImplementedError
