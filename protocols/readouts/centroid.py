"""Nearest class mean."""

import torch

from ssl_irmae.protocols.predictors.nearest_mean import NearestMean
from ssl_irmae.protocols.readouts.sample import Sample


def centroid(sample: Sample) -> NearestMean:
    """Predict the class whose labelled codes have the nearest mean, by Euclidean distance.

    Args:
        sample: Codes or features, shape (m, d).
    """
    present = torch.unique(sample.labels)
    means = torch.stack([sample.inputs[sample.labels == c].double().mean(0) for c in present])
    return NearestMean(means, present, sample.classes)
