"""Label budgets: a number of labels, all of them, a share of the labelled images, or so many per class."""

import math
import re
from fractions import Fraction

Budget = int | str | None
"""A number of labels; ``"1%"`` of the labelled training images; ``"5/class"``; or None for all labels."""

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)%")
_PER_CLASS = re.compile(r"(\d{1,9})/class")


def is_relative(word: str) -> bool:
    """Return whether a word is a budget that depends on the data: ``1%`` or ``5/class``, more than nothing.

    >>> is_relative("0.5%"), is_relative("5/class"), is_relative("101%"), is_relative("0/class")
    (True, True, False, False)
    """
    if share := _SHARE.fullmatch(word):
        return 0 < Fraction(share[1]) <= 100
    per_class = _PER_CLASS.fullmatch(word)
    return per_class is not None and int(per_class[1]) > 0


def number_of_labels(budget: Budget, *, labelled: int, classes: int) -> int:
    """Return how many labels a budget is.

    A share is rounded up, so it is at least one label.

    Args:
        budget: As ``read_budgets`` returned it.
        labelled: Number of labelled training images.
        classes: Number of classes that they are of.

    >>> [number_of_labels(b, labelled=130, classes=10) for b in (7, "1%", "5/class", None)]
    [7, 2, 50, 130]
    """
    if budget is None:
        return labelled
    if isinstance(budget, int):
        return budget
    if share := _SHARE.fullmatch(budget):
        return math.ceil(Fraction(share[1]) * labelled / 100)
    return int(budget.split("/")[0]) * classes
