"""Codes that were not made here as a representation: numbers for the images of a task, and no function of images."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.errors import UserError

Codes = npt.NDArray[np.float32]
"""Codes as rows, shape (n, d)."""

LARGEST = 1e15
"""From here on, the squares of codes in single precision, and with them distances, may not be finite."""


class CodesSource(Protocol):
    """Where codes that are not made here come from: a file, arrays, or an object of the user's."""

    @property
    def codes_from(self) -> str:
        """What rows record of it, such as the name of the file."""
        ...

    def of(self, images: ImageSet, split: Split, /) -> Codes:
        """Return the codes of the images of a split as they were loaded, in their order.

        Raises:
            UserError: If there are none, or they cannot be those of these images.
        """
        ...


@dataclass(frozen=True, eq=False)
class CodesOfTask:
    """Codes of the images of a task, in their order.

    Args:
        train: Those of the training images, shape (n, d).
        scored: Those of the scored images, shape (m, d); None where folds of the training images are scored.
    """

    train: Codes
    scored: Codes | None

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the shapes and the numbers, as little-endian fp32: of the training images, then of the scored."""
        digest = hashlib.sha256()
        for codes in (self.train,) if self.scored is None else (self.train, self.scored):
            digest.update(repr(codes.shape).encode())
            digest.update(np.ascontiguousarray(codes, "<f4").data)
        return digest.hexdigest()


@dataclass(frozen=True)
class GivenCodes:
    """Codes that were not made here, under the name that contenders use for them.

    The numbers themselves are in ``Task.codes``, which every process that runs trials gets once.

    Args:
        name: The name that the user gave.
        hash: SHA-256 of the numbers.
        codes_from: Where they come from.
        pretrain_seed: None, as are the other facts of a pretraining: nothing is known of it.
        pretraining: None.
        network: None.
        learns: False: the codes are there already.
        quick: False.
    """

    name: str
    hash: str
    codes_from: str
    pretrain_seed: None = None
    pretraining: None = None
    network: None = None
    learns: bool = False
    quick: bool = False

    def fit(self, _train: Tensor, _device: torch.device) -> NoReturn:
        """Refuse to encode: there is nothing that could encode other images.

        Raises:
            TypeError: Always.
        """
        raise TypeError(f"{self.name} are codes of the images of one task; they cannot encode others")


def as_codes(x: npt.NDArray[Any], title: str) -> Codes:
    """Check that an array holds codes, and return them in fp32.

    Args:
        x: Should be numbers, shape (n, d), whose squares single precision can hold.
        title: How error messages call it.

    Raises:
        UserError: If it is anything else, or all rows are the same.
    """
    if x.dtype.kind not in "fiub" or x.ndim != 2 or not x.size:
        raise UserError(f"{title} must be numbers of shape (n, d), one row per image, got {x.dtype} of {x.shape}")
    require_usable(x, title)
    codes: Codes = np.ascontiguousarray(x, np.float32)
    if np.ptp(codes, axis=0).max() < 1 / LARGEST:
        raise UserError(f"{title} has the same numbers in all {len(codes):,} rows: nothing can be told apart by them")
    return codes


def require_usable(x: npt.NDArray[Any], title: str) -> None:
    """Check that single precision can hold the squares of numbers, shape (n, d).

    Raises:
        UserError: If one is NaN, infinite or too large.
    """
    usable = (np.abs(x) < LARGEST).all(1)  # not so of NaN
    if not usable.all():
        row = int(np.argmin(usable))
        value = x[row][~(np.abs(x[row]) < LARGEST)][0]
        raise UserError(
            f"{title} must be finite numbers below {LARGEST:.0e} in size, and row {row} holds {value:g}: mend it"
        )
