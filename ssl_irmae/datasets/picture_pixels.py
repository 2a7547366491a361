"""The pixels of all pictures of a set, by one rule: channels, bit depth, background."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from ssl_irmae.datasets.large_arrays import empty
from ssl_irmae.datasets.picture_store import PictureStore
from ssl_irmae.datasets.pictures import Background, Picture
from ssl_irmae.datasets.reading import count
from ssl_irmae.errors import UserError

_DEPTHS = (8, 10, 12, 14, 16)  # bits per pixel that cameras and scanners give


def stack(
    pictures: Sequence[Picture], images: PictureStore, others: Callable[[], Sequence[Picture]]
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Make one array of pictures of one size.

    The array is grey only if every picture is. Pictures of more than 8 bits are divided by 255ths of the largest value
    of the bit depth that fits: the smallest of 8, 10, 12, 14 and 16 bits that holds the brightest pixel of all of them.
    Transparent areas become white; or black, if a picture would be blank on white.

    Args:
        pictures: At least one.
        images: Their pixels, in the same order.
        others: Called for the pictures of the other split, if there are such that one rule for both splits matters.

    Returns:
        Pixels of shape (n, c, h, w), and what was changed that a person may not expect.

    Raises:
        UserError: If no background suits all pictures.
    """
    ruled = [p for p in pictures if p.brightest is not None or p.mode == "RGBA"]
    whole = [*ruled, *others()] if ruled else []
    bits = _bit_depth(whole)
    background = _background(whole)
    mode: Literal["L", "RGB"] = "L" if all(p.grey for p in pictures) else "RGB"
    width, height = images.size
    pixels = empty((len(pictures), len(mode), height, width))
    for image, out in zip(images, pixels, strict=True):
        if image.mode == "F":
            scaled = np.round(np.asarray(image) * (255 / (2**bits - 1)))
            image = Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
        elif image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, background), image)
        out[:] = np.moveaxis(np.atleast_3d(np.asarray(image.convert(mode))), 2, 0)
    return pixels, _changed(pictures, bits, background)


def _bit_depth(pictures: Sequence[Picture]) -> int:
    brightest = max((p.brightest for p in pictures if p.brightest is not None), default=0)
    return next(bits for bits in _DEPTHS if brightest < 2**bits)


def _background(pictures: Sequence[Picture]) -> Background:
    blank = {p.blank_on: p.file for p in pictures}
    if "white" in blank and "black" in blank:
        raise UserError(
            f"{blank['white']} is white on a transparent background and {blank['black']} black, so that no background "
            "shows both: save such pictures with the background that they should have"
        )
    return "black" if "white" in blank else "white"


def _changed(pictures: Sequence[Picture], bits: int, background: Background) -> tuple[str, ...]:
    deep = sum(p.brightest is not None for p in pictures)
    floats = sum(p.floats for p in pictures)
    cut = sum(p.cut for p in pictures)
    transparent = sum(p.mode == "RGBA" for p in pictures)
    changed = []
    if deep:
        factor = f"divided by {(2**bits - 1) / 255:.4g}" if bits > 8 else "taken as they are"
        changed.append(f"{count(deep, 'picture')} of more than 8 bits {factor}: the brightest pixel needs {bits} bits")
    if floats:
        changed.append(f"{count(floats, 'picture')} of floats from 0 to 1 multiplied by 255")
    if cut:
        changed.append(f"{count(cut, 'picture')} in colours of 16 bits cut to the upper 8")
    if transparent:
        why = ", as white ink would not show on white" if background == "black" else ""
        changed.append(f"{count(transparent, 'picture')} with transparency put on {background}{why}")
    return tuple(changed)
