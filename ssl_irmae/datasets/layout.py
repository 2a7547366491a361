"""The layout of arrays of images: which axis is colour."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ssl_irmae.errors import UserError

_OPAQUE = (1, 255, 65535)  # in floats and truth values, in 8 bits, in 16 bits


def channels_first(x: npt.NDArray[Any], title: str) -> tuple[npt.NDArray[Any], str | None]:
    """View images as (n, c, h, w), c = 1 or 3.

    Where both the second and the last axis could be colour, the second is. In an array a fourth band can be anything;
    it is taken as transparency, and dropped, only if it is opaque everywhere.

    Args:
        x: Images, shape (n, h, w), (n, c, h, w) or (n, h, w, c), c = 1, 3 or 4.
        title: How error messages call ``x``.

    Returns:
        The view, and what was left out of it, or None.

    Raises:
        UserError: If the array has another shape or is empty, or if a fourth band is not opaque.

    >>> channels_first(np.zeros((10, 32, 32, 3)), "x")[0].shape
    (10, 3, 32, 32)
    """
    if x.ndim == 3:
        x = x[:, None]
    for channels in ((1, 3), (4,)):
        if x.ndim == 4 and x.shape[1] not in channels and x.shape[3] in channels:
            x = np.moveaxis(x, 3, 1)
        if x.ndim == 4 and x.shape[1] in channels and x.size:
            return (x, None) if x.shape[1] < 4 else (_without_opaque(x, title), "an opaque fourth band")
    if not x.size:
        raise UserError(f"{title} contains no pixels: give images")
    raise UserError(
        f"{title} must be images of shape (n, h, w), (n, h, w, c) or (n, c, h, w) with c = 1 or 3, not empty, got "
        f"{x.dtype} of shape {x.shape}"
    )


def _without_opaque(x: npt.NDArray[Any], title: str) -> npt.NDArray[Any]:
    colours, fourth = x[:, :3], x[:, 3]
    opaque = fourth.min()
    if opaque not in _OPAQUE or fourth.max() != opaque or colours.max() > opaque:
        raise UserError(
            f"{title} has a fourth band that is not opaque everywhere: give grey or colour, such as the first three "
            "bands"
        )
    return colours
