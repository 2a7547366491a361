"""The 1,797 8x8 digits that ship with scikit-learn: nothing to download."""

import numpy as np
import torch

from ssl_irmae.datasets.image_set import ImageSet, Split

_TRAIN = 1300  # the set is ordered by writer, so the last digits, the test split, were written by other people


def load(split: Split) -> ImageSet:
    """Load the first 1,300 digits (``"train"``) or the last 497 (``"test"``), pixels scaled from 0..16 to 0..255."""
    from sklearn.datasets import load_digits  # takes a second and 80 MB, which only this set needs

    x, y = load_digits(return_X_y=True)
    part = slice(None, _TRAIN) if split == "train" else slice(_TRAIN, None)
    images = np.minimum(x[part] * 16, 255).astype(np.uint8).reshape(-1, 1, 8, 8)
    return ImageSet(
        name="digits",
        images=torch.from_numpy(images),
        labels=torch.from_numpy(y[part].astype(np.int64)),
        classes=tuple(str(digit) for digit in range(10)),
    )
