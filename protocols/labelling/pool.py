"""All pictures of a person, with what many fits on them share: codes and graphs."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from ssl_irmae._support.compute import find_precision
from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.large_arrays import take
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.duplicates import digests
from ssl_irmae.protocols.predictors.form import Form
from ssl_irmae.protocols.predictors.registry import is_kept_form
from ssl_irmae.protocols.readouts.sample import Memo, Sample
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.representations.given_codes import LARGEST
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder
from ssl_irmae.protocols.representations.representation import Representation
from ssl_irmae.protocols.storage.cache import cached

Labelled = tuple[Tensor, Tensor]
"""Positions of labelled pictures and their classes, int64 (m,) each."""


class Pool:
    """Fit contenders on any part of the labels; all pictures are the unlabelled pool of every fit.

    Args:
        images: The pictures, at the size and with the channels that the encoders read; a label of -1 is none.
        encoders: Pretrained encoders, or other representations that are no floors, by the names that contenders use.
        device: Where images are encoded and networks are trained.
    """

    def __init__(self, images: ImageSet, encoders: Mapping[str, Representation], device: torch.device) -> None:
        self.images = images
        self.encoders = encoders
        self.device = device
        self._codes: dict[tuple[str, Reads], Tensor] = {}
        self._memos: dict[tuple[str | None, str], Memo] = {}

    @property
    def labelled(self) -> Labelled:
        """All labels there are."""
        assert self.images.labels is not None  # who learns from a pool has checked it
        return self.images.labelled, self.images.labels[self.images.labelled]

    @cached_property
    def originals(self) -> Tensor:
        """For each labelled picture, which of them is the first that equals it, by every pixel: int64 (m,)."""
        first: dict[bytes, int] = {}
        found = digests(take(self.images.images, self.images.labelled))
        return torch.tensor([first.setdefault(digest, i) for i, digest in enumerate(found)])

    def representation(self, contender: Contender) -> Representation | None:
        """Return what a contender reads or starts from; None for learning from scratch."""
        name = contender.representation
        return None if name is None else self.encoders.get(name) or FLOORS[name]

    def inputs(self, contender: Contender) -> Tensor:
        """Return what a contender is given of each picture: codes, fp32 (n, d), or images, uint8 (n, c, s, s)."""
        if contender.reads == "images":
            return self.images.images
        representation = self.representation(contender)
        assert representation is not None  # only images can be read without one
        return self.codes(representation, contender.reads)

    def codes(self, representation: Representation, reads: Reads = "code") -> Tensor:
        """Encode all pictures, once.

        Raises:
            UserError: If a code is not finite.
        """
        images, device = self.images.images, self.device

        def compute() -> dict[str, Tensor]:
            codes = representation.fit(images, device)(images, reads)
            if not (codes.abs() < LARGEST).all():  # nor is it where one is not a number
                raise UserError(
                    f"the {reads} of {representation.name} is not finite, or above {LARGEST:.0e}, for some pictures: "
                    "pretrain the encoder again"
                )
            return {"codes": codes}

        key = (representation.hash or representation.name, reads)
        if key not in self._codes:
            parts = ("own", *key, self.images.pixel_fingerprint, str(device))
            found = compute() if representation.hash is None else cached("codes", *parts, compute=compute)
            self._codes[key] = found["codes"]
        return self._codes[key]

    def fit(self, contender: Contender, parts: Sequence[Labelled], *, seed: int) -> list[Form]:
        """Fit a contender on several sets of labels; no predictor depends on the labels of another.

        Args:
            contender: What is fitted.
            parts: The labels of each fit.
            seed: Seed of every random choice.

        Raises:
            UserError: If the contender's predictors have no scores.
        """
        inputs = self.inputs(contender)
        memo = self._memos.setdefault((contender.representation, contender.reads), Memo())
        samples = [
            Sample(
                inputs=inputs[positions],
                labels=labels,
                unlabelled=inputs,
                positions=positions,
                classes=len(self.images.classes),
                seed=derive_seed("learner", seed),
                device=self.device,
                precision=find_precision("auto", self.device),
                memo=memo,
            )
            for positions, labels in parts
        ]
        start = None
        representation = self.representation(contender)
        if contender.reads == "images" and isinstance(representation, OpenedEncoder):
            start = memo.once("autoencoder", lambda: representation.load().autoencoder)
        fitted = [predictor for predictor in contender.fit_all(samples, start) if is_kept_form(predictor)]
        if len(fitted) < len(parts):
            raise UserError(
                f"`contender`: the predictions of {contender.readout} have no confidence: choose another contender"
            )
        return fitted
