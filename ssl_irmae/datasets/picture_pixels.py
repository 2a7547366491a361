"""The pixels of all pictures of a set, by one rule: channels, bit depth, background."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from ssl_irmae.datasets.large_arrays import empty
from ssl_irmae.datasets.picture_store import PictureStore
from ssl_irmae.datasets.pictures import Picture
from ssl_irmae.datasets.pixel_range import Background, BitDepth, PixelScale
from ssl_irmae.datasets.reading import count
from ssl_irmae.errors import UserError

_DEPTHS: tuple[BitDepth, ...] = (8, 10, 12, 14, 16)  # bits per pixel that cameras and scanners give


def stack(
    pictures: Sequence[Picture],
    images: PictureStore,
    others: Callable[[], Sequence[Picture]],
    like: PixelScale | None = None,
) -> tuple[npt.NDArray[np.uint8], PixelScale, tuple[str, ...]]:
    """Make one array of pictures of one size.

    The array is grey only if every picture is. Pictures of more than 8 bits are divided by 255ths of the largest value
    of the bit depth that fits: the smallest of 8, 10, 12, 14 and 16 bits that holds the brightest pixel of all of them.
    Transparent areas become white; or black, if a picture would be blank on white.

    Args:
        pictures: At least one.
        images: Their pixels, in the same order.
        others: Called for the pictures of the other split, if there are such that one rule for both splits matters.
        like: How earlier pictures became 8 bits: bit depth and background are theirs, where these had any.

    Returns:
        Pixels of shape (n, c, h, w), how they became 8 bits, and what was changed that a person may not expect.

    Raises:
        UserError: If no background suits all pictures, or one has more bits than the earlier ones.
    """
    ruled = [p for p in pictures if p.brightest is not None or p.mode == "RGBA"]
    whole = [*ruled, *others()] if ruled else []
    bits = _bit_depth(whole, None if like is None else like.depth)
    background = _background(whole, None if like is None else like.background)
    mode: Literal["L", "RGB"] = "L" if all(p.grey for p in pictures) else "RGB"
    width, height = images.size
    pixels = empty((len(pictures), len(mode), height, width))
    for image, out in zip(images, pixels, strict=True):
        if image.mode == "F":
            scaled = np.round(np.asarray(image) * (255 / (2 ** (bits or 8) - 1)))
            image = Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
        elif image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, background or "white"), image)
        out[:] = np.moveaxis(np.atleast_3d(np.asarray(image.convert(mode))), 2, 0)
    return pixels, PixelScale("whole", 255, bits, background), _changed(pictures, bits or 8, background or "white")


def _bit_depth(pictures: Sequence[Picture], earlier: BitDepth | None) -> BitDepth | None:
    """Return the bit depth of all pictures of more than 8 bits: the earlier one if there was any."""
    brightest = {p.brightest: p.file for p in pictures if p.brightest is not None}
    if not brightest:
        return earlier
    most = max(brightest)
    if earlier is not None and most >= 2**earlier:
        raise UserError(
            f"{brightest[most]} has pixels up to {most}, and the pictures before had {earlier} bits, which end at "
            f"{2**earlier - 1}: scale them alike"
        )
    return earlier or next(bits for bits in _DEPTHS if most < 2**bits)


def _background(pictures: Sequence[Picture], earlier: Background | None) -> Background | None:
    """Return the background of all transparent pictures: the earlier one if there was any."""
    blank = {p.blank_on: p.file for p in pictures}
    if earlier is not None and earlier in blank:
        raise UserError(
            f"{blank[earlier]} is {earlier} on a transparent background, and does not show on {earlier}, which the "
            "pictures before were put on: save it with the background that it should have"
        )
    if earlier is not None or not any(p.mode == "RGBA" for p in pictures):
        return earlier
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
