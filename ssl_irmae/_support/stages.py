"""How long each stage of a command took."""

import contextlib
import time
from collections.abc import Iterator


class Stages:
    """Measure the wall-clock seconds of named stages.

    >>> stages = Stages()
    >>> with stages("load"):
    ...     pass
    >>> list(stages.seconds)
    ['load']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Add the seconds spent inside the block to a stage, even if an error ends it."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def rounded(self) -> dict[str, float]:
        """Return the seconds by stage, in the order in which they began, to a millisecond."""
        return {name: round(seconds, 3) for name, seconds in self.seconds.items()}
