"""The header of an array that numpy wrote: a file of its own or a member of an archive."""

import math
import sys
import tokenize
import warnings
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from ssl_irmae.errors import UserError


@dataclass(frozen=True)
class NpyHeader:
    """What the header declares, which need not be true.

    Args:
        shape: Shape of the array.
        dtype: Type of its numbers or names; never Python objects.
        order: ``"C"`` or ``"F"``, as numpy calls the order of axes in memory.
        start: Position of the first byte after the header.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: str
    start: int

    @property
    def file_size(self) -> int:
        """Bytes that the file must have if the header is true."""
        return self.start + math.prod(self.shape) * max(1, self.dtype.itemsize)


def read_header(file: IO[bytes], title: str) -> NpyHeader:
    """Read a header, and nothing after it.

    Args:
        file: At its beginning.
        title: How error messages call the array.

    Raises:
        ValueError: If it is not a header of numbers or names.
        UserError: If the array is one of Python objects.
    """
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f"array format {version} is not for numbers or names")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about Python 2, where a header is merely damaged
            shape, fortran, dtype = readers[version](file)
    except (SyntaxError, tokenize.TokenError, RecursionError, MemoryError) as error:  # it is read as a Python literal
        raise ValueError("the header of an array is damaged") from error
    if dtype.hasobject:
        raise UserError(
            f"{title} holds Python objects, which are never loaded because they can run code: "
            "save an array of numbers or of strings (dtype=str)"
        )
    if math.prod(max(1, side) for side in shape) * max(1, dtype.itemsize) > sys.maxsize:  # also beside a zero
        raise ValueError(f"its header declares shape {shape}, which no array has")
    return NpyHeader(shape, dtype, "F" if fortran else "C", file.tell())
