"""A .npy file of images, which is mapped: only what is asked for is read."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ssl_irmae._support.memory import require_memory
from ssl_irmae.datasets.arrays import ArraySource, from_arrays
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.datasets.npy_header import NpyHeader, read_header
from ssl_irmae.datasets.pixel_range import PixelScale
from ssl_irmae.errors import NoTestSplitError, UserError

_BYTES_OF_NUMBER = 16  # rows are numbers of 8 bytes, and for a moment there are two copies


def load(path: Path, split: Split, like: PixelScale | None = None) -> ImageSet:
    """Load a ``.npy`` file of images, or of rows of numbers: a training split without labels.

    Args:
        path: The file, of an array as ``from_arrays`` takes ``images``.
        split: ``"train"``; there is no other.
        like: How earlier images became 8 bits.

    Raises:
        NoTestSplitError: If the test split is asked for.
        UserError: If the file cannot be read, or is not one of images.
    """
    if split == "test":
        raise NoTestSplitError(f"{path} has no test images: an .npz can have them, under the name test_images")
    return from_arrays({"images": ArraySource(str(path), partial(_map, path))}, split, name=path.stem, like=like)


def holds_rows(path: Path) -> bool:
    """Return whether the array is rows of numbers, of two axes; False if that cannot be read."""
    try:
        return len(_header(path).shape) == 2
    except UserError:
        return False  # who loads it explains


def _map(path: Path) -> npt.NDArray[Any]:
    """Map the file for reading; its header is believed only if the file has the size that it declares."""
    header, size = _header(path), path.stat().st_size
    if header.file_size != size:
        raise UserError(
            f"{path} declares shape {header.shape} of {header.dtype}, which with its header would be "
            f"{header.file_size:,} bytes, and it has {size:,}: save it again with numpy"
        )
    if len(header.shape) == 2:
        needed = _BYTES_OF_NUMBER * header.shape[0] * header.shape[1]
        require_memory(needed, f"{path}: rows of numbers", "give fewer rows")
    try:
        order: Any = header.order
        return np.memmap(path, header.dtype, "r", header.start, header.shape, order)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be mapped ({error}): raise the limit of address space (ulimit -v)") from error


def _header(path: Path) -> NpyHeader:
    try:
        with path.open("rb") as file:
            return read_header(file, str(path))
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} cannot be read as a .npy file ({error}): save it again with numpy") from error
