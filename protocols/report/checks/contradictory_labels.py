"""Whether identical images have different labels."""

from ssl_irmae.datasets.reading import count
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown
from ssl_irmae.protocols.report.checks.scored_in_training import NO_IMAGES


def contradictory_labels(evidence: Evidence) -> Result:
    """Count identical images with different labels, within the training images and across the splits."""
    found = evidence.duplicates
    if found is None:
        return unknown(NO_IMAGES)
    noun, parts = evidence.first.noun, []
    if found.contradicting:
        parts.append(
            f"{count(found.contradicting, f'labelled training {noun} has', f'labelled training {noun}s have')}"
        )
    if found.in_training_otherwise:
        parts.append(f"{count(found.in_training_otherwise, f'scored {noun} has', f'scored {noun}s have')}")
    return failed(f"{' and '.join(parts)} an identical training {noun} of another class.") if parts else PASSED


CONTRADICTORY_LABELS = Check(
    "contradictory labels",
    contradictory_labels,
    looks_for="Identical images with different labels: among the labelled training images, and between these and the "
    "scored ones. A `rows.csv` holds no images and cannot show it.",
    why="No classifier can be right about both, so part of the error is that of the labels.",
    remedy="Correct the labels, or leave such images out.",
)
