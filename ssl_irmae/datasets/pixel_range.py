"""The range of pixels: numbers of any range become 8 bits, by one rule for the whole set."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ssl_irmae.datasets.large_arrays import contiguous, empty
from ssl_irmae.errors import UserError

Array = npt.NDArray[Any]
Read = Callable[[], Array | None]
Kind = Literal["truth", "whole", "float"]
BitDepth = Literal[8, 10, 12, 14, 16]
Background = Literal["white", "black"]

_WHITES = (1, 16, 255, 1023, 4095, 16383, 65535)
"""The values that are white in masks, in scikit-learn's digits, and in pictures of 8, 10, 12, 14 and 16 bits."""

_CHUNK = 2**18  # pixels converted at once, which bounds the memory of the fp64 intermediate


@dataclass(frozen=True)
class PixelScale:
    """How pixels became 8 bits, so that images that come later become so alike.

    Args:
        kind: ``"truth"``, ``"whole"`` or ``"float"``.
        white: The value that became 255; of pictures in files, after those of more than 8 bits were divided.
        bits: The bit depth that pictures in files with more than 8 bits were divided by; None if there were none.
        background: What became of transparent areas; None if there were none.
    """

    kind: Kind
    white: Annotated[int, Field(strict=True, ge=1, le=65535)]
    bits: BitDepth | None = None
    background: Background | None = None

    def __call__(self, x: Array, title: str) -> npt.NDArray[np.uint8]:
        """Convert images that come later; those of another kind by a scale of their own.

        Args:
            x: Images, shape (n, ...), not empty.
            title: How error messages call ``x``.

        Raises:
            UserError: If they are of another kind, negative, NaN, or brighter than white.
        """
        if _kind(x) != self.kind:
            return to_uint8(x, title)[0]
        self.require(float(x.min()), float(x.max()), title)
        return _scaled(x, self.white)

    def require(self, low: float, high: float, title: str) -> None:
        """Check that pixels of the same kind, from ``low`` to ``high``, lie between black and white.

        Raises:
            UserError: If they do not.
        """
        step = 0 if self.kind == "whole" else self.white / 510  # what rounding mends
        if not (low >= -step and high <= self.white + step):
            raise UserError(
                f"{title} has pixels from {low:.5g} to {high:.5g}, and the images before had them from 0 to "
                f"{self.white}: scale them alike, such as all to floats from 0 to 1"
            )

    def of(self, x: Array) -> "PixelScale":
        """Return the scale of later images of the same kind, as they would have been read among the earlier ones.

        Bytes are 8 bits, also where the earlier images had more; wider numbers have as many as pictures in files had.
        """
        if x.dtype == np.uint8:
            return replace(self, white=min(self.white, 255))
        return self if self.bits is None else PixelScale("whole", round(self.white * (2**self.bits - 1) / 255))

    @property
    def depth(self) -> BitDepth | None:
        """The bit depth of pixels of more than 8 bits; None if it is not known."""
        depths: dict[int, BitDepth] = {1023: 10, 4095: 12, 16383: 14, 65535: 16}
        return self.bits or depths.get(self.white)


def to_uint8(
    x: Array, title: str, other: Read = lambda: None, like: PixelScale | None = None
) -> tuple[npt.NDArray[np.uint8], PixelScale, str | None]:
    """Convert pixels to 8 bits.

    Pixels are multiplied by 255/white and rounded. White is 1 for truth values and for floats between 0 and 1. For
    whole numbers it is the first of 1, 16, 255, 1023, 4095, 16383 and 65535 that is not below the brightest pixel of
    both splits, so that both are scaled alike; for floats up to 255 too.

    Args:
        x: Images, shape (n, ...), not empty: truth values, whole numbers or floats.
        title: How error messages call ``x``.
        other: Returns the images of the other split, or None if there are none; called only where ``x`` alone does not
            decide.
        like: How earlier images became 8 bits: those of the same kind become so too, whatever is among them.

    Returns:
        uint8 of the same shape, an array as of ``contiguous`` or ``empty``, ``x`` itself where it is that already; the
        scale; and what was done to the pixels, or None if it is nothing that one may not expect.

    Raises:
        UserError: If they are of another kind, negative, NaN, or beyond the range; or brighter than ``like`` has white.

    >>> pixels, scale, changed = to_uint8(np.array([[0, 8, 16]]), "x")
    >>> pixels, scale.white, changed
    (array([[  0, 128, 255]], dtype=uint8), 16, 'the brightest pixel is 16 of 255: multiplied by 255/16')
    >>> to_uint8(np.array([[0, 8]]), "x", like=scale)[0]
    array([[  0, 128]], dtype=uint8)
    """
    scale, changed = find_scale(x, title, other, like)
    return _scaled(x, scale.white), scale, changed


def find_scale(
    x: Array, title: str, other: Read = lambda: None, like: PixelScale | None = None
) -> tuple[PixelScale, str | None]:
    """Find how pixels become 8 bits, as in ``to_uint8``, and what a person should know about it."""
    kind = _kind(x)
    if kind is None:
        raise UserError(f"{title} must be whole numbers or floats, got {x.dtype}: convert the pixels to uint8")
    if kind == "truth":
        return PixelScale(kind, 1), "true pixels became 255"
    low, high = float(x.min()), float(x.max())
    if like is not None and like.kind == kind:
        scale = like.of(x)
        scale.require(low, high, title)
        return scale, _changed(x, high, scale.white)
    if kind == "whole" and low < 0:
        raise UserError(f"{title} has pixels from {low:.0f} to {high:.0f}: shift and scale them to 0 to 255")
    decided = high > 16 and (kind == "float" or x.dtype == np.uint8)
    if not decided and (beside := other()) is not None and _kind(beside) == kind and beside.size:
        high = max(high, float(beside.max()))
    white = _white_of_floats(x, low, high, title) if kind == "float" else _white_of(high, title)
    return PixelScale(kind, white), _changed(x, high, white)


def _kind(x: Array) -> Kind | None:
    kinds: dict[str, Kind] = {"b": "truth", "u": "whole", "i": "whole", "f": "float"}
    return kinds.get(x.dtype.kind)


def _white_of(high: float, title: str) -> int:
    if high > _WHITES[-1]:
        raise UserError(f"{title} has pixels up to {high:.0f}, and 16 bits end at 65535: scale them to 0 to 255")
    return next(white for white in _WHITES if high <= white) if high else 255


def _changed(x: Array, high: float, white: int) -> str | None:
    """Say what a person should know about the white of whole numbers or floats."""
    floats = x.dtype.kind == "f"
    if floats and white == 1:
        return None
    if white < 255:
        return f"the brightest pixel is {high:.0f} of 255: multiplied by 255/{white}".removesuffix("/1")
    if white > 255:
        how = "divided by 257" if white == 65535 else f"multiplied by 255/{white}"
        return f"the brightest pixel is {high:.0f}, of {white.bit_length()} bits: {how}"
    if floats:
        return f"{x.dtype} pixels up to {high:.4g} taken as 8-bit and rounded"
    return None if x.dtype == np.uint8 else f"{x.dtype} pixels up to {high:.0f} taken as 8-bit"


def _white_of_floats(x: Array, low: float, high: float, title: str) -> int:
    """Return the white of floats; values are judged as they are after rounding, so that 1.0000001 is 1."""
    if np.isnan(low):
        raise UserError(f"{title} has pixels that are NaN: replace them by numbers between 0 and 1")
    if low * 255 > -0.5 and high * 255 < 255.5:
        return 1
    if low > -0.5 and high < 255.5:
        if high > 16:
            return 255
        if all((part == np.round(part)).all() for part in _parts(x)):
            return _white_of(high, title)
    raise UserError(
        f"{title}: pixels as floats must lie between 0 and 1, or between 0 and 255, got {low:.3g} to {high:.3g}: "
        "scale them, and undo any standardisation"
    )


def _scaled(x: Array, white: int) -> npt.NDArray[np.uint8]:
    if white == 255 and x.dtype == np.uint8:
        return contiguous(x)
    scaled = empty(x.shape)
    for part, out in zip(_parts(x), _parts(scaled), strict=True):
        y = part.astype(np.float64)
        if white != 255:  # which would round twice
            y *= 255
            y /= white
        out[...] = np.round(y, out=y)
    return scaled


def _parts(x: Array) -> list[Array]:
    step = max(1, _CHUNK // x[0].size)
    return [x[start : start + step] for start in range(0, len(x), step)]
