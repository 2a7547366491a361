"""A picture to label, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Suggestion:
    """A picture to label, and why.

    Args:
        position: Position of the picture in its set.
        reason: Why it was chosen, as part of a sentence.
    """

    position: int
    reason: str
