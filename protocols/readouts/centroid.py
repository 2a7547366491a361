"""Nearest class mean."""

import torch

from ssl_irmae.protocols.readouts.metric_learning import euclidean
from ssl_irmae.protocols.readouts.sample import Predictor, Sample


def centroid(sample: Sample) -> Predictor:
    """Predict the class whose labelled codes have the nearest mean, by Euclidean distance.

    Args:
        sample: Codes or features, shape (m, d).
    """
    present = torch.unique(sample.labels)
    means = torch.stack([sample.inputs[sample.labels == c].double().mean(0) for c in present])
    return lambda x: present[euclidean(x, means).argmin(1)]
