"""One scale for codes of every encoder."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from ssl_irmae.protocols.readouts.sample import Sample


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

    @classmethod
    def of_sample(cls, sample: Sample) -> Self:
        """Measure a sample's unlabelled codes: once for all trials that share them."""
        return sample.memo.once("scaling", lambda: cls.of(sample.unlabelled))

    def __call__(self, z: Tensor) -> Tensor:
        """Scale codes (m, d)."""
        return (z - self.mean) / self.rms
