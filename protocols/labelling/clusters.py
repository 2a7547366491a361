"""Clusters of codes, the same on every run, and the order within them."""

import warnings

import numpy as np
import torch
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits
from torch import Tensor

from ssl_irmae._support.seeding import derive_seed

_MOST_AT_ONCE = 50  # clusters, beyond which k-means sees a batch at a time
_BATCH = 5000


def cluster(codes: Tensor, count: int, *, seed: int, weights: Tensor | None = None) -> Tensor:
    """Divide codes into clusters by k-means; into mini-batch k-means' (Sculley, WWW 2010) where there are more than 50.

    Args:
        codes: fp32, shape (n, d).
        count: Number of clusters; there are fewer where fewer codes differ.
        seed: Seed of the first centres; the same codes and seed give the same clusters.
        weights: How much each code counts, positive, shape (n,); all the same unless given.

    Returns:
        The cluster of each code, int64, shape (n,).
    """
    count = min(count, len(codes))
    state = derive_seed(seed, "clusters") % 2**32  # the most that scikit-learn takes
    model = (
        KMeans(count, random_state=state)
        if count <= _MOST_AT_ONCE
        else MiniBatchKMeans(count, random_state=state, batch_size=_BATCH)
    )
    # one thread: with several, sums are added in the order in which they end
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # equal codes leave clusters empty, as they should
        found = model.fit_predict(codes.numpy(), sample_weight=None if weights is None else weights.numpy())
    return torch.from_numpy(found.astype(np.int64))


def rank_within(groups: Tensor, score: Tensor) -> Tensor:
    """Rank everything within its group, lowest score first; equal scores in order of position.

    Args:
        groups: Group of each, int64, shape (n,).
        score: Shape (n,).

    Returns:
        Ranks from 0, int64, shape (n,).

    >>> rank_within(torch.tensor([0, 1, 0]), torch.tensor([0.3, 0.1, 0.2])).tolist()
    [1, 0, 0]
    """
    order = np.lexsort((score.numpy(), groups.numpy()))
    ordered = groups.numpy()[order]
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return torch.from_numpy(ranks)
