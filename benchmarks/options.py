"""The options of one run of the benchmark."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The same for all sections.

    Args:
        quick: Take few steps and points, to see that everything runs; the numbers are rough.
        repeats: How often both sides run, in turn.
        device: The name torch has for it.
        large_batch: A batch size that suits the machine better than the public code's 32.
        large_rate: The learning rate that goes with it.
        peer: A checkout of facebookresearch/irmae to run instead of the re-typed code, or None.
        figures: Folder for figures.
    """

    quick: bool
    repeats: int
    device: str
    large_batch: int
    large_rate: float
    peer: Path | None
    figures: Path
