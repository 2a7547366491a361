"""IDX files, the format in which MNIST was published."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ssl_irmae.errors import UserError

_MOST_DIMENSIONS = 4


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, plain or gzipped.

    Args:
        path: The file; gzipped if its name ends in ``.gz``.

    Returns:
        The array, uint8, in the shape that the header declares.

    Raises:
        UserError: If it is not an IDX file of bytes, or is cut short.
    """
    try:
        raw = _contents(path)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read ({error}): give an IDX file, plain or gzipped") from error
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise UserError(
            f"{path} is not an IDX file of unsigned bytes (it begins with {raw[:4].hex() or 'nothing'}): give a folder "
            "of pictures, an .npz archive or an IDX file"
        )
    ndim = raw[3]
    if ndim > _MOST_DIMENSIONS:
        raise UserError(f"{path} declares {ndim} dimensions: images have 3, labels 1")
    header = 4 + 4 * ndim
    shape = struct.unpack(f">{ndim}I", raw[4:header]) if len(raw) >= header else None
    if shape is None or len(raw) != header + int(np.prod(shape, dtype=np.int64)):
        raise UserError(f"{path} is cut short or damaged: its header declares shape {shape}, it has {len(raw)} bytes")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _contents(path: Path) -> bytearray:
    """Read a file into writable memory, so that it need not be copied: MNIST's takes 47 MB."""
    if path.suffix == ".gz":
        return bytearray(gzip.decompress(path.read_bytes()))
    raw = bytearray(path.stat().st_size)
    with path.open("rb") as file:
        return raw[: file.readinto(raw)] if len(raw) else raw


def idx_bytes(array: npt.NDArray[np.uint8]) -> bytes:
    """Return the contents of an IDX file that holds an array of unsigned bytes.

    >>> idx_bytes(np.zeros((2, 3), np.uint8)).hex()
    '000008020000000200000003000000000000'
    """
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
