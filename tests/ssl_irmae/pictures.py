"""Random images, and archives of them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RNG = np.random.default_rng(0)


def random_pixels(*shape: int) -> npt.NDArray[np.uint8]:
    """Draw pixels of 8 bits."""
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def write_npz(path: Path, arrays: dict[str, Any]) -> None:
    """Write an archive."""
    np.savez(path, **arrays)
