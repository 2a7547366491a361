"""One scale for the codes of every encoder."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ssl_irmae.encoders.code_scale import measure_scale
from ssl_irmae.protocols.readouts.sample import Memo, Sample

_SCALING = "scaling"


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
        return cls(*measure_scale(z))

    @classmethod
    def none(cls, width: int, device: torch.device) -> Self:
        """Return the scaling that changes nothing."""
        return cls(torch.zeros(width, device=device), torch.ones((), device=device))

    @classmethod
    def of_sample(cls, sample: Sample) -> Self:
        """Measure a sample's unlabelled codes, once for all trials that share them."""
        return sample.memo.once(_SCALING, lambda: cls.of(sample.unlabelled))

    def remember(self, memo: Memo) -> None:
        """Give this scaling to all samples that share a memo, instead of measuring their unlabelled codes."""
        memo.once(_SCALING, lambda: self)

    def __call__(self, z: Tensor) -> Tensor:
        """Scale codes (m, d)."""
        return (z - self.mean) / self.rms
