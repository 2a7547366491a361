"""What one run of the benchmark is asked for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The same for all sections.

    Args:
        quick: Few steps and points: to see that everything runs; the figures are rough.
        repeats: How often both sides run, in turn.
        device: Torch's name of one.
        large_batch: A batch that the machine likes better than the reference's 32.
        large_rate: The learning rate that goes with it.
        peer: A checkout of facebookresearch/irmae to run instead of the re-typed loop, or None.
        figures: Folder for figures.
    """

    quick: bool
    repeats: int
    device: str
    large_batch: int
    large_rate: float
    peer: Path | None
    figures: Path
