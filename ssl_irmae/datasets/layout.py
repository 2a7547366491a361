"""The layout of arrays of images: which axis is colour."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ssl_irmae.errors import UserError

_OPAQUE = (1, 255, 65535)  # in floats and truth values, in 8 bits, in 16 bits


def channels_first(x: npt.NDArray[Any], title: str) -> tuple[npt.NDArray[Any], str | None]:
    """View images as (n, c, h, w).

    Where the second or the last axis could be grey, colour or colour with transparency, of 1, 3 or 4 channels, it is,
    the second before the last. Otherwise the shorter of the two holds the channels, of any number. In an array a fourth
    band can be anything; it is taken as transparency, and dropped, only if it is opaque everywhere.

    Args:
        x: Images, shape (n, h, w), (n, c, h, w) or (n, h, w, c).
        title: How error messages call ``x``.

    Returns:
        The view, and what was left out of it, or None.

    Raises:
        UserError: If the array has another shape or is empty.

    >>> channels_first(np.zeros((10, 32, 32, 3)), "x")[0].shape
    (10, 3, 32, 32)
    """
    if x.ndim == 3:
        x = x[:, None]
    if not x.size:
        raise UserError(f"{title} contains no pixels: give images")
    if x.ndim != 4:
        raise UserError(
            f"{title} must be images of shape (n, h, w), (n, h, w, c) or (n, c, h, w), or rows of numbers (n, d), got "
            f"{x.dtype} of shape {x.shape}"
        )
    _, second, _, last = x.shape
    for usual in ((1, 3), (4,)):
        if second in usual or last in usual:
            x = x if second in usual else np.moveaxis(x, 3, 1)
            return (x[:, :3], "an opaque fourth band") if x.shape[1] == 4 and _is_opaque(x) else (x, None)
    if second == last:
        raise UserError(
            f"{title} is of shape {x.shape}: whether its second or its last axis holds the channels cannot be known; "
            "give (n, c, h, w) with fewer channels than pixels, or one channel"
        )
    return (x if second < last else np.moveaxis(x, 3, 1)), None


def _is_opaque(x: npt.NDArray[Any]) -> bool:
    colours, fourth = x[:, :3], x[:, 3]
    opaque = fourth.min()
    return bool(opaque in _OPAQUE and fourth.max() == opaque and colours.max() <= opaque)
