"""Measure how well a code brings images of one class together, without any classifier."""

from dataclasses import dataclass

from torch import Tensor

from ssl_irmae.protocols.readouts.metric_learning import retrieval_metrics


@dataclass(frozen=True)
class Retrieval:
    """Retrieval quality of one representation, percent: every scored image is a query for the others of its class.

    An image that is the only one of its class is not a query. Where every image is, nothing can be measured, and all
    values are None.

    Args:
        representation: Name of the representation.
        precision_at_1: Share of images whose nearest other image is of the same class.
        r_precision: Share of the same class among the R nearest, where R is the number of other images of that class.
        map_at_r: Mean average precision over those R places (Musgrave et al., ECCV 2020).
        nmi: Normalised mutual information between classes and as many k-means clusters.
        ami: The same, adjusted for chance.
    """

    representation: str
    precision_at_1: float | None = None
    r_precision: float | None = None
    map_at_r: float | None = None
    nmi: float | None = None
    ami: float | None = None


def retrieval_quality(representation: str, codes: Tensor, labels: Tensor) -> Retrieval:
    """Measure a representation by Euclidean distances between its codes.

    Source: Musgrave, Belongie and Lim, "A Metric Learning Reality Check", ECCV 2020, https://arxiv.org/abs/2003.08505.

    Args:
        representation: Name of the representation.
        codes: Codes of the scored images, fp32 (n, d).
        labels: Classes of these images, int64 (n,).
    """
    if lone_classes(labels) == len(labels):
        return Retrieval(representation)
    measured = retrieval_metrics(codes, labels)
    return Retrieval(
        representation,
        100 * measured["precision_at_1"],
        100 * measured["r_precision"],
        100 * measured["mean_average_precision_at_r"],
        100 * measured["NMI"],
        100 * measured["AMI"],
    )


def lone_classes(labels: Tensor) -> int:
    """Count the classes that have a single image."""
    return int((labels.bincount() == 1).sum())
