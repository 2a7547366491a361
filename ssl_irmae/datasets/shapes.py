"""The synthetic shapes of the IRMAE paper: images of known intrinsic dimension."""

import numpy as np
import torch

from ssl_irmae.datasets.image_set import ImageSet, Split


def load(split: Split) -> ImageSet:
    """Draw the paper's 50,000 training or 10,000 test images, the same ones every time."""
    return generate(50_000, seed=0) if split == "train" else generate(10_000, seed=1)


def generate(n: int, *, seed: int) -> ImageSet:
    """Draw 32x32 RGB images of one filled circle or square on black: intrinsic dimension 7.

    Centre x and y are uniform in 8..24, size in 3..8 (whole pixels), red, green and blue in [0, 1), the shape is
    circle (class 0) or square (class 1). A circle of size r holds the pixels within distance r of its centre; a
    square of size r reaches from its centre to r pixels right and down, as in the public IRMAE code.

    Source: Jing, Zbontar and LeCun, NeurIPS 2020, https://arxiv.org/abs/2010.00679, section 3.1.

    Args:
        n: Number of images, at least 1.
        seed: Seed of numpy's default generator; the same n and seed give the same images.
    """
    rng = np.random.default_rng(seed)
    shape = rng.integers(0, 2, n)
    x, y = rng.integers(8, 25, (2, n))
    size = rng.integers(3, 9, n)
    colour = rng.random((n, 3), dtype=np.float32)
    row, column = np.arange(32)[None, :, None], np.arange(32)[None, None, :]
    down, right = row - y[:, None, None], column - x[:, None, None]
    r = size[:, None, None]
    circle = down**2 + right**2 <= r**2
    square = (down >= 0) & (down <= r) & (right >= 0) & (right <= r)
    mask = np.where(shape[:, None, None] == 1, square, circle)
    pixels = np.round(colour * 255).astype(np.uint8)
    return ImageSet(
        name="shapes",
        images=torch.from_numpy(mask[:, None] * pixels[:, :, None, None]),
        labels=torch.from_numpy(shape.astype(np.int64)),
        classes=("circle", "square"),
    )
