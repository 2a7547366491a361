"""Images as arrays: in memory, or from a file that is read as far as needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae.datasets.columns import as_rows
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet, Split
from ssl_irmae.datasets.label_arrays import index_classes, read_labels
from ssl_irmae.datasets.large_arrays import as_tensor
from ssl_irmae.datasets.layout import channels_first
from ssl_irmae.datasets.pixel_range import PixelScale, to_uint8
from ssl_irmae.datasets.reading import Reading, count
from ssl_irmae.errors import NoTestSplitError, UserError

Array = npt.NDArray[Any] | Tensor
Arrays = ImageSet | Array | tuple[Array, Array] | tuple[Array, Array, Array, Array]

_NAMES = ("images", "labels", "test_images", "test_labels")


@dataclass(frozen=True)
class ArraySource:
    """An array that is read when it is needed.

    Args:
        title: How error messages call it.
        read: Reads and returns it.
    """

    title: str
    read: Callable[[], npt.NDArray[Any]]


def load(arrays: Arrays, split: Split, like: PixelScale | None = None) -> ImageSet:
    """Return one split of images that are in memory already.

    Args:
        arrays: An ``ImageSet``, an array of images, ``(images, labels)`` or
            ``(images, labels, test_images, test_labels)``, of numpy arrays or tensors as in ``from_arrays``.
        split: ``"train"``; ``"test"`` where there are test images.
        like: How earlier images became 8 bits.

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
            "`dataset` must be a name, a path, an ImageSet, an array of images or of rows, (images, labels) or "
            f"(images, labels, test_images, test_labels), got {' and '.join(kinds) or 'an empty tuple'}"
        )
    if split == "test" and len(parts) < 4:
        raise no_test
    named = {
        name: ArraySource(f"`dataset`: '{name}'", partial(as_numpy, part))
        for name, part in zip(_NAMES, parts, strict=False)
    }
    return from_arrays(named, split, name="arrays", like=like)


def arrays_of(dataset: object, split: Split) -> npt.NDArray[Any] | None:
    """Return the images of a split as the user gave them, if a data set is arrays that ``load`` takes; None if not."""
    parts = dataset if isinstance(dataset, tuple) else (dataset,)
    images = next(iter(parts[2 if split == "test" else 0 :]), None)
    return as_numpy(images) if isinstance(images, np.ndarray | Tensor) else None


def from_arrays(
    arrays: Mapping[str, ArraySource],
    split: Split,
    *,
    name: str,
    left_out: tuple[str, ...] = (),
    changed: tuple[str, ...] = (),
    columns: tuple[str, ...] = (),
    like: PixelScale | None = None,
) -> ImageSet:
    """Make an image set from the arrays of one split.

    Args:
        arrays: ``images`` (``test_images`` for the test split), of a shape as in ``channels_first`` and of numbers as
            in ``to_uint8``, or rows of numbers, of shape (n, d); and optionally ``labels`` (``test_labels``) as in
            ``read_labels``. The labels of both splits name the classes. Images of the other split are read only where
            the range of pixels is in doubt.
        split: ``"train"`` or ``"test"``.
        name: Name of the image set.
        left_out: What was left out already, for the record.
        changed: What was changed already, for the record.
        columns: Names of the columns of rows of numbers.
        like: How earlier images became 8 bits: these become so too.

    Raises:
        UserError: If images or labels are of another kind.
    """
    prefix, other_prefix = ("test_", "") if split == "test" else ("", "test_")
    given = {
        key: read_labels(arrays[key].read(), arrays[key].title) for key in ("labels", "test_labels") if key in arrays
    }
    own = given.get(f"{prefix}labels")
    indices, classes = index_classes(given) if given else ({}, ())
    labels = indices.get(f"{prefix}labels")
    source = arrays[f"{prefix}images"]
    x, band, scale, scaled = source.read(), None, None, None
    images: npt.NDArray[Any]
    if x.ndim == 2:
        images = _rows(x, source.title)
    else:
        x, band = channels_first(x, source.title)
        other = partial(_images, arrays.get(f"{other_prefix}images"))
        images, scale, scaled = to_uint8(x, source.title, other, like)
    if labels is None or (len(labels) == len(images) and (labels == UNLABELLED).all()):
        labels, classes = None, ()
    reading = Reading(
        what=_what(images, labels, classes, split),
        left_out=left_out + ((band,) if band else ()),
        changed=changed + tuple(change for change in (own and own.changed, scaled) if change),
    )
    tensor = None if labels is None else as_tensor(labels)
    return ImageSet(name, as_tensor(images), tensor, classes, reading=reading, columns=columns, scale=scale)


def as_numpy(x: Array) -> npt.NDArray[Any]:
    """View an array or a tensor as an array of numpy, on the CPU; bfloat16 becomes fp32."""
    if not isinstance(x, Tensor):
        return x
    x = x.detach().cpu()
    array: npt.NDArray[Any] = (x.float() if x.dtype == torch.bfloat16 else x).numpy()  # numpy has no bfloat16
    return array


def _rows(x: npt.NDArray[Any], title: str) -> npt.NDArray[np.floating[Any]]:
    """Check rows of numbers (n, d), and return them as floats (n, d, 1, 1): images of one pixel."""
    if x.dtype.kind not in "biuf":
        raise UserError(f"{title} must be rows of numbers where it has two axes, got {x.dtype} of shape {x.shape}")
    rows = x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)
    as_rows(as_tensor(rows), title)
    return np.ascontiguousarray(rows)[:, :, None, None]


def _images(source: ArraySource | None) -> npt.NDArray[Any] | None:
    return None if source is None else channels_first(source.read(), source.title)[0]


def _what(
    images: npt.NDArray[Any], labels: npt.NDArray[np.int64] | None, classes: tuple[str, ...], split: Split
) -> tuple[str, ...]:
    n, channels, height, width = images.shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"of {channels} channels")
    parts = [count(n, "picture"), f"{width}x{height} {kind}"]
    if images.dtype.kind == "f":
        parts = [count(n, "row"), f"{count(channels, 'column')} of numbers"]
    if labels is None:
        return (*parts, "no labels")
    labelled = labels[labels != UNLABELLED]
    present = len(np.unique(labelled))
    parts.insert(1, ("" if present == len(classes) else f"{present} of ") + count(len(classes), "class", "classes"))
    if len(labelled) < len(labels):
        scored = " (never scored)" if split == "test" else ""
        parts += [f"{len(labelled):,} labelled", f"{len(labels) - len(labelled):,} unlabelled{scored}"]
    return tuple(parts)
