"""One scale for the codes of every encoder."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ssl_irmae.protocols.readouts.sample import Sample


@dataclass(frozen=True)
class Scaling:
    """Subtracts a mean and divides by one number.

    Args:
        mean: Mean of each direction, shape (d,).
        rms: Root-mean-square of the centred codes over all directions, a scalar.
    """

    mean: Tensor
    rms: Tensor

    @classmethod
    def of(cls, z: Tensor) -> Self:
        """Measure codes z, shape (n, d)."""
        mean = z.mean(0)
        return cls(mean, (z - mean).square().mean().sqrt().clamp_min(1e-12))

    @classmethod
    def none(cls, width: int, device: torch.device) -> Self:
        """Return the scaling that changes nothing."""
        return cls(torch.zeros(width, device=device), torch.ones((), device=device))

    @classmethod
    def of_sample(cls, sample: Sample) -> Self:
        """Measure a sample's unlabelled codes, once for all trials that share them."""
        return sample.memo.once("scaling", lambda: cls.of(sample.unlabelled))

    def __call__(self, z: Tensor) -> Tensor:
        """Scale codes (m, d)."""
        return (z - self.mean) / self.rms
