"""Labelled subsets of typical images: those that a person would be asked for, the same for all contenders."""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.datasets.image_set import UNLABELLED
from ssl_irmae.protocols.folds import Fold, Indices
from ssl_irmae.protocols.labelling.typical import typical
from ssl_irmae.protocols.subsets import Subset

TYPICAL: Final = "typical"
DEFAULT_REPRESENTATION = "pca"

CodesOf = Callable[[Fold | None], Tensor]
"""Returns the codes, fp32 (n, d), of the training images outside a fold, in order; of all of them for None."""


def choose_typical(
    labels: Indices, codes: Tensor, *, fingerprint: str, budget: int, seed: int, fold: Fold | None = None
) -> Subset:
    """Choose the labelled images by their codes, without reading any label: see ``typical``.

    Only images that have a label can be chosen. Unlike subsets that are drawn, a smaller one is not contained in a
    larger one: the clusters are others. Seeds differ in the start of the clustering alone.

    Args:
        labels: Labels that may be learned from, int64 (n,); -1 for images without one.
        codes: Codes of the training images outside the fold, fp32 (m, d).
        fingerprint: Fingerprint of the training set.
        budget: Number of labels, at most as many as there are.
        seed: Seed of the choice.
        fold: The fold that is scored.
    """
    labelled = np.flatnonzero(labels != UNLABELLED)
    if budget == len(labelled):
        return Subset(labelled, seed, "full", fold)
    places = torch.from_numpy(labelled)
    if fold is not None:
        places = torch.searchsorted(fold.others(len(labels)), places)
    # small enough for scikit-learn
    chosen: Tensor = typical(codes[places], budget, seed=derive_seed("typical", fingerprint, seed) % 2**32)
    return Subset(labelled[chosen.numpy()], seed, "typical", fold)
