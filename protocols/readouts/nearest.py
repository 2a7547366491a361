"""Nearest labelled examples, and nearest class means."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.protocols.readouts.base import Predictor, Sample
from ssl_irmae.protocols.readouts.metric_learning import euclidean, nearest
from ssl_irmae.protocols.readouts.neighbours import Neighbours

_FEW = 2000  # labelled inputs, up to which pytorch-metric-learning finds the nearest as fast


def knn(sample: Sample, *, k: int) -> Predictor:
    """Let the nearest labelled codes vote, Euclidean distance, one vote each.

    Args:
        sample: Codes or features, shape (m, d).
        k: Voters (all labelled examples, if there are fewer). A tied vote goes to the tied class that has the nearest
            voter, so with one label a class any k is 1.
    """
    return lambda x: vote(x, sample.inputs, sample.labels, k)


def centroid(sample: Sample) -> Predictor:
    """Take the class whose labelled codes have the nearest mean, Euclidean distance.

    Args:
        sample: Codes or features, shape (m, d).
    """
    present = torch.unique(sample.labels)
    means = torch.stack([sample.inputs[sample.labels == c].double().mean(0) for c in present])
    return lambda x: present[euclidean(x, means).argmin(1)]


def vote(x: Tensor, inputs: Tensor, labels: Tensor, k: int) -> Tensor:
    """Classify each x (m, d) by its k nearest labelled inputs (n, d); see ``knn`` for ties."""
    k = min(k, len(labels))
    voters = labels[nearest(x, inputs, k) if len(inputs) <= _FEW else Neighbours(inputs).search(x, k)[1]]
    counts = F.one_hot(voters).sum(1).gather(1, voters)  # how many vote with each voter
    leads = counts == counts.amax(1, keepdim=True)
    return voters.gather(1, leads.int().argmax(1, keepdim=True)).flatten()  # argmax: the first, which is the nearest
