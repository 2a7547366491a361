"""The nearest labelled codes vote."""

from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.readouts.voting import vote


def knn(sample: Sample, *, k: int) -> Predictor:
    """Let the nearest labelled codes vote, Euclidean distance, one vote each.

    Args:
        sample: Codes or features, shape (m, d).
        k: Voters (all labelled examples, if there are fewer). A tied vote goes to the tied class that has the nearest
            voter, so with one label a class any k is 1.
    """
    return lambda x: vote(x, sample.inputs, sample.labels, k)
