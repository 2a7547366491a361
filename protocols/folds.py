"""Stratified folds of the labelled images, for data without a test split: every image is scored, none by itself."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.errors import UserError

Indices = npt.NDArray[np.int64]

MOST_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Fold:
    """The images that are scored by what was learned from all others.

    Args:
        number: Which fold, from 0.
        folds: How many there are.
        held_out: Their positions in the training set, int64, ascending.
        scored: Their positions among the images that can be scored, in the same order.
    """

    number: int
    folds: int
    held_out: Indices
    scored: Indices

    def others(self, n: int) -> Tensor:
        """Return the positions of all other images of a set of n, labelled or not, ascending."""
        rest = np.ones(n, dtype=bool)
        rest[self.held_out] = False
        return torch.from_numpy(np.flatnonzero(rest))


def can_be_scored(train: ImageSet) -> Tensor:
    """Return the positions of the labelled images whose class has two or more: a single one has to be learned from.

    Raises:
        UserError: If there are none.
    """
    assert train.labels is not None  # load_task makes sure of it
    counts = train.labels[train.labelled].bincount(minlength=len(train.classes))
    scored = train.labelled[counts[train.labels[train.labelled]] > 1]
    if not len(scored):
        raise UserError(
            f"{train.name}: no class has two labelled {train.noun}s, so none can be held out to score; label more, or "
            f"give test {train.noun}s with labels"
        )
    return scored


def draw_folds(train: ImageSet, seed: int) -> list[Fold]:
    """Divide the images that can be scored into five folds, or fewer if a class has fewer images.

    The images of each class, in a random order, are dealt out one after the other, so that neither the size of folds
    nor the number of images of a class differs by more than one. A pure function of the set's fingerprint and the seed.

    Args:
        train: Images of which some or all are labelled.
        seed: Seed of the draw.
    """
    assert train.labels is not None  # load_task makes sure of it
    positions = can_be_scored(train).numpy()
    labels = train.labels.numpy()[positions]
    classes, counts = np.unique(labels, return_counts=True)
    rng = np.random.default_rng(derive_seed("folds", train.fingerprint, seed))
    dealt = np.concatenate([rng.permutation(np.flatnonzero(labels == c)) for c in classes])
    folds = min(MOST_FOLDS, int(counts.min()))
    scored = [np.sort(dealt[i::folds]) for i in range(folds)]
    return [Fold(i, folds, positions[each], each) for i, each in enumerate(scored)]


def without_labels_of(labels: Indices, fold: Fold) -> Indices:
    """Return the labels that may be learned from where a fold is scored."""
    rest = labels.copy()
    rest[fold.held_out] = UNLABELLED
    return rest
