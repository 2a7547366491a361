"""A vote of the nearest labelled codes."""

from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.readouts.voting import vote


def knn(sample: Sample, *, k: int) -> Predictor:
    """Predict by a vote of the nearest labelled codes, by Euclidean distance, one vote each.

    Args:
        sample: Codes or features, shape (m, d).
        k: Number of voters (all labelled examples, if there are fewer). A tie goes to the tied class with the nearest
            voter, so with one label per class any k equals 1.
    """
    return lambda x: vote(x, sample.inputs, sample.labels, k)
