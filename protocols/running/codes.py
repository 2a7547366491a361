"""What contenders read of a task's images: the images themselves, or codes, each encoded once."""

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.folds import Fold, can_be_scored
from ssl_irmae.protocols.representations.representation import Representation, identity
from ssl_irmae.protocols.storage.cache import cached
from ssl_irmae.protocols.task import Task


@dataclass
class Encoding:
    """How much was encoded for frozen readouts in this process.

    Args:
        images: Number of images, counted once per representation.
        seconds: Wall-clock time that it took.
    """

    images: int = 0
    seconds: float = 0.0

    @property
    def images_per_second(self) -> float | None:
        """Images per second; None if nothing was encoded."""
        return self.images / self.seconds if self.images else None


class Codes:
    """Encode training and scored images once; codes that need a network or a fit are kept in the user's cache.

    Args:
        task: Training and scored images.
        device: Where images are encoded.
    """

    def __init__(self, task: Task, device: str) -> None:
        self.task = task
        self.device = device
        self.encoding = Encoding()
        self._encoded: dict[tuple[str, Reads], tuple[Tensor, Tensor]] = {}

    def of(self, representation: Representation, reads: Reads, fold: Fold | None = None) -> tuple[Tensor, Tensor]:
        """Return the codes of the images that are learned from, and of those that are scored.

        Args:
            representation: What encodes them.
            reads: ``"code"`` or ``"features"``.
            fold: The fold that is scored. A representation that learns from the training images learns from those
                outside the fold; of any other the codes of all images are divided.
        """
        if fold is None or not representation.learns:
            train, scored = self._of_all(representation, reads)
            return (train, scored) if fold is None else (train[fold.others(len(train))], train[fold.held_out])
        images = self.task.train.images
        return self._encode(representation, reads, images[fold.others(len(images))], images[fold.held_out], fold)

    def _of_all(self, representation: Representation, reads: Reads) -> tuple[Tensor, Tensor]:
        name = (identity(representation), reads)
        if name not in self._encoded:
            train, scored = self.task.train, self.task.scored
            if self.task.scored_on == "folds":  # the scored images are among those for training
                codes, _ = self._encode(representation, reads, train.images, train.images[:0])
                self._encoded[name] = (codes, codes[can_be_scored(train)])
            else:
                self._encoded[name] = self._encode(representation, reads, train.images, scored.images)
        return self._encoded[name]

    def _encode(
        self, representation: Representation, reads: Reads, train: Tensor, scored: Tensor, fold: Fold | None = None
    ) -> tuple[Tensor, Tensor]:
        def compute() -> dict[str, Tensor]:
            began = time.perf_counter()
            encode = representation.fit(train, torch.device(self.device))
            codes = {"train": encode(train, reads)}
            codes["scored"] = encode(scored, reads) if len(scored) else codes["train"][:0]
            if not all(code.isfinite().all() for code in codes.values()):
                raise UserError(
                    f"the {reads} of {representation.name} is not finite for some images: pretrain the encoder again"
                )
            self.encoding.seconds += time.perf_counter() - began
            self.encoding.images += len(train) + len(scored)
            return codes

        name = identity(representation)
        if name == "pixels":  # as fast to compute as to read from a file
            codes = compute()
        else:
            fingerprints = (self.task.train.fingerprint, self.task.scored.fingerprint)
            where = (self.task.scored_on,) if self.task.scored_on == "folds" else ()
            of_fold = () if fold is None else (fold.held_out.tobytes(),)
            codes = cached("codes", name, reads, *fingerprints, self.device, *where, *of_fold, compute=compute)
        return codes["train"], codes["scored"]
