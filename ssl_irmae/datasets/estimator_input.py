"""What scikit-learn's estimators are given as X: rows of numbers, or images of any usual type and axis order."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from numpy.random import RandomState
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data
from torch import Tensor

from ssl_irmae.datasets.arrays import as_numpy
from ssl_irmae.datasets.large_arrays import as_tensor
from ssl_irmae.datasets.layout import channels_first
from ssl_irmae.datasets.pixel_range import PixelScale, find_scale
from ssl_irmae.errors import UserError

_TITLE = "`X`"
_IMAGE_AXES = (3, 4)

RandomSeed = int | RandomState | None
"""Scikit-learn's ``random_state``: a seed, a generator that gives one, or None for another one each time."""


@dataclass(frozen=True)
class ImageLayout:
    """How the images that ``fit`` was given are laid out, so that later ones are read alike.

    Args:
        scale: How their pixels become 8 bits.
        size: Height and width in pixels.
        channel_axis: The axis of an image that holds its channels, 0 or 2; None if it has none.
    """

    scale: PixelScale
    size: tuple[int, int]
    channel_axis: int | None

    @classmethod
    def of(cls, x: npt.NDArray[Any]) -> Self:
        """Find the layout of images, of a shape as in ``channels_first`` and of numbers as in ``to_uint8``.

        Raises:
            UserError: If they are anything else.
        """
        pixels, _ = channels_first(x, _TITLE)
        axis = None if x.ndim == 3 else 0 if pixels.shape[2:] == x.shape[2:] else 2
        return cls(find_scale(pixels, _TITLE)[0], (pixels.shape[2], pixels.shape[3]), axis)

    def read(self, x: npt.NDArray[Any]) -> Tensor:
        """Read images of any size, uint8 (n, c, h, w).

        Raises:
            UserError: If they are anything else, or brighter than the first.
        """
        return as_tensor(self.scale(channels_first(x, _TITLE)[0], _TITLE))

    def restore(self, decoded: Tensor) -> npt.NDArray[np.float32]:
        """Give decoded images, fp32 (n, c, s, s) for pixels in [0, 1], the size, range and axes of the first."""
        x = decoded.clamp(0, 1)
        if x.shape[2:] != self.size:
            x = F.interpolate(x, self.size, mode="bilinear", antialias=True)
        images: npt.NDArray[np.float32] = x.numpy() * self.scale.white
        if self.channel_axis is None:
            return images[:, 0]
        return images if self.channel_axis == 0 else np.moveaxis(images, 1, 3)


@contextlib.contextmanager
def unchanged_if_it_fails(estimator: Any) -> Iterator[None]:
    """Give a block for ``fit``: where that fails, the estimator is what it was, and predicts as before.

    scikit-learn's own reading of rows sets attributes, so that what is fitted cannot only be set at the end.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:  # Ctrl-C too
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def images_in(X: Any) -> npt.NDArray[Any] | None:
    """Return X as an array if it has the axes of images, three or four; None if it must be rows."""
    if isinstance(X, Tensor):
        X = as_numpy(X)
    if getattr(X, "ndim", 0) == 2:  # a table or a sparse matrix, among others
        return None
    x = np.asarray(X)
    return x if x.ndim in _IMAGE_AXES else None


def read_rows(estimator: Any, X: Any, *, first: bool, least: int = 1) -> Tensor:
    """Read rows of numbers, fp64 (n, d), and have the estimator remember their columns, or compare with these.

    Args:
        estimator: An estimator of scikit-learn.
        X: The rows: a tensor or anything that scikit-learn takes, of finite numbers.
        first: Whether ``fit`` is given them.
        least: Fewest rows.

    Raises:
        ValueError: If X is anything else, or has other columns than the first rows.
        TypeError: If X is sparse.
    """
    if isinstance(X, Tensor):
        X = as_numpy(X)
    rows = validate_data(estimator, X, dtype=np.float64, reset=first, ensure_min_samples=least)
    return as_tensor(np.ascontiguousarray(rows))


def read_like_first(estimator: Any, X: Any) -> Tensor:
    """Read what an estimator is given after ``fit``: rows, fp64 (n, d), or images, uint8 (n, c, h, w).

    Args:
        estimator: A fitted estimator, whose ``layout_`` is None if it was fitted on rows.
        X: Must be of the same kind.

    Raises:
        ValueError: If it is not, as a ``UserError`` where images and rows were mixed up.
    """
    images, layout = images_in(X), estimator.layout_
    if (images is None) is not (layout is None):
        given, now = ("rows of numbers", "images") if layout is None else ("images", "rows of numbers")
        raise UserError(f"`X` holds {now}, and `fit` was given {given}: give {given}")
    if images is None:
        return read_rows(estimator, X, first=False)
    pixels: Tensor = layout.read(images)
    return pixels


def seed_of(random_state: RandomSeed) -> int:
    """Return the seed that a ``random_state`` stands for.

    Raises:
        UserError: If it is negative.
        ValueError: If it is no ``random_state``.

    >>> seed_of(7), seed_of(RandomState(0)) == seed_of(RandomState(0))
    (7, True)
    """
    if isinstance(random_state, int | np.integer):
        if random_state < 0:
            raise UserError(f"`random_state` must be at least 0, got {random_state}")
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
