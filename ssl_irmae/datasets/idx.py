"""IDX files, the format in which MNIST was published."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ssl_irmae.errors import UserError

_TYPES: dict[int, np.dtype[Any]] = {0x08: np.dtype(np.uint8), 0x0C: np.dtype(">i4")}
_MOST_DIMENSIONS = 4
_GZIP = b"\x1f\x8b"
_STEP = 2**20  # bytes read at once


def read_idx(path: Path) -> npt.NDArray[Any]:
    """Read an IDX file of unsigned bytes, or of whole numbers of 32 bits as in QMNIST's labels.

    The header is believed only as far as the file goes: no memory is asked for before there are bytes to fill it.

    Args:
        path: The file, plain or gzipped, whatever its name is.

    Returns:
        The array, uint8 or int32, in the shape that the header declares.

    Raises:
        UserError: If it is not such a file, or is cut short.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            if not packed:
                return _read(file, path)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(unpacked, path)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read ({error}): give an IDX file, plain or gzipped") from error
    except MemoryError as error:
        raise UserError(f"{path} does not fit into memory: give fewer or smaller images") from error


def _read(file: IO[bytes] | gzip.GzipFile, path: Path) -> npt.NDArray[Any]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\x00\x00" or magic[2] not in _TYPES:
        raise UserError(
            f"{path} is not an IDX file of bytes or of 32-bit labels (it begins with {magic.hex() or 'nothing'}): give "
            "a folder of pictures, an .npz archive or an IDX file"
        )
    dtype, ndim = _TYPES[magic[2]], magic[3]
    if ndim > _MOST_DIMENSIONS:
        raise UserError(f"{path} declares {ndim} dimensions: images have 3, labels 1 or 2")
    header = file.read(4 * ndim)
    if len(header) < 4 * ndim:
        raise UserError(f"{path} is cut short: its header declares {ndim} dimensions and ends before them")
    shape = struct.unpack(f">{ndim}I", header)
    size = math.prod(shape) * dtype.itemsize
    data = bytearray()  # writable, so that the array need not be copied: MNIST's takes 47 MB
    while len(data) <= size and (step := file.read(min(_STEP, size + 1 - len(data)))):
        data += step
    if len(data) != size:
        found = "more" if len(data) > size else f"{len(data):,}"
        raise UserError(
            f"{path} is cut short or damaged: its header declares shape {shape}, {size:,} bytes, and {found} follow"
        )
    try:
        array = np.frombuffer(data, dtype).reshape(shape)
    except ValueError as error:  # sides beside a zero that no array can have
        raise UserError(f"{path} is damaged: its header declares shape {shape}, which no array has") from error
    return array.astype(dtype.newbyteorder("="), copy=False)  # torch knows the machine's own byte order alone


def idx_bytes(array: npt.NDArray[np.uint8]) -> bytes:
    """Return the contents of an IDX file that holds an array of unsigned bytes.

    >>> idx_bytes(np.zeros((2, 3), np.uint8)).hex()
    '000008020000000200000003000000000000'
    """
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
