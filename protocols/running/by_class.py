"""The error of each class, beside the error of all images."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt


class ByClass(TypedDict):
    """Fields of a row that describe its classes."""

    scored_classes: dict[str, int]
    class_errors: tuple[float | None, ...]
    balanced_error: float
    constant_error: float


def errors_by_class(wrong: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64], classes: Sequence[str]) -> ByClass:
    """Compute the error of each class, their mean, and the error of always guessing the most common class.

    Args:
        wrong: Whether each scored image was classified wrongly, shape (n,).
        labels: Their classes, shape (n,).
        classes: Name of every class; a class without scored images has no error.

    >>> found = errors_by_class(np.array([True, False, False, False]), np.array([0, 0, 0, 2]), ("a", "b", "c"))
    >>> found["scored_classes"], found["class_errors"][1:], round(found["balanced_error"], 1), found["constant_error"]
    ({'a': 3, 'b': 0, 'c': 1}, (None, 0.0), 16.7, 25.0)
    """
    counts: list[int] = np.bincount(labels, minlength=len(classes)).tolist()
    mistakes: list[int] = np.bincount(labels[wrong], minlength=len(classes)).tolist()
    errors = tuple(100 * m / n if n else None for m, n in zip(mistakes, counts, strict=True))
    present = [error for error in errors if error is not None]
    return ByClass(
        scored_classes=dict(zip(classes, counts, strict=True)),
        class_errors=errors,
        balanced_error=sum(present) / len(present),
        constant_error=100 * (len(labels) - max(counts)) / len(labels),
    )
