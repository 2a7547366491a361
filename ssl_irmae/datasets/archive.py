"""An .npz archive of images and labels."""

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ssl_irmae.datasets.array_names import find_names
from ssl_irmae.datasets.arrays import ArraySource, from_arrays
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.datasets.npy_header import read_header
from ssl_irmae.datasets.pixel_range import PixelScale
from ssl_irmae.datasets.reading import listed
from ssl_irmae.errors import NoTestSplitError, UserError

_MOST_PER_BYTE = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}
"""Bytes that one byte of a file can hold; the second is deflate's own limit (zlib.net/zlib_tech.html)."""


def load(path: Path, split: Split, like: PixelScale | None = None) -> ImageSet:
    """Load one split from an .npz archive, of which only the arrays that are needed are read.

    Args:
        path: The archive, with ``images`` (or ``rows`` of numbers), ``labels``, ``test_images`` and ``test_labels``, of
            which all but the first are optional, or with the names of MedMNIST, Keras, scikit-learn or torchvision
            (``array_names``).
        split: ``"train"`` or ``"test"``.
        like: How earlier images became 8 bits.

    Raises:
        NoTestSplitError: If the test split is asked for and there is none.
        UserError: If the archive cannot be read, or is not one of images.
    """
    arrays = open_archive(path)
    names, left_out = find_names(arrays, str(path))
    wanted = "test_images" if split == "test" else "images"
    if wanted not in names:
        missing = NoTestSplitError if "images" in names else UserError
        raise missing(f"{path} has no array '{wanted}': it has {listed(sorted(arrays)) or 'none'}")
    named = {ours: arrays[name] for ours, name in names.items()}
    return from_arrays(named, split, name=path.stem, left_out=left_out, like=like)


def open_archive(path: Path) -> dict[str, ArraySource]:
    """List the arrays of an .npz archive by name; each is read when it is needed, and objects never.

    Raises:
        UserError: If the archive cannot be read.
    """
    with _explained(path), zipfile.ZipFile(path) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
    return {name: ArraySource(f"{path}: '{name}'", partial(_read, path, member)) for name, member in members.items()}


def holds_rows(path: Path) -> bool:
    """Return whether the images of an archive are rows of numbers, of two axes; False if that cannot be read."""
    try:
        names, _ = find_names(open_archive(path), str(path))
        with zipfile.ZipFile(path) as archive, archive.open(f"{names['images']}.npy") as file:
            return len(read_header(file, str(path)).shape) == 2
    except (UserError, KeyError, OSError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return False  # who loads it explains


def _read(path: Path, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    """Read an array; memory is asked for only once header, zip directory and size of the file agree."""
    title = f"{path}: '{member.filename.removesuffix('.npy')}'"
    with _explained(path), zipfile.ZipFile(path) as archive:
        with archive.open(member) as file:
            header = read_header(file, title)
            declared = header.file_size
        if member.compress_type not in _MOST_PER_BYTE:
            raise UserError(f"{title} is compressed in a way that numpy does not write: save it again with numpy")
        packed = min(member.compress_size, path.stat().st_size)
        if declared != member.file_size or declared > packed * _MOST_PER_BYTE[member.compress_type]:
            raise UserError(
                f"{title} declares shape {header.shape} of {header.dtype}, {declared:,} bytes, which the "
                f"archive cannot hold in the {packed:,} bytes that it has for them: save it again with numpy"
            )
        with archive.open(member) as file:
            array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"{path} does not fit into memory: save smaller arrays, images as uint8") from error
    # zipfile raises RuntimeError where a member has a password
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} cannot be read as an .npz archive ({error})") from error
