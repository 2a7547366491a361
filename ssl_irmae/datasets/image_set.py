"""The one small object that every source of images returns."""

import hashlib
import platform
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae._support.memory import require_memory
from ssl_irmae.datasets.large_arrays import empty, images_at_once
from ssl_irmae.datasets.pixel_range import PixelScale
from ssl_irmae.datasets.reading import Reading
from ssl_irmae.errors import UserError
from ssl_irmae.networks.sizes import is_row

Split = Literal["train", "test"]

UNLABELLED = -1
"""The label of an image without one, as in scikit-learn."""

_ROWS_FOR_PICTURES = (
    "these are rows of numbers, where pictures are read: `ssl-irmae pretrain` makes encoders of such rows, which "
    "`encode` and `evaluate` take"
)
_BYTES_OF_PIXEL = 8  # as a number in fp32, of which there are two for a moment
_PICTURES_FOR_ROWS = "these are pictures, where rows of numbers are read: give the columns of the pretraining"


@dataclass(frozen=True)
class ImageSet:
    """Images, with labels if there are any.

    They are in memory or, where they would take more than a quarter of what is free, in a file that is mapped; either
    way they are a tensor, of which what is indexed is read (``large_arrays``). Rows of numbers are images too, of one
    pixel: they have as many channels as there are columns.

    Args:
        name: Name in tables and files.
        images: uint8, shape (n, c, h, w), c = 1 (grey), 3 (RGB) or any other number of channels; or rows of c numbers,
            floats of shape (n, c, 1, 1).
        labels: int64 class indices, shape (n,), -1 for an image without a label; or None if no image has one.
        classes: Name of every class; empty without labels.
        paths: File of each image, relative to the folder that was read; empty if there are no files.
        reading: What was read and what was left out, if the images are the user's own.
        columns: Names of the columns of rows of numbers; empty if they have none.
        scale: How their pixels became 8 bits, so that later ones become so alike; None if that is not known.
    """

    name: str
    images: Tensor
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    paths: tuple[str, ...] = field(default=(), repr=False)
    reading: Reading | None = field(default=None, repr=False, compare=False)
    columns: tuple[str, ...] = field(default=(), repr=False)
    scale: PixelScale | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.are_rows:
            require_images(self.images, self.name)
        if self.labels is None:
            return
        if self.labels.shape != (len(self.images),):
            raise UserError(
                f"{self.name}: there must be one label per {self.noun}: got {len(self.images)} {self.noun}s and "
                f"labels of shape {tuple(self.labels.shape)}"
            )
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < UNLABELLED or high >= len(self.classes):
            raise UserError(
                f"{self.name}: labels must be class indices from 0 to {len(self.classes) - 1}, or -1 for "
                f"one without a label, got {low} to {high}"
            )

    # pickled as arrays: tensors would go to other processes through shared memory, of which containers have little
    def __getstate__(self) -> dict[str, Any]:
        return {name: v.numpy() if isinstance(v, Tensor) else v for name, v in self.__dict__.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        as_tensors = {name: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for name, v in state.items()}
        self.__dict__.update(as_tensors)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def are_rows(self) -> bool:
        """Whether these are rows of numbers."""
        return are_rows(self.images)

    @property
    def noun(self) -> Literal["image", "row"]:
        """What one of these is called, wherever a person reads: the one place that decides it."""
        return "row" if self.are_rows else "image"

    def without_labels(self) -> Self:
        """Return the same images, of which no label is known."""
        return replace(self, labels=None, classes=())

    @cached_property
    def labelled(self) -> Tensor:
        """Positions of the images that have a label, int64, ascending."""
        if self.labels is None:
            return torch.empty(0, dtype=torch.int64)
        return (self.labels != UNLABELLED).nonzero().flatten()

    @cached_property
    def pixel_fingerprint(self) -> str:
        """SHA-256 of shape and pixels: the same whatever is known of the labels."""
        digest = hashlib.sha256(repr(tuple(self.images.shape)).encode())
        self._hash_images(digest)
        return digest.hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of shape, pixels, labels and class names; not of the set's name, nor of where it came from."""
        digest = hashlib.sha256(repr((tuple(self.images.shape), self.classes)).encode())
        self._hash_images(digest)
        if self.labels is not None:
            digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()

    def _hash_images(self, digest: "hashlib._Hash") -> None:
        for chunk in torch.split(self.images, images_at_once(self.images.shape)):
            digest.update(chunk.contiguous().numpy().data)


def are_rows(images: object) -> bool:
    """Return whether images are rows of numbers: floats of shape (n, c, 1, 1), not empty."""
    return (
        isinstance(images, Tensor)
        and images.is_floating_point()
        and images.ndim == 4
        and images.shape[2:] == (1, 1)
        and images.numel() > 0
    )


def require_pictures(images: ImageSet) -> None:
    """Check that images are not rows of numbers, where there is nothing for these.

    Raises:
        UserError: If they are.
    """
    if images.are_rows:
        raise UserError(f"{images.name}: {_ROWS_FOR_PICTURES}")


def require_images(x: object, name: str) -> None:
    """Check that images are what every function of images takes.

    Args:
        x: Should be a non-empty uint8 tensor of shape (n, c, h, w).
        name: Name of ``x`` in the error message.

    Raises:
        UserError: If it is anything else.
    """
    wanted = f"{name}: images must be a uint8 tensor of shape (n, c, h, w), not empty"
    if not isinstance(x, Tensor):
        raise UserError(f"{wanted}, got {type(x).__name__}")
    if x.dtype != torch.uint8 or x.ndim != 4 or x.numel() == 0:
        raise UserError(f"{wanted}, got {str(x.dtype).removeprefix('torch.')} of shape {tuple(x.shape)}")


def fit_images(images: Tensor, *, channels: int, image_size: int) -> Tensor:
    """Convert images to the channels and the size that an encoder expects.

    Resizing is bilinear with antialiasing and makes every image square, as in the public IRMAE code. Colour becomes
    grey by luminance, grey becomes any number of channels by repetition.

    Rows of numbers are never converted: those of as many columns are returned as they are.

    Args:
        images: uint8, shape (n, c, h, w); or rows of numbers.
        channels: How many.
        image_size: Height and width in pixels.

    Returns:
        uint8, shape (n, channels, image_size, image_size); ``images`` itself if it fits already.

    Raises:
        UserError: If ``images`` is anything else, or of other channels than can be converted.
    """
    if are_rows(images):
        if not is_row(image_size):
            raise UserError(_ROWS_FOR_PICTURES)
        if images.shape[1] != channels:
            raise UserError(f"rows of {images.shape[1]:,} numbers, and the networks read rows of {channels:,}")
        return images
    require_images(images, "input")
    if images.shape[1:] == (channels, image_size, image_size):
        return images
    if is_row(image_size):
        raise UserError(_PICTURES_FOR_ROWS)
    there = images.shape[1]
    if there not in (1, channels) and (there, channels) != (3, 1):
        raise UserError(
            f"images of {there} channels cannot be made into {channels}, which the networks read: give images of "
            f"{channels}, or grey ones"
        )
    shape = (len(images), channels, image_size, image_size)
    on_cpu = images.device.type == "cpu"
    fitted = torch.from_numpy(empty(shape)) if on_cpu else torch.empty(shape, dtype=torch.uint8, device=images.device)
    step = images_at_once(images.shape)
    for x, out in zip(torch.split(images, step), torch.split(fitted, step), strict=True):
        if channels == 1 and x.shape[1] == 3:
            x = _luminance(x)
        out.copy_(_resized(x, image_size))  # broadcasting repeats grey where colour is wanted
    return fitted


def _luminance(x: Tensor) -> Tensor:
    from torchvision.transforms.v2 import functional as transforms  # takes 160 MB, which only colour images need

    return cast(Tensor, transforms.rgb_to_grayscale(x))


def _resized(x: Tensor, size: int) -> Tensor:
    """Resize as torchvision's v2 does, bit for bit: in uint8 where torch is fast at that, elsewhere in fp32."""
    if x.shape[2:] == (size, size):
        return x
    fast = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512") or platform.machine() in ("aarch64", "arm64")
    if x.device.type == "cpu" and fast:
        return F.interpolate(x, (size, size), mode="bilinear", antialias=True)
    return F.interpolate(x.float(), (size, size), mode="bilinear", antialias=True).round_().to(torch.uint8)


def pixel_rows(images: Tensor) -> Tensor:
    """Map uint8 images (n, c, h, w) to their pixels in [0, 1] as rows in memory, fp32 (n, c * h * w).

    Raises:
        UserError: If these would not fit into memory.
    """
    if torch.compiler.is_exporting():  # any number of images
        return images.flatten(1).float() / 255
    require_memory(
        _BYTES_OF_PIXEL * images.numel(),
        f"the pixels of {len(images):,} images as numbers",
        "read codes of an encoder instead of pixels or pca, or give fewer images",
    )
    return images.flatten(1).float() / 255


def as_float(images: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """Map uint8 images (n, c, h, w) to fp32 in [0, 1] on a device, channels last (the faster layout here).

    Rows of numbers, which are floats already, stay as they are, in fp32.
    """
    x = images.to(device, non_blocking=True)
    if x.is_floating_point():
        return x.float()
    return x.to(torch.float32, memory_format=torch.channels_last).div_(255)
