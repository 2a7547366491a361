"""Find as many clusters among codes as there are classes, without any label."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits
from torch import Tensor

from ssl_irmae.protocols.contenders.settings import FUSED_PRIOR
from ssl_irmae.protocols.graphs.partition import lowest_cut
from ssl_irmae.protocols.readouts.on_graph import inductive, shared_graph
from ssl_irmae.protocols.readouts.sample import Memo

K_MEANS = "k-means"
LOWEST_CUT = "lowest cut"
_STARTS = 10


@dataclass(frozen=True)
class Clustering:
    """How well clusters that were found without a label agree with the classes of the scored images.

    It is a clustering score, not the error of a contender: the scorer names the clusters.

    Args:
        representation: Name of the representation.
        method: ``"k-means"`` or ``"lowest cut"``.
        error: Percentage of the scored images that are not of the class that the scorer gave their cluster; each
            cluster gets one class, and each class one cluster.
    """

    representation: str
    method: str
    error: float


def find_clusters(codes: Tensor, scored: Tensor, count: int, *, parts: int, memo: Memo) -> dict[str, Tensor]:
    """Divide unlabelled codes into clusters and give each scored code the nearest.

    Two ways: k-means, the best of ten starts; and the lowest cut of a neighbour graph into parts of nearly equal size,
    with the settings of ``fused-poisson-prior`` (see ``lowest_cut``). Both are the same on every run.

    Args:
        codes: Codes of the training images, fp32 (n, d).
        scored: Codes of the scored images, fp32 (m, d).
        count: Number of clusters.
        parts: Number of encoders whose codes stand side by side; k-means needs a single one.
        memo: What readouts of the same codes share: the graph.

    Returns:
        By method, the cluster of each scored code, int64 (m,).
    """
    graph = shared_graph(memo, codes, k=int(FUSED_PRIOR["k"]), parts=parts)
    part = lowest_cut(graph, count, slack=float(FUSED_PRIOR["slack"]), starts=int(FUSED_PRIOR["starts"]))
    scores = F.one_hot(torch.from_numpy(part[graph.place]), count).float()
    found = {LOWEST_CUT: inductive(graph, scores, torch.arange(count))(scored)}
    if parts == 1:
        with threadpool_limits(1):  # with several, sums are added in the order in which they end
            model = KMeans(count, n_init=_STARTS, random_state=0).fit(codes.numpy())
            found[K_MEANS] = torch.from_numpy(model.predict(scored.numpy())).long()
    return found
