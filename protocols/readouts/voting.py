"""Votes of nearest labelled codes."""

import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.protocols.graphs.neighbours import Neighbours
from ssl_irmae.protocols.readouts.metric_learning import nearest

_FEW = 2000  # labelled inputs, up to which pytorch-metric-learning is no slower


def vote(x: Tensor, inputs: Tensor, labels: Tensor, k: int) -> Tensor:
    """Classify each x (m, d) by its k nearest labelled inputs (n, d); see ``knn`` for ties."""
    voters = find_voters(x, inputs, labels, k)
    counts = F.one_hot(voters).sum(1).gather(1, voters)  # for each voter, how many voters agree with it
    leads = counts == counts.amax(1, keepdim=True)
    return voters.gather(1, leads.int().argmax(1, keepdim=True)).flatten()  # argmax: the first, which is the nearest


def find_voters(x: Tensor, inputs: Tensor, labels: Tensor, k: int) -> Tensor:
    """Return the classes of the k nearest labelled inputs (n, d) of each x (m, d), nearest first: int64 (m, k)."""
    k = min(k, len(labels))
    return labels[nearest(x, inputs, k) if len(inputs) <= _FEW else Neighbours(inputs).search(x, k)[1]]
