"""Reconstruct, interpolate, sample and walk with an encoder and its decoder."""

import copy
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.compute import find_device
from ssl_irmae._support.files import write_atomically
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae._support.seeding import generator
from ssl_irmae.datasets.image_set import ImageSet, Split, as_float, require_pictures
from ssl_irmae.datasets.reading import count
from ssl_irmae.datasets.registry import Dataset, load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import NoTestSplitError, UserError, unknown_name
from ssl_irmae.generation.grid import grid, side_by_side
from ssl_irmae.generation.samplers import MIXTURE_PARTS, SAMPLERS, Principal
from ssl_irmae.generation.ways import along, between
from ssl_irmae.networks.own import Pair

FITTED_TO = 10_000
"""Training images, spread over the set, to whose codes distributions are fitted."""

_CHUNK = 128  # codes that are decoded at once
_COLUMNS = 10  # of a grid of samples


@dataclass(frozen=True, repr=False)
class Generated:
    """Pictures that a decoder made.

    Args:
        kind: What was done: ``"reconstruct"``, ``"interpolate"``, ``"sample"`` or ``"walk"``.
        description: What rows and columns of the grid are, in a sentence.
        pictures: In [0, 1], shape (rows, columns, c, s, s).
        codes: What was decoded, shape (n, d).
        images: The images that it began with, uint8 (n, c, s, s); None where there were none.
        positions: Which images of their split these are, int64 (n,).
    """

    kind: str
    description: str
    pictures: Tensor
    codes: Tensor
    images: Tensor | None = None
    positions: Tensor | None = None

    def png(self) -> bytes:
        """Draw the pictures as a grid."""
        return grid(self.pictures)

    def save(self, folder: str | Path) -> Path:
        """Write ``KIND.png`` and ``KIND.npz`` (pictures, codes and, where there are any, images and positions).

        Returns:
            The picture.

        Raises:
            UserError: If the folder is a file.
        """
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise UserError(f"`out`: {folder} is a file: name a folder")
        arrays = {"pictures": self.pictures, "codes": self.codes, "images": self.images, "positions": self.positions}
        buffer = io.BytesIO()
        given: dict[str, Any] = {name: x.numpy() for name, x in arrays.items() if x is not None}
        np.savez_compressed(buffer, **given)
        picture = self.png()  # before anything is written
        write_atomically(folder / f"{self.kind}.npz", buffer.getvalue())
        write_atomically(folder / f"{self.kind}.png", picture)
        return folder / f"{self.kind}.png"

    def __repr__(self) -> str:
        return self.description


class PictureMaker:
    """An encoder with its decoder, and the images of a data set at the size that it reads.

    Args:
        encoder: Folder of an encoder, or name of a bundled one.
        dataset: A name, a path or arrays, as in ``load_images``; the images that it was pretrained on, for samples to
            be like those of its pretraining.
        network: The function that returns its networks, if they are one's own.
        device: ``"auto"`` or a device that torch knows.
        data_dir: Folder of the data.
        strict: Whether to refuse images of which anything was left out or changed.
        progress: Called with what ``load_images`` reports.

    Raises:
        UserError: If there is no such encoder, it encodes rows of numbers, or the images cannot be used.

    >>> maker = PictureMaker("mnist-irmae", "digits")
    >>> maker.interpolate(pairs=2, steps=5).pictures.shape
    torch.Size([2, 5, 1, 32, 32])
    """

    def __init__(
        self,
        encoder: str | Path,
        dataset: Dataset = "mnist",
        *,
        network: Pair | None = None,
        device: str = "auto",
        data_dir: str | Path | None = None,
        strict: bool = False,
        progress: Listener = silent,
    ) -> None:
        self.encoder = _open(encoder, network, device)
        size = self.encoder.config.architecture.image_size

        def load(split: Split) -> ImageSet:
            return load_images(dataset, split, data_dir=data_dir, image_size=size, strict=strict, progress=progress)

        self.train = load("train")
        require_pictures(self.train)
        try:
            self.test = load("test")
        except NoTestSplitError:
            self.test = self.train

    @classmethod
    def several(
        cls,
        encoders: Sequence[str | Path],
        dataset: Dataset = "mnist",
        *,
        network: Pair | None = None,
        device: str = "auto",
        data_dir: str | Path | None = None,
        strict: bool = False,
        progress: Listener = silent,
    ) -> dict[str, Self]:
        """Open several encoders of one data set, by the names of their folders; images are loaded once for each size.

        With equal arguments all of them reconstruct, and interpolate between, the same images.

        Args:
            encoders: Folders of encoders, or names of bundled ones.
            dataset: As for one.
            network: Likewise.
            device: Likewise.
            data_dir: Likewise.
            strict: Likewise.
            progress: Likewise; and with a ``Message`` for an encoder of another data set, by the name on its card.

        Raises:
            UserError: As for one, or if two have the same name.
        """
        names = [Path(encoder).resolve().name for encoder in encoders]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise UserError(f"`encoder`: two have the name {twice}: rename a folder")
        if not names:
            raise UserError("`encoder`: none is named: name at least one")
        opened = [_open(encoder, network, device) for encoder in encoders]  # mistakes come before images are loaded
        of_size: dict[int, Self] = {}
        makers: dict[str, Self] = {}
        for name, encoder in zip(names, opened, strict=True):
            size = encoder.config.architecture.image_size
            if size not in of_size:
                of_size[size] = cls(
                    encoders[len(makers)],
                    dataset,
                    network=network,
                    device=device,
                    data_dir=data_dir,
                    strict=strict,
                    progress=silent if of_size else progress,  # what is read is said once
                )
            makers[name] = copy.copy(of_size[size])
            makers[name].encoder = encoder
            before, now = encoder.config.card.get("dataset"), makers[name].train.name
            if before not in (None, now):
                progress(Message(f"{name} was pretrained on {before}: what it makes of {now} may look like neither"))
        return makers

    @property
    def method(self) -> str:
        """Name of the encoder's method."""
        return self.encoder.config.architecture.method

    def training_codes(self) -> Tensor:
        """Encode training images, spread over the set: 10,000, or all of fewer; fp32 (n, d)."""
        images = self.train.images[:: -(-len(self.train) // FITTED_TO)]
        if len(images) < 2:
            raise UserError(f"{self.train.name} has one image: a distribution of codes needs at least two")
        return self.encoder.encode(images)

    def decode(self, codes: Tensor) -> Tensor:
        """Decode any number of codes (n, d) to pictures in [0, 1], fp32 (n, c, s, s), on the CPU."""
        return torch.cat([self.encoder.decode(chunk).clamp(0, 1) for chunk in torch.split(codes, _CHUNK)])

    def reconstruct(self, n: int = 10, *, seed: int = 0) -> Generated:
        """Reconstruct images: the first row is the images, the second what their codes are decoded to.

        Args:
            n: How many.
            seed: Seed of which: test images, or training images where there is no test split.

        Raises:
            UserError: If there are not so many images.
        """
        positions, images, codes = self._draw(n, "n", seed, "reconstruct")
        pictures = torch.stack([as_float(images), self.decode(codes)])
        return Generated(
            "reconstruct",
            f"{count(n, 'image')} of {self.test.name}, above their reconstructions by {self.method}",
            pictures,
            codes,
            images,
            positions,
        )

    def interpolate(self, pairs: int = 6, *, steps: int = 10, seed: int = 0) -> Generated:
        """Decode codes on the straight line between those of two images, one pair per row.

        Args:
            pairs: How many pairs of images.
            steps: Pictures on each line, the reconstructions of both images among them, at least 2.
            seed: Seed of which images.

        Raises:
            UserError: If there are not so many images, or too few steps.
        """
        _at_least("steps", steps, 2)
        positions, images, codes = self._draw(2 * pairs, "n", seed, "interpolate", unit=2)
        line = between(codes[:pairs], codes[pairs:], steps)
        return Generated(
            "interpolate",
            f"{count(pairs, 'pair')} of images of {self.test.name}, and what {self.method} decodes from the line "
            "between their codes",
            self.decode(line.flatten(0, 1)).unflatten(0, (pairs, steps)),
            line.flatten(0, 1),
            images,
            positions,
        )

    def sample(self, n: int = 60, *, sampler: str = "gaussian", seed: int = 0) -> Generated:
        """Decode codes drawn at random.

        Args:
            n: How many.
            sampler: What they are drawn from: ``"gaussian"`` or ``"mixture"``, fitted to codes of training images, or
                ``"prior"``, the standard Gaussian (VAE).
            seed: Seed of the fit and of what is drawn.

        Raises:
            UserError: If there is no such sampler, or not for this method.
        """
        _at_least("n", n, 1)
        if sampler not in SAMPLERS:
            raise unknown_name("sampler", sampler, SAMPLERS)
        draw = SAMPLERS[sampler](self.training_codes(), method=self.method, seed=seed)
        codes = draw(n, generator("cpu", seed, "sample", sampler))
        pictures = self.decode(codes)
        columns = min(n, _COLUMNS)
        empty = pictures.new_ones(-n % columns, *pictures.shape[1:])  # at the end of the last row
        what = {
            "gaussian": f"a Gaussian fitted to its codes of {self.train.name}",
            "mixture": f"a mixture of {MIXTURE_PARTS} Gaussians fitted to its codes of {self.train.name}",
            "prior": "its prior, the standard Gaussian",
        }[sampler]
        return Generated(
            "sample" if sampler == "gaussian" else f"sample-{sampler}",
            f"{count(n, 'picture')} that {self.method} decodes from codes drawn from {what}",
            torch.cat([pictures, empty]).unflatten(0, (-1, columns)),
            codes,
        )

    def walk(self, components: int = 8, *, steps: int = 9, reach: float = 2.0) -> Generated:
        """Decode codes along the principal components of the code covariance, through the mean code, one per row.

        Args:
            components: How many components, from the one of the largest variance on.
            steps: Pictures along each, at least 2.
            reach: How far to go to either side, in standard deviations along the component.

        Raises:
            UserError: If an argument is out of range.
        """
        _at_least("n", components, 1)
        _at_least("steps", steps, 2)
        if not 0 < reach < float("inf"):
            raise UserError(f"`reach` must be positive, got {reach:g}: the usual one is 2 standard deviations")
        codes = along(Principal.of(self.training_codes()), components, steps, reach)
        return Generated(
            "walk",
            f"{count(len(codes), 'principal component')} of the codes of {self.train.name}, from -{reach:g} to "
            f"{reach:g} standard deviations, decoded by {self.method}",
            self.decode(codes.flatten(0, 1)).unflatten(0, codes.shape[:2]),
            codes.flatten(0, 1),
        )

    def _draw(self, n: int, argument: str, seed: int, purpose: str, unit: int = 1) -> tuple[Tensor, Tensor, Tensor]:
        """Draw images: their positions, the images at the size of the encoder, uint8, and their codes."""
        _at_least(argument, n // unit, 1)
        if n > len(self.test):
            raise UserError(f"`{argument}` {n // unit}: {self.test.name} has {count(len(self.test), 'image')}")
        positions = torch.randperm(len(self.test), generator=generator("cpu", seed, purpose))[:n]
        images = self.encoder.fit_images(self.test.images[positions])
        return positions, images, self.encoder.encode(images)


def save_all(made: Mapping[str, Generated], folder: str | Path) -> Path:
    """Write what several encoders made of the same: each into a folder of its name, and all side by side.

    Args:
        made: Pictures of one kind by the name of their encoder.
        folder: Where ``KIND.png`` and these folders are written.

    Returns:
        The picture of all.

    Raises:
        UserError: If the folder, or one of these, is a file.
    """
    folder, kind = Path(folder), next(iter(made.values())).kind
    for file in (folder, *(folder / name for name in made)):
        if file.exists() and not file.is_dir():
            raise UserError(f"`out`: {file} is a file: name a folder")
    sheet = side_by_side({name: each.png() for name, each in made.items()})  # before anything is written
    for name, each in made.items():
        each.save(folder / name)
    write_atomically(folder / f"{kind}.png", sheet)
    return folder / f"{kind}.png"


def _open(encoder: str | Path, network: Pair | None, device: str) -> Encoder:
    opened = Encoder.from_pretrained(encoder, network=network).to(find_device(device))
    if opened.config.columns is not None:
        raise UserError(f"`encoder`: {encoder} encodes rows of numbers, and only pictures are generated")
    return opened


def _at_least(argument: str, value: int, least: int) -> None:
    if value < least:
        raise UserError(f"`{argument}` must be at least {least}, got {value}")
