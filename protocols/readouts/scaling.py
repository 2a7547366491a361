"""One scale for codes of every encoder."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor


@dataclass(frozen=True)
class Scaling:
    """Subtract a mean, divide by one number.

    Args:
        mean: Of each direction, shape (d,).
        rms: Root-mean-square of the centred directions, averaged over all of them: a scalar.
    """

    mean: Tensor
    rms: Tensor

    @classmethod
    def of(cls, z: Tensor) -> Self:
        """Measure codes z, shape (n, d)."""
        mean = z.mean(0)
        return cls(mean, (z - mean).square().mean().sqrt().clamp_min(1e-12))

    def __call__(self, z: Tensor) -> Tensor:
        """Scale codes (m, d)."""
        return (z - self.mean) / self.rms
