"""A vote of the nearest labelled codes."""

from ssl_irmae.protocols.predictors.votes import Votes
from ssl_irmae.protocols.readouts.sample import Sample


def knn(sample: Sample, *, k: int) -> Votes:
    """Predict by a vote of the nearest labelled codes, by Euclidean distance, one vote each.

    Args:
        sample: Codes or features, shape (m, d).
        k: Number of voters (all labelled examples, if there are fewer). A tie goes to the tied class with the nearest
            voter, so with one label per class any k equals 1.
    """
    return Votes(sample.inputs, sample.labels, k, sample.classes)
