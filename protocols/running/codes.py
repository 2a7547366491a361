"""What contenders read of a task's images: the images themselves, or codes, each encoded once."""

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from ssl_irmae.datasets.image_set import are_rows
from ssl_irmae.datasets.large_arrays import take
from ssl_irmae.encoders.encoding import ENCODE_CHUNK, Reads
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.folds import Fold, can_be_scored
from ssl_irmae.protocols.representations.floors import Floor
from ssl_irmae.protocols.representations.fused import FusedEncoders
from ssl_irmae.protocols.representations.given_codes import LARGEST, GivenCodes
from ssl_irmae.protocols.representations.representation import Encode, Representation, identity
from ssl_irmae.protocols.running.kept import Kept
from ssl_irmae.protocols.running.partial_codes import PartialCodes
from ssl_irmae.protocols.storage.cache import cached, is_cached
from ssl_irmae.protocols.task import Task

_PAYS_TO_KEEP = 0.25  # share of the training images from which all are encoded, and kept for the next command


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

    Of several encoders side by side, each encodes for itself, so that its codes are shared with whoever reads it alone.

    Args:
        task: Training and scored images.
        device: Where images are encoded.
        kept: Where codes are kept, with what else trials share.
    """

    def __init__(self, task: Task, device: str, kept: Kept | None = None) -> None:
        self.task = task
        self.device = device
        self.encoding = Encoding()
        self._kept = Kept() if kept is None else kept
        self._expected: dict[tuple[str, Reads], Tensor] = {}
        self._begun: set[tuple[str, Reads]] = set()
        self._fitted: tuple[Representation, Tensor, Encode] | None = None

    def of(self, representation: Representation, reads: Reads, fold: Fold | None = None) -> tuple[Tensor, Tensor]:
        """Return the codes of the images that are learned from, and of those that are scored.

        Args:
            representation: What encodes them.
            reads: ``"code"`` or ``"features"``.
            fold: The fold that is scored. A representation that learns from the training images, as every floor does
                from rows, learns from those outside the fold; of any other the codes of all images are divided.
        """
        if fold is None:
            return self._of_train(representation, reads), self.of_scored(representation, reads)
        images = self.task.train.images
        others, held_out = fold.others(len(images)), torch.from_numpy(fold.held_out)
        scales = isinstance(representation, Floor) and are_rows(images)  # columns are standardised by what it is given
        if not representation.learns and not scales:
            codes = self._of_train(representation, reads)
            return codes[others], codes[held_out]
        learned_from, name = take(images, others), fold.held_out.tobytes()
        return (
            self._encode(representation, reads, learned_from, ("others", name), learned_from),
            self._encode(representation, reads, take(images, held_out), ("held out", name), learned_from),
        )

    def of_unlabelled(self, representation: Representation, reads: Reads, fold: Fold | None = None) -> Tensor:
        """Return the codes of the images that are learned from alone.

        Args:
            representation: What encodes them; one that does not learn.
            reads: ``"code"`` or ``"features"``.
            fold: The fold that is scored.
        """
        codes = self._of_train(representation, reads)
        return codes if fold is None else codes[fold.others(len(codes))]

    def of_scored(self, representation: Representation, reads: Reads) -> Tensor:
        """Return the codes of all scored images; a representation that learns does so from all training images."""
        train, scored = self.task.train, self.task.scored
        if self.task.scored_on == "folds":  # the scored images are among those for training
            return self._of_train(representation, reads)[can_be_scored(train)]
        if isinstance(representation, GivenCodes):
            codes = self.task.codes[representation.name].scored
            assert codes is not None  # only folds have none
            return torch.from_numpy(codes)

        def compute() -> Tensor:
            if isinstance(representation, FusedEncoders):
                return torch.cat([self.of_scored(part, reads) for part in representation.parts], 1)
            return self._encode(representation, reads, scored.images, (scored.fingerprint,), train.images)

        return self._kept.once((identity(representation), reads, "scored"), compute)

    def expect(self, representation: Representation, reads: Reads, positions: Tensor) -> None:
        """Note training images, int64 (m,), that ``of_labelled`` will be asked for: they are encoded together."""
        self._expected_of(representation, reads)[positions] = True

    def to_encode(self, representation: Representation, reads: Reads, positions: Tensor | None = None) -> int:
        """Count the images that reading some training images and all scored ones would encode now.

        Args:
            representation: What encodes them; not several encoders side by side.
            reads: ``"code"`` or ``"features"``.
            positions: Indices of the training images as ``of_labelled`` takes them, int64 (m,); None for all of them.
        """
        if _at_once(representation):
            return 0
        images, count = len(self.task.train), 0
        if not is_cached("codes", *self._name(representation, reads, ())):
            whole_chunks = images if positions is None else -(-len(positions) // ENCODE_CHUNK) * ENCODE_CHUNK
            count += whole_chunks if whole_chunks <= _PAYS_TO_KEEP * images else images
        scored = (self.task.scored.fingerprint,)
        if self.task.scored_on != "folds" and not is_cached("codes", *self._name(representation, reads, scored)):
            count += len(self.task.scored)
        return count

    def of_labelled(self, representation: Representation, reads: Reads, positions: Tensor) -> Tensor:
        """Return the codes of some training images; where these are few, no others are encoded.

        Args:
            representation: What encodes them; one that does not learn.
            reads: ``"code"`` or ``"features"``.
            positions: Indices of the images, int64 (m,).
        """
        images, name = self.task.train.images, (identity(representation), reads)
        some = (*name, "some")
        known = (*name, "train") in self._kept or is_cached("codes", *self._name(representation, reads, ()))
        # codes of some images are in no cache: where they had to be dropped, it pays to encode all
        if known or (name in self._begun and some not in self._kept):
            return self._of_train(representation, reads)[positions]
        partial = self._kept.once(some, lambda: PartialCodes(self._expected_of(representation, reads)))
        if partial.share(positions) > _PAYS_TO_KEEP:
            return self._of_train(representation, reads)[positions]
        codes = partial.at(positions, lambda missing: self._compute(representation, reads, images[missing], images))
        self._begun.add(name)
        self._kept.measure(some)
        return codes

    def _expected_of(self, representation: Representation, reads: Reads) -> Tensor:
        name = (identity(representation), reads)
        if name not in self._expected:
            self._expected[name] = torch.zeros(len(self.task.train), dtype=torch.bool)
        return self._expected[name]

    def _of_train(self, representation: Representation, reads: Reads) -> Tensor:
        if isinstance(representation, GivenCodes):
            return torch.from_numpy(self.task.codes[representation.name].train)
        images = self.task.train.images

        def compute() -> Tensor:
            if isinstance(representation, FusedEncoders):
                return torch.cat([self._of_train(part, reads) for part in representation.parts], 1)
            return self._encode(representation, reads, images, (), images)

        return self._kept.once((identity(representation), reads, "train"), compute)

    def _name(
        self, representation: Representation, reads: Reads, part: tuple[str | bytes, ...]
    ) -> tuple[str | bytes, ...]:
        """Return what identifies codes in the cache; ``part`` tells images from the training set as a whole."""
        return (identity(representation), reads, self.task.train.fingerprint, *part, self.device)

    def _encode(
        self, representation: Representation, reads: Reads, images: Tensor, part: tuple[str | bytes, ...], train: Tensor
    ) -> Tensor:
        """Return codes of images from the cache, or compute them with what ``train`` teaches the representation."""

        def compute() -> dict[str, Tensor]:
            return {"codes": self._compute(representation, reads, images, train)}

        if _at_once(representation):
            return compute()["codes"]
        return cached("codes", *self._name(representation, reads, part), compute=compute)["codes"]

    def _compute(self, representation: Representation, reads: Reads, images: Tensor, train: Tensor) -> Tensor:
        began = time.perf_counter()
        if self._fitted is None or self._fitted[0] is not representation or self._fitted[1] is not train:
            self._fitted = (representation, train, representation.fit(train, torch.device(self.device)))
        codes = self._fitted[2](images, reads)
        if not (codes.abs() < LARGEST).all():  # nor is it where one is not a number
            raise UserError(
                f"the {reads} of {representation.name} is not finite, or above {LARGEST:.0e}, for some images: "
                "pretrain the encoder again"
            )
        self.encoding.seconds += time.perf_counter() - began
        self.encoding.images += len(images)
        return codes


def _at_once(representation: Representation) -> bool:
    """Return whether codes are there already, or as fast to compute as to read from a file."""
    return representation.name == "pixels" or isinstance(representation, GivenCodes)
