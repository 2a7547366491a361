"""The interface of every bottleneck."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Bottleneck(nn.Module, ABC):
    """Turn the encoder's output h into the code z that the decoder sees."""

    @property
    def linear(self) -> bool:
        """Whether the code is a linear map of the features, ``product()``, which can be folded into the encoder."""
        return False

    @property
    def draws(self) -> bool:
        """Whether ``sample`` draws at random."""
        return False

    @property
    def least_images(self) -> int:
        """How many images a batch must have for ``sample`` to differ from passing features on."""
        return 1

    @abstractmethod
    def forward(self, h: Tensor) -> Tensor:
        """Map the encoder's output to the code, deterministically.

        Args:
            h: Encoder output, shape (n, width).

        Returns:
            The code, shape (n, d).
        """

    def sample(self, h: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return the code that is decoded in training, and the penalty that the bottleneck adds to the loss.

        A deterministic bottleneck without a penalty returns its code and zero.

        Args:
            h: Encoder output, shape (n, width).
            rng: Random generator of the noise, on the device of ``h``; None is torch's global one.

        Returns:
            The code, shape (n, d), and a scalar penalty.
        """
        return self(h), h.new_zeros((), dtype=torch.float32)

    def product(self) -> Tensor:
        """Return the matrix W with z = W h, shape (d, d), float64 on the CPU, if the bottleneck is linear."""
        raise NotImplementedError
