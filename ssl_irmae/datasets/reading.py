"""What was read from the user's own images, in one line: the line that exposes most mistakes in the data."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What was read, and what was not.

    Args:
        what: What was read, as parts of a sentence: pictures, classes, sizes, grey or colour, labelled and unlabelled.
        left_out: What was left out and why, such as ``"3 hidden files"``; empty if nothing was.
        changed: What was done to pixels or labels that the user may not expect, such as ``"16-bit pixels divided by
            257"``; empty if nothing was.
    """

    what: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return one line.

        >>> print(Reading(("12 pictures", "3 classes"), left_out=("2 hidden files",)))
        12 pictures, 3 classes; left out: 2 hidden files
        """
        parts = [", ".join(self.what), *self.changed]
        if self.left_out:
            parts.append(f"left out: {', '.join(self.left_out)}")
        return "; ".join(parts)


def count(n: int, noun: str, plural: str | None = None) -> str:
    """Write a count with its noun.

    >>> count(1, "class", "classes"), count(1200, "picture")
    ('1 class', '1,200 pictures')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """List names, a few of very many.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"
