"""The one door to pytorch-metric-learning, and what one has to know to pass it safely.

Its distances normalise vectors unless told not to. Its sampler draws from numpy's global generator unless its module
variable is replaced. Its SupCon loss is 0, silently, for a batch without a pair of one class. Matrix products round
differently for different numbers of rows, so distances are taken in double precision, where that decides nothing.
"""

from collections.abc import Iterator

import numpy as np
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import SupConLoss
from pytorch_metric_learning.samplers import MPerClassSampler
from pytorch_metric_learning.utils import common_functions
from pytorch_metric_learning.utils.inference import CustomKNN
from torch import Tensor

from ssl_irmae.seeding import derive_seed

_CHUNK = 256


def euclidean(x: Tensor, points: Tensor) -> Tensor:
    """Measure Euclidean distances from each x (m, d) to each point (n, d): fp64 (m, n)."""
    distances: Tensor = LpDistance(normalize_embeddings=False)(x.double(), points.double())
    return distances


def nearest(x: Tensor, reference: Tensor, k: int) -> Tensor:
    """Find the k nearest reference points (n, d) of each x (m, d), nearest first: positions, int64 (m, k)."""
    search = CustomKNN(LpDistance(normalize_embeddings=False), batch_size=_CHUNK)
    positions: Tensor = search(x.double(), k, reference.double())[1]
    return positions


def supcon(z: Tensor, labels: Tensor, *, temperature: float) -> Tensor:
    """Compute the supervised contrastive loss of a batch z (m, d), by cosine.

    Source: Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, https://arxiv.org/abs/2004.11362.

    Raises:
        ValueError: If no two examples share a class, or all do.
    """
    counts = labels.bincount()
    if counts.max() < 2 or counts.max() == len(labels):
        raise ValueError("the contrastive loss needs two examples of one class and one of another")
    loss: Tensor = SupConLoss(temperature=temperature)(z, labels)
    return loss


def class_batches(labels: Tensor, per_class: int, steps: int, *parts: int | str) -> Iterator[Tensor]:
    """Yield index batches with equally many examples of every class, drawn from a generator of its own.

    Args:
        labels: Shape (m,).
        per_class: Examples of each class in a batch; no class may have fewer.
        steps: Number of batches.
        *parts: Of the seed.
    """
    size = per_class * len(torch.unique(labels))
    sampler = MPerClassSampler(labels, per_class, length_before_new_iter=steps * size)
    theirs = common_functions.NUMPY_RANDOM
    common_functions.NUMPY_RANDOM = np.random.default_rng(derive_seed(*parts))
    try:
        drawn = torch.tensor(list(sampler))  # all are drawn here, before the first is used
    finally:
        common_functions.NUMPY_RANDOM = theirs
    return iter(torch.split(drawn, size))
