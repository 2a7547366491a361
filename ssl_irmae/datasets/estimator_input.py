"""What scikit-learn's estimators are given as X: rows of numbers, or images of any usual type and axis order."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.random import RandomState
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data
from torch import Tensor

from ssl_irmae.datasets.arrays import as_numpy, as_tensor
from ssl_irmae.datasets.layout import channels_first
from ssl_irmae.datasets.pixel_range import PixelScale, find_scale

_TITLE = "`X`"
_IMAGE_AXES = (3, 4)

RandomSeed = int | RandomState | None
"""Scikit-learn's ``random_state``: a seed, a generator that gives one, or None for another one each time."""


def images_in(X: Any) -> npt.NDArray[Any] | None:
    """Return X as an array if it has the axes of images, three or four; None if it must be rows."""
    if isinstance(X, Tensor):
        X = as_numpy(X)
    if getattr(X, "ndim", 0) == 2:  # a table or a sparse matrix, among others
        return None
    x = np.asarray(X)
    return x if x.ndim in _IMAGE_AXES else None


def read_images(x: npt.NDArray[Any], scale: PixelScale | None = None) -> tuple[Tensor, PixelScale]:
    """Read images as ``fit`` is given them, or later ones in the same way.

    Args:
        x: Of a shape as in ``channels_first``, and of numbers as in ``to_uint8``.
        scale: How the pixels of the first images were scaled; None for the first images.

    Returns:
        uint8, shape (n, c, h, w), and the scale.

    Raises:
        UserError: If they are anything else, or brighter than the first.
    """
    pixels, _ = channels_first(x, _TITLE)
    scale = scale or find_scale(pixels, _TITLE)[0]
    return as_tensor(scale(pixels, _TITLE)), scale


def read_rows(estimator: Any, X: Any, *, first: bool, least: int = 1) -> Tensor:
    """Read rows of numbers, fp32 (n, d), and have the estimator remember their columns, or compare with these.

    Args:
        estimator: An estimator of scikit-learn.
        X: The rows: anything that scikit-learn takes, of finite numbers.
        first: Whether ``fit`` is given them.
        least: Fewest rows.

    Raises:
        ValueError: If X is anything else, or has other columns than the first rows.
        TypeError: If X is sparse.
    """
    rows = validate_data(estimator, X, dtype=np.float32, reset=first, ensure_min_samples=least)
    return as_tensor(np.ascontiguousarray(rows))


def seed_of(random_state: RandomSeed) -> int:
    """Return the seed that a ``random_state`` stands for.

    >>> seed_of(7), seed_of(RandomState(0)) == seed_of(RandomState(0))
    (7, True)
    """
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
