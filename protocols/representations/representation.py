"""The interface of representations: what images become before a readout sees them."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.protocols.storage.rows import Pretraining

Encode = Callable[[Tensor, Reads], Tensor]
"""Maps uint8 images (n, c, s, s) to codes or features, fp32 (n, d), on the CPU."""


class Representation(Protocol):
    """A pretrained encoder, or a floor, which needs no pretraining."""

    @property
    def name(self) -> str:
        """The name that contenders use for it."""
        ...

    @property
    def hash(self) -> str | None:
        """SHA-256 of weights and architecture; None if there are none: it is then a function of the training images."""
        ...

    @property
    def pretrain_seed(self) -> int | None:
        """Seed of its pretraining; None if there was no pretraining or its seed is not recorded."""
        ...

    @property
    def pretraining(self) -> Pretraining | None:
        """How it was pretrained; None if it was not."""
        ...

    @property
    def network(self) -> str | None:
        """Name of its family of networks, if its hash does not say it and it is not the usual one; None otherwise."""
        ...

    @property
    def learns(self) -> bool:
        """Whether ``fit`` learns from the training images: codes then differ for other training images."""
        ...

    @property
    def quick(self) -> bool:
        """Whether it was pretrained for a few steps on the spot."""
        ...

    def fit(self, train: Tensor, device: torch.device, /) -> Encode:
        """Return the function that encodes images.

        Args:
            train: Training images, uint8 (n, c, s, s), which it may learn from without labels.
            device: Where networks run.
        """
        ...


def identity(representation: Representation) -> str:
    """Return what identifies a representation: apart from the images, its codes depend on nothing else."""
    if representation.hash is not None:
        return representation.hash
    return representation.name if representation.network is None else f"{representation.name} {representation.network}"
