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
from ssl_irmae._support.files import check_folder, write_atomically
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae._support.seeding import generator
from ssl_irmae.datasets.image_set import ImageSet, Split, as_float, require_pictures
from ssl_irmae.datasets.large_arrays import take
from ssl_irmae.datasets.reading import count
from ssl_irmae.datasets.registry import Dataset, load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import NoTestSplitError, UserError, unknown_name
from ssl_irmae.generation.grid import check_grid, grid, side_by_side
from ssl_irmae.generation.samplers import SAMPLERS, Principal
from ssl_irmae.generation.ways import along, between
from ssl_irmae.networks.own import Pair

FITTED_TO = 10_000
"""Training images, drawn at random, to whose codes distributions are fitted."""

_CHUNK = 128  # codes that are decoded at once
_COLUMNS = 10  # of a grid of samples
_COMPONENTS = 8  # of a walk, where there are so many


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
            UserError: If the folder is a file, or nothing can be written there.
        """
        folder = Path(folder)
        check_folder(folder)
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
        size = self._side

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
                progress(Message(f"{name} was pretrained on {before}: pictures of {now} may come out wrong"))
        return makers

    @property
    def method(self) -> str:
        """Name of the encoder's method."""
        return self.encoder.config.architecture.method

    @property
    def _side(self) -> int:
        return self.encoder.config.architecture.image_size

    def training_codes(self) -> Tensor:
        """Encode 10,000 training images, the same ones each time, or all of fewer; fp32 (n, d).

        They are drawn at random: every k-th could be of one class, where classes take turns.
        """
        n = len(self.train)
        if n < 2:
            raise UserError(f"{self.train.name} has one image: a distribution of codes needs at least two")
        drawn = torch.randperm(n, generator=generator("cpu", "training codes"))[:FITTED_TO].sort().values
        return self.encoder.encode(take(self.train.images, drawn))

    def decode(self, codes: Tensor) -> Tensor:
        """Decode any number of codes (n, d) to pictures in [0, 1], fp32 (n, c, s, s), on the CPU."""
        return torch.cat([self.encoder.decode(chunk).clamp(0, 1) for chunk in torch.split(codes, _CHUNK)])

    def reconstruct(self, n: int = 10, *, seed: int = 0) -> Generated:
        """Reconstruct images: the first row is the images, the second what their codes are decoded to.

        Args:
            n: How many.
            seed: Seed of which: test images, or training images where there is no test split.

        Raises:
            UserError: If there are not so many images, or they make too large a grid.
        """
        _at_least("n", n, 1)
        check_grid(2, n, self._side, f"`n` {n}")
        if n > len(self.test):
            raise UserError(f"`n` {n}: {self.test.name} has {count(len(self.test), 'image')}: use no more")
        positions, images, codes = self._draw(n, seed, "reconstruct")
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
            UserError: If there are not so many images, too few steps, or they make too large a grid.
        """
        _at_least("n", pairs, 1)
        _at_least("steps", steps, 2)
        check_grid(pairs, steps, self._side, f"`n` {pairs} and `steps` {steps}")
        if 2 * pairs > len(self.test):
            most = len(self.test) // 2
            remedy = f"use {most} or fewer" if most else "give it more"
            raise UserError(
                f"`n` {pairs}: {count(pairs, 'pair')} take {count(2 * pairs, 'image')}, and {self.test.name} has "
                f"{len(self.test):,}: {remedy}"
            )
        positions, images, codes = self._draw(2 * pairs, seed, "interpolate")
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

    def sample(
        self, n: int = 60, *, sampler: str = "gaussian", seed: int = 0, progress: Listener = silent
    ) -> Generated:
        """Decode codes drawn at random.

        Args:
            n: How many.
            sampler: What they are drawn from: ``"gaussian"`` or ``"mixture"``, fitted to codes of training images (of a
                VAE to the means, without the noise that its decoder sees in training), or ``"prior"``, the standard
                Gaussian, to which VAE and SIGReg draw codes.
            seed: Seed of the fit and of what is drawn.
            progress: Called with a ``Message`` before a mixture is fitted, which takes a while.

        Raises:
            UserError: If there is no such sampler, or not for this method, or there are too many for a grid.
        """
        _at_least("n", n, 1)
        if sampler not in SAMPLERS:
            raise unknown_name("sampler", sampler, SAMPLERS)
        columns = min(n, _COLUMNS)
        check_grid(-(-n // columns), columns, self._side, f"`n` {n}")
        trained = self.training_codes()
        if sampler == "mixture":
            progress(
                Message(f"fitting a mixture of Gaussians to {self.method}'s codes of {count(len(trained), 'image')}")
            )
        draw = SAMPLERS[sampler](trained, method=self.method, seed=seed)
        codes = draw(n, generator("cpu", seed, "sample", sampler))
        pictures = self.decode(codes)
        empty = pictures.new_ones(-n % columns, *pictures.shape[1:])  # at the end of the last row
        what = draw.description.format(codes=f"its codes of {self.train.name}")
        return Generated(
            "sample" if sampler == "gaussian" else f"sample-{sampler}",
            f"{count(n, 'picture')} that {self.method} decodes from codes drawn from {what}",
            torch.cat([pictures, empty]).unflatten(0, (-1, columns)),
            codes,
        )

    def walk(self, components: int | None = None, *, steps: int = 9, reach: float = 2.0) -> Generated:
        """Decode codes along the principal components of the code covariance, through the mean code, one per row.

        Args:
            components: How many components, from the one of the largest variance on; eight unless given, or all there
                are.
            steps: Pictures along each, at least 2.
            reach: How far to go to either side, in standard deviations along the component.

        Raises:
            UserError: If an argument is out of range: if there are fewer components, they make too large a grid, or the
                decoder makes no picture of what lies so far out.
        """
        if components is not None:
            _at_least("n", components, 1)
        _at_least("steps", steps, 2)
        if not 0 < reach < float("inf"):
            raise UserError(
                f"`reach` must be positive and finite, got {reach:g}: the usual one is 2 standard deviations"
            )
        given = f"`steps` {steps}" if components is None else f"`n` {components} and `steps` {steps}"
        check_grid(components or _COMPONENTS, steps, self._side, given)
        principal = Principal.of(self.training_codes())
        most = len(principal.deviations)
        if components is not None and components > most:
            raise UserError(
                f"`n` {components}: {self.method}'s codes of {self.train.name} vary along {count(most, 'component')} "
                f"alone: use {most} or fewer"
            )
        codes = along(principal, components or min(_COMPONENTS, most), steps, reach)
        pictures = self.decode(codes.flatten(0, 1))
        if not pictures.isfinite().all():
            raise UserError(
                f"`reach` {reach:g}: the decoder's numbers overflow so far out; the usual one is 2 standard deviations"
            )
        return Generated(
            "walk",
            f"{count(len(codes), 'principal component')} of the codes of {self.train.name}, from -{reach:g} to "
            f"{reach:g} standard deviations, decoded by {self.method}",
            pictures.unflatten(0, codes.shape[:2]),
            codes.flatten(0, 1),
        )

    def _draw(self, n: int, seed: int, purpose: str) -> tuple[Tensor, Tensor, Tensor]:
        """Draw images: their positions, the images at the size of the encoder, uint8, and their codes."""
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
        UserError: If the folder, or one of these, is a file, or nothing can be written there.
    """
    folder, kind = Path(folder), next(iter(made.values())).kind
    for file in (folder, *(folder / name for name in made)):
        check_folder(file)
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
