"""Several encoders as one representation: their codes side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ssl_irmae._support.files import sha256
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.fused import FUSED
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder
from ssl_irmae.protocols.representations.representation import Encode, Representation
from ssl_irmae.protocols.storage.rows import Pretraining

_COURSE = {"steps", "batch_size", "learning_rate", "precision", "optimizer", "network"}


@dataclass(frozen=True)
class FusedEncoders:
    """Encoders whose codes stand side by side, for readouts that average the graphs of several encoders.

    Args:
        name: The name that contenders use for them.
        parts: The encoders.

    Raises:
        UserError: If their codes differ in width.
    """

    name: str
    parts: tuple[OpenedEncoder, ...]

    def __post_init__(self) -> None:
        widths = {part.name: part.architecture.latent_dim for part in self.parts}
        if len(set(widths.values())) > 1:
            listing = ", ".join(f"{name} {width}" for name, width in widths.items())
            raise UserError(
                f"the encoders of {self.name!r} have codes of different widths ({listing}), and their graphs are told "
                "apart by equal widths; pretrain all of them with the same `latent_dim`"
            )

    @property
    def hash(self) -> str:
        """SHA-256 of the parts' hashes, in their order."""
        return sha256("\n".join(part.hash for part in self.parts).encode())

    @property
    def pretrain_seed(self) -> int | None:
        """Seed of their pretraining; None unless all have the same."""
        seeds = {part.pretrain_seed for part in self.parts}
        return seeds.pop() if len(seeds) == 1 else None

    @property
    def pretraining(self) -> Pretraining:
        """Their methods, the course of the pretraining if all share it, and the worst that is noted of any."""
        ways = [part.pretraining for part in self.parts]
        courses = [way.model_dump(include=_COURSE) for way in ways]
        others = dict.fromkeys(way.other_data for way in ways if way.other_data is not None)
        return Pretraining(
            method="+".join(way.method for way in ways),
            **(courses[0] if all(course == courses[0] for course in courses) else {}),
            other_data=", ".join(others) if others else None,
            times_worse=max((way.times_worse for way in ways if way.times_worse is not None), default=None),
        )

    @property
    def network(self) -> None:
        """None: the hash says it."""

    @property
    def learns(self) -> bool:
        """False: they have learned already."""
        return False

    @property
    def quick(self) -> bool:
        """Whether any was pretrained for a few steps on the spot."""
        return any(part.quick for part in self.parts)

    def fit(self, train: Tensor, device: torch.device) -> Encode:
        """Return the function that encodes images with all parts: fp32 (n, sum of their widths)."""
        encode = [part.fit(train, device) for part in self.parts]

        def read(images: Tensor, reads: Reads) -> Tensor:
            return torch.cat([one(images, reads) for one in encode], 1)

        return read


def fuse(encoders: Mapping[str, Sequence[OpenedEncoder]]) -> dict[str, tuple[FusedEncoders, ...]]:
    """Return every representation of ``FUSED`` whose parts are among the encoders: one for each pretraining seed.

    Args:
        encoders: Encoders by the name that contenders use; several of one name differ in the seed of their pretraining.
    """
    return {
        name: tuple(FusedEncoders(name, each) for each in zip(*(encoders[part] for part in parts), strict=True))
        for name, parts in FUSED.items()
        if encoders.keys() >= set(parts)
    }


def parts_of(representation: Representation) -> tuple[Representation, ...]:
    """Return the encoders that a representation stands for; any other representation stands for itself."""
    return representation.parts if isinstance(representation, FusedEncoders) else (representation,)


def found_here(representation: Representation | None) -> Representation | None:
    """Return a representation with its encoders where this process finds them, which may be on another machine.

    Raises:
        UserError: If one is not found.
    """
    if isinstance(representation, FusedEncoders):
        return replace(representation, parts=tuple(part.found_here() for part in representation.parts))
    return representation.found_here() if isinstance(representation, OpenedEncoder) else representation
