"""Images as arrays in memory: which layouts, pixel types and labels are understood."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.errors import NoTestSplitError, UserError

Array = npt.NDArray[Any] | Tensor
Arrays = ImageSet | Array | tuple[Array, Array] | tuple[Array, Array, Array, Array]

_NAMES = ("images", "labels", "test_images", "test_labels")


def load(arrays: Arrays, split: Split) -> ImageSet:
    """Return one split of images that are in memory already.

    Args:
        arrays: An ``ImageSet``, an array of images, ``(images, labels)`` or
            ``(images, labels, test_images, test_labels)``, of numpy arrays or tensors as in ``from_arrays``.
        split: ``"train"``; ``"test"`` where there are test images.

    Raises:
        NoTestSplitError: If there are no test images and they are asked for.
        UserError: If the arrays are of another kind.

    >>> pixels = np.zeros((2, 8, 8), np.uint8)
    >>> load((pixels, np.array(["cat", "dog"])), "train").classes
    ('cat', 'dog')
    """
    no_test = NoTestSplitError("`dataset` has no test images: give (images, labels, test_images, test_labels)")
    if isinstance(arrays, ImageSet):
        if split == "test":
            raise no_test
        return arrays
    parts = arrays if isinstance(arrays, tuple) else (arrays,)
    if len(parts) not in (1, 2, 4) or not all(isinstance(part, np.ndarray | Tensor) for part in parts):
        kinds = [type(part).__name__ for part in parts]
        raise UserError(
            "`dataset` must be a name, a path, an ImageSet, an array of images, (images, labels) or "
            f"(images, labels, test_images, test_labels), got {' and '.join(kinds) or 'an empty tuple'}"
        )
    if split == "test" and len(parts) < 4:
        raise no_test
    named = {name: _as_numpy(part) for name, part in zip(_NAMES, parts, strict=False)}
    return from_arrays(named, split, name="arrays", source="`dataset`")


def from_arrays(arrays: Mapping[str, npt.NDArray[Any]], split: Split, *, name: str, source: str) -> ImageSet:
    """Make an image set from the arrays of one split.

    Args:
        arrays: ``images`` (``test_images`` for the test split), of shape (n, h, w), (n, c, h, w) or (n, h, w, c), uint8
            or floats in [0, 1], and optionally ``labels`` (``test_labels``) of shape (n,), whole numbers or names.
            The labels of both splits name the classes.
        split: ``"train"`` or ``"test"``.
        name: Name of the image set.
        source: Where the arrays come from, as error messages call it.

    Raises:
        UserError: If images or labels are of another kind.
    """
    prefix = "test_" if split == "test" else ""
    images = as_tensor(_as_uint8(arrays[f"{prefix}images"], source))
    if f"{prefix}labels" not in arrays:
        return ImageSet(name=name, images=images)
    # both splits name the classes: an absent one must not shift the others
    labels = {key: arrays[key] for key in ("labels", "test_labels") if key in arrays}
    for key, values in labels.items():
        _require_labels(values, f"{source}: '{key}'")
    classes = np.unique(np.concatenate(list(labels.values())))
    indices = np.searchsorted(classes, labels[f"{prefix}labels"].astype(classes.dtype)).astype(np.int64)
    return ImageSet(name=name, images=images, labels=as_tensor(indices), classes=tuple(map(str, classes)))


def as_tensor(x: npt.NDArray[Any]) -> Tensor:
    """View an array as a tensor, copying only what torch cannot share: read-only memory and negative strides."""
    shareable = x.flags.writeable and all(stride >= 0 for stride in x.strides)
    return torch.from_numpy(x if shareable else x.copy())


def _as_numpy(x: Array) -> npt.NDArray[Any]:
    if not isinstance(x, Tensor):
        return x
    x = x.detach().cpu()
    array: npt.NDArray[Any] = (x.float() if x.dtype == torch.bfloat16 else x).numpy()  # numpy has no bfloat16
    return array


def _require_labels(x: npt.NDArray[Any], name: str) -> None:
    whole = x.dtype.kind in "biuSU" or (x.dtype.kind == "f" and bool((x == np.round(x)).all()))
    if x.ndim != 1 or not whole:
        raise UserError(f"{name} must be whole numbers or names, one per image, got {x.dtype} of shape {x.shape}")


def _as_uint8(x: npt.NDArray[Any], source: str) -> npt.NDArray[np.uint8]:
    if x.ndim == 3:
        x = x[:, None]
    elif x.ndim == 4 and x.shape[1] not in (1, 3) and x.shape[3] in (1, 3):
        x = np.moveaxis(x, 3, 1)
    if np.issubdtype(x.dtype, np.floating) and x.size:
        low, high = float(np.min(x)), float(np.max(x))
        if not (low >= 0 and high <= 1):
            raise UserError(f"{source}: float images must lie in [0, 1], got {low:.3g} to {high:.3g}")
        x = np.round(np.asarray(x, dtype=np.float64) * 255).astype(np.uint8)
    if x.ndim != 4 or x.dtype != np.uint8:
        raise UserError(
            f"{source}: images must be uint8 or floats in [0, 1], of shape (n, h, w), (n, h, w, c) or (n, c, h, w), "
            f"got {x.dtype} of shape {x.shape}"
        )
    return np.ascontiguousarray(x)
