"""The only module that uses pytorch-metric-learning, and its traps.

Its distances normalise vectors unless asked not to. Its sampler draws from numpy's global generator unless a module
variable is replaced. Its SupCon loss is silently 0 for a batch without a pair of one class. Matrix products round
differently for different numbers of rows, so distances are computed in double precision, where that changes no result.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import (
    ContrastiveLoss,
    MultiSimilarityLoss,
    NTXentLoss,
    SupConLoss,
    TripletMarginLoss,
)
from pytorch_metric_learning.samplers import MPerClassSampler
from pytorch_metric_learning.utils import common_functions
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN
from sklearn.cluster import KMeans
from torch import Tensor

from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.protocols.graphs.all_pairs import all_distances, nearest_of_all

_CHUNK = 256

Loss = Callable[[Tensor, Tensor], Tensor]
"""Maps embeddings (m, d) and labels (m,) to a scalar."""

LOSSES: dict[str, Callable[[], Loss]] = {
    "supcon": SupConLoss,
    "triplet": TripletMarginLoss,
    "ntxent": NTXentLoss,
    "contrastive": ContrastiveLoss,
    "multi-similarity": MultiSimilarityLoss,
}
"""Losses that can be added to joint training, each with the library's default settings."""


def euclidean(x: Tensor, points: Tensor) -> Tensor:
    """Measure Euclidean distances from each x (m, d) to each point (n, d): fp64 (m, n)."""
    if torch.compiler.is_exporting():
        return all_distances(x, points)
    distances: Tensor = LpDistance(normalize_embeddings=False)(x.double(), points.double())
    return distances


def nearest(x: Tensor, points: Tensor, k: int) -> Tensor:
    """Find the k nearest points (n, d) of each x (m, d), nearest first: positions, int64 (m, k).

    All pairs are compared in double precision; among thousands of points ``Neighbours`` finds the same faster.
    """
    if torch.compiler.is_exporting():
        return nearest_of_all(x, points, k)[1]
    search = CustomKNN(LpDistance(normalize_embeddings=False), batch_size=_CHUNK)
    positions: Tensor = search(x.double(), k, points.double())[1]
    return positions


def has_pairs(labels: Tensor) -> bool:
    """Whether a batch has two examples of one class and one of another, which a metric loss needs."""
    most = int(labels.bincount().max())
    return 2 <= most < len(labels)


def retrieval_metrics(codes: Tensor, labels: Tensor) -> dict[str, float]:
    """Measure how well the nearest other codes, by Euclidean distance, and k-means clusters agree with the labels.

    Args:
        codes: Codes, fp32 (n, d).
        labels: Their classes, int64 (n,), each class at least twice.

    Returns:
        precision_at_1, r_precision, mean_average_precision_at_r, NMI and AMI, each from 0 to 1.
    """

    def clusters(x: Tensor, count: int) -> Tensor:
        fitted = KMeans(count, n_init=4, random_state=0).fit_predict(x.numpy())
        return torch.from_numpy(fitted.astype(np.int64))

    calculator = AccuracyCalculator(
        include=("precision_at_1", "r_precision", "mean_average_precision_at_r", "NMI", "AMI"),
        k="max_bin_count",
        device=torch.device("cpu"),
        knn_func=CustomKNN(LpDistance(normalize_embeddings=False), batch_size=_CHUNK),
        kmeans_func=clusters,
    )
    measured: dict[str, float] = calculator.get_accuracy(codes, labels)
    return measured


def supcon(z: Tensor, labels: Tensor, *, temperature: float) -> Tensor:
    """Compute the supervised contrastive loss of a batch z (m, d), by cosine similarity.

    Source: Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, https://arxiv.org/abs/2004.11362.

    Raises:
        ValueError: If no two examples share a class, or all do.
    """
    if not has_pairs(labels):
        raise ValueError("the contrastive loss needs two examples of one class and one of another")
    loss: Tensor = SupConLoss(temperature=temperature)(z, labels)
    return loss


def class_batches(labels: Tensor, per_class: int, steps: int, *parts: int | str) -> Iterator[Tensor]:
    """Yield index batches with equally many examples of every class, drawn from a random stream of their own.

    Args:
        labels: Classes, int64 (m,).
        per_class: Examples of each class per batch; no class may have fewer.
        steps: Number of batches.
        *parts: What the seed is derived from.
    """
    size = per_class * len(torch.unique(labels))
    sampler = MPerClassSampler(labels, per_class, length_before_new_iter=steps * size)
    library_rng = common_functions.NUMPY_RANDOM
    common_functions.NUMPY_RANDOM = np.random.default_rng(derive_seed(*parts))
    try:
        indices = torch.tensor(list(sampler))  # draws everything while the generator is replaced
    finally:
        common_functions.NUMPY_RANDOM = library_rng
    return iter(torch.split(indices, size))
