"""The pictures to label next: those of which a classifier is least certain, no two of them alike."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ssl_irmae.protocols.labelling.clusters import cluster, rank_within

_CANDIDATES = 10  # per picture to choose
_FEWEST_CANDIDATES = 50
_LEAST_WEIGHT = 1e-3  # of a candidate without any doubt: k-means needs weights above 0


def uncertain(probabilities: Tensor, codes: Tensor, n: int, *, seed: int) -> Tensor:
    """Choose pictures of which a classifier is uncertain, spread over the codes.

    A picture is uncertain if the margin between the probabilities of its two best classes is small. The 10 n with the
    smallest margins (at least 50) are the candidates. k-means divides their codes into n clusters, in which each counts
    as 1 minus its margin; each cluster gives its most uncertain picture. Without clusters, many would be near copies of
    the same doubt.

    Source: candidates and weighted k-means are those of Zhdanov 2019, https://arxiv.org/abs/1901.05954, who takes the
    pictures nearest the centres; clusters of small margins are the idea of Cluster-Margin (Citovsky et al., NeurIPS
    2021, https://arxiv.org/abs/2107.14263).

    Args:
        probabilities: Of pictures without a label, shape (m, classes), at least two classes.
        codes: Their codes, fp32, shape (m, d).
        n: How many pictures to choose; all, if there are fewer.
        seed: Seed of the clusters; the same input and seed give the same pictures.

    Returns:
        Positions in the input, int64, shape (n,), in the order in which to label: those with the smallest margins
        first.
    """
    margin = _margin(probabilities)
    candidates = margin.argsort(stable=True)[: max(_CANDIDATES * n, _FEWEST_CANDIDATES)]
    margin = margin[candidates]
    groups = cluster(codes[candidates], n, seed=seed, weights=(1 - margin).clamp_min(_LEAST_WEIGHT))
    order = np.lexsort((margin.numpy(), rank_within(groups, margin).numpy()))  # by rank, then by margin
    return candidates[torch.from_numpy(order[:n])]


def doubt(probabilities: Tensor, classes: Sequence[str]) -> str:
    """Say between which two classes a classifier hesitates.

    Args:
        probabilities: Of one picture, shape (classes,), at least two classes.
        classes: Their names.

    >>> doubt(torch.tensor([0.45, 0.07, 0.48]), ["dog", "bird", "cat"])
    "between 'cat' (0.48) and 'dog' (0.45)"
    """
    best, second = probabilities.topk(2).indices.tolist()
    return (
        f"between {classes[best]!r} ({float(probabilities[best]):.2f}) "
        f"and {classes[second]!r} ({float(probabilities[second]):.2f})"
    )


def _margin(probabilities: Tensor) -> Tensor:
    best = probabilities.topk(2, dim=1).values
    return best[:, 0] - best[:, 1]
