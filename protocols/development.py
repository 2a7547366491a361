"""Which training images are held out for development, so that settings can be chosen without the test images."""

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.seeding import derive_seed, generator
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.errors import UserError

_SHARE = 6  # one image of six


def hold_out(train: ImageSet, *, by_class: bool) -> tuple[Tensor, Tensor]:
    """Draw a sixth of the labelled training images, by the fingerprint of the set.

    Args:
        train: Training images with labels. Those without a label stay in training.
        by_class: Whether a sixth of each class is drawn, rounded, at least one image; a class with a single labelled
            image stays in training. If not, the draw does not look at labels.

    Returns:
        Positions of the images to learn from and of those to score, both ascending.

    Raises:
        UserError: If no class has two labelled images.
    """
    if not by_class:
        order = torch.randperm(len(train), generator=generator("cpu", "development", train.fingerprint))
        return order[len(train) // _SHARE :].sort().values, order[: len(train) // _SHARE].sort().values
    assert train.labels is not None  # load_task makes sure of it
    labels = train.labels.numpy()
    rng = np.random.default_rng(derive_seed("development by class", train.fingerprint))
    held_out = np.zeros(len(labels), dtype=bool)
    for c in np.unique(labels[labels != UNLABELLED]):
        of_class = rng.permutation(np.flatnonzero(labels == c))
        if len(of_class) > 1:
            held_out[of_class[: max(1, round(len(of_class) / _SHARE))]] = True
    if not held_out.any():
        raise UserError(
            f"{train.name}: no class has two labelled {train.noun}s, so none can be held out to score; label more, or "
            f"give test {train.noun}s with labels"
        )
    return torch.from_numpy(np.flatnonzero(~held_out)), torch.from_numpy(np.flatnonzero(held_out))
