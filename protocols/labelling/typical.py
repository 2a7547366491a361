"""The pictures to label first: the most typical one of each group of similar pictures."""

import numpy as np
import torch
from torch import Tensor

from ssl_irmae.datasets.reading import count
from ssl_irmae.protocols.graphs.neighbours import Neighbours
from ssl_irmae.protocols.labelling.clusters import cluster, rank_within
from ssl_irmae.protocols.labelling.suggestion import Suggestion

_MOST_CLUSTERS = 500
_NEIGHBOURS = 20
_SMALL = 5  # pictures


def typical(codes: Tensor, n: int, *, seed: int, labelled: Tensor | None = None) -> Tensor:
    """Choose pictures that are typical of many others and unlike those chosen or labelled already.

    The codes are divided into as many clusters as there will be labels, at most 500. Each cluster gives its most
    typical picture, that with the smallest mean distance to its 20 nearest neighbours in the cluster: first the
    clusters with the fewest labels, among these the largest. Where clusters run out, each gives its next most typical
    one. Clusters of fewer than 5 pictures are passed over while others have pictures left; where clusters are smaller
    than that on average, those below the average.

    Source: Hacohen, Dekel and Weinshall, ICML 2022, https://arxiv.org/abs/2202.02794 (TypiClust), whose codes have
    length 1; those of an autoencoder are taken as they are.

    Args:
        codes: Codes of all pictures, fp32, shape (m, d).
        n: How many pictures to choose; all that are not labelled, if there are fewer.
        seed: Seed of the clusters; the same codes and seed give the same pictures.
        labelled: Positions of the pictures that have a label, int64.

    Returns:
        Positions, int64, shape (n,), in the order in which to label.
    """
    chosen = typical_suggestions(codes, n, seed=seed, labelled=labelled)
    return torch.tensor([suggestion.position for suggestion in chosen], dtype=torch.int64)


def typical_suggestions(codes: Tensor, n: int, *, seed: int, labelled: Tensor | None = None) -> tuple[Suggestion, ...]:
    """Choose the pictures that ``typical`` returns, and say how many similar ones each stands for."""
    has_label = torch.zeros(len(codes), dtype=torch.bool)
    if labelled is not None:
        has_label[labelled] = True
    groups = cluster(codes, min(n + int(has_label.sum()), _MOST_CLUSTERS), seed=seed)
    sizes, labels = torch.bincount(groups), torch.bincount(groups[has_label], minlength=int(groups.max()) + 1)
    small = sizes < min(_SMALL, len(codes) / int((sizes > 0).sum()))
    free = (~has_label).nonzero().flatten()
    of = groups[free]
    rank = rank_within(of, _distance_to_neighbours(codes, groups)[free])
    order = np.lexsort([key.numpy() for key in (-sizes[of], labels[of], rank, small[of])])  # the last comes first
    return tuple(Suggestion(int(free[i]), _reason(int(sizes[of[i]]), int(labels[of[i]]))) for i in order[:n])


def _distance_to_neighbours(codes: Tensor, groups: Tensor) -> Tensor:
    """Measure the mean distance of each code to its nearest others in its group, fp64 (m,); 0 where it is alone."""
    distance = torch.zeros(len(codes), dtype=torch.float64)
    for group in groups.unique():
        members = (groups == group).nonzero().flatten()
        if len(members) > 1:
            near, _ = Neighbours(codes[members]).search(codes[members], _NEIGHBOURS, exclude_self=True)
            distance[members] = near.mean(1)
    return distance


def _reason(size: int, labelled: int) -> str:
    if size == 1:
        return "unlike all other pictures"
    known = f", of which {labelled:,} {'has' if labelled == 1 else 'have'} a label" if labelled else ""
    return f"typical of a group of {count(size, 'similar picture')}{known}"
