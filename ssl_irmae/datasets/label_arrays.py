"""Arrays of labels: numbers, names or one-hot rows become class indices, and -1 for an image without a label."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ssl_irmae.datasets.image_set import UNLABELLED
from ssl_irmae.datasets.reading import listed
from ssl_irmae.errors import UserError

Array = npt.NDArray[Any]

_EXACT = 2**53
"""Below it, fp64 holds every whole number."""


@dataclass(frozen=True)
class LabelArray:
    """The labels of one split as they were given.

    Args:
        title: How error messages call the array.
        values: Whole numbers or names, shape (n,); anything where there is no label.
        labelled: Whether there is a label, shape (n,).
        columns: Number of columns of one-hot rows, or None.
        changed: What was done to the array that a person may not expect, or None.
    """

    title: str
    values: Array
    labelled: npt.NDArray[np.bool_]
    columns: int | None = None
    changed: str | None = None


def read_labels(x: Array, title: str) -> LabelArray:
    """Read labels of shape (n,), (n, 1), or (n, k) with exactly one 1 per row.

    Whole numbers of -1, floats that are NaN, and empty names mean that an image has no label.

    Raises:
        UserError: If they are anything else, such as rows with several ones.

    >>> read_labels(np.array([[0, 1, 0], [0, 0, 1]]), "y").values
    array([1, 2])
    """
    columns, changed = None, None
    if x.ndim == 2 and x.shape[1] == 1:
        x, changed = x[:, 0], f"labels of shape {x.shape} taken as one column"
    elif x.ndim == 2 and x.shape[1] > 1 and x.dtype.kind in "biuf" and np.isin(x, (0, 1)).all():
        columns, changed = x.shape[1], f"one-hot labels of {x.shape[1]} columns turned into class numbers"
        x = _from_one_hot(x, title)
    if x.ndim == 1 and x.dtype.kind == "O":
        x = from_objects(x)
    if x.ndim != 1 or x.dtype.kind not in "biufSU" or (x.dtype.kind == "f" and not _is_whole(x)):
        raise UserError(
            f"{title} must be whole numbers or names, one per image, or one-hot rows, got {x.dtype} of shape {x.shape}"
        )
    if x.dtype.kind == "S":
        x = np.char.decode(x, "utf-8", "replace")
    if x.dtype.kind == "U":
        return LabelArray(title, x, np.char.str_len(x) > 0, changed=changed)
    missing = np.isnan(x)
    # the classes of floats are named as those of whole numbers: 1, not 1.0
    values = np.where(missing, 0, x).astype(np.int64) if x.dtype.kind == "f" else x
    return LabelArray(title, values, ~missing & (values != UNLABELLED), columns, changed)


def index_classes(labels: Mapping[str, LabelArray]) -> tuple[dict[str, npt.NDArray[np.int64]], tuple[str, ...]]:
    """Number the classes of both splits alike: an absent class must not shift the others.

    Args:
        labels: The labels of the splits, under ``"labels"`` (training) and ``"test_labels"``, or one of them.

    Returns:
        Class indices per split, -1 without a label; and the names of the classes in their order.

    Raises:
        UserError: If the splits have one-hot rows of different length, if -1 cannot be told from a class, or if
            training images lack a class of the test images.
    """
    arrays = list(labels.values())
    if len({array.columns for array in arrays} - {None}) > 1:
        widths = " and ".join(f"{array.title} {array.columns}" for array in arrays)
        raise UserError(f"one-hot rows must have one column per class in both splits, got {widths} columns")
    classes = np.unique(np.concatenate([array.values[array.labelled] for array in arrays]))
    if classes.tolist() == [1] and any((a.values[~a.labelled] == UNLABELLED).any() for a in arrays):
        raise UserError(
            f"{arrays[0].title} has only the values -1 and 1, and -1 means 'without a label': name the two classes 0 "
            "and 1; or, if -1 does mean that, leave the labels out, since one class is nothing to learn"
        )
    indices = {
        key: np.where(array.labelled, np.searchsorted(classes, array.values.astype(classes.dtype)), UNLABELLED).astype(
            np.int64
        )
        for key, array in labels.items()
    }
    names = tuple(map(str, classes))
    if len(indices) == 2 and labels["labels"].labelled.any():
        lacking = np.setdiff1d(indices["test_labels"], [*indices["labels"], UNLABELLED])
        if lacking.size:
            absent = "class" if len(lacking) == 1 else "classes"
            raise UserError(
                f"{labels['test_labels'].title} has the {absent} {listed([names[i] for i in lacking])}, which no "
                "training image has: label such training images, or leave the test images out"
            )
    return indices, names


def from_objects(x: Array) -> Array:
    """Return objects, shape (n,), as names or numbers.

    None, NaN and pandas' NA become an empty name, or NaN; or -1 among whole numbers that fp64 would round.

    >>> from_objects(np.array(["cat", None], object)), from_objects(np.array([3, np.nan], object))
    (array(['cat', ''], dtype='<U3'), array([ 3., nan]))
    """
    missing = np.array([_is_missing(value) for value in x], bool)
    present = x[~missing]
    if all(isinstance(value, str) for value in present):
        return np.array(["" if none else value for value, none in zip(x, missing, strict=True)])
    if all(isinstance(value, int | float | np.number) for value in present):
        if not missing.any():
            return np.array(x.tolist())
        if all(isinstance(value, int | np.integer) for value in present) and _EXACT <= np.abs(present).max() < 2**63:
            return np.where(missing, UNLABELLED, x).astype(np.int64)
        return np.where(missing, np.nan, x).astype(float)
    return x


def _is_missing(value: object) -> bool:
    """Return whether a label is None, NaN, which does not equal itself, or pandas' NA or NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return np.isscalar(value) and bool(value != value)


def _from_one_hot(x: Array, title: str) -> npt.NDArray[np.int64]:
    ones = x.sum(1, dtype=np.int64)
    if (ones > 1).any():
        raise UserError(
            f"{title} gives several classes to an image (row {int(np.argmax(ones > 1))}): keep one class per image"
        )
    if (ones < 1).any():
        raise UserError(
            f"{title} must be whole numbers or names, one per image, or one-hot rows with exactly one 1; row "
            f"{int(np.argmax(ones < 1))} has none"
        )
    return np.asarray(x.argmax(1), np.int64)


def _is_whole(x: Array) -> bool:
    return bool((np.isnan(x) | ((np.abs(x) < _EXACT) & (x == np.round(x)))).all())
