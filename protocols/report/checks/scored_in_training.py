"""Whether scored images are training images too."""

from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown

NO_IMAGES = "Results alone cannot tell: it takes the data, which `ssl-irmae evaluate` compares."


def scored_in_training(evidence: Evidence) -> Result:
    """Count the scored images that were learned from, pixel by pixel."""
    found = evidence.duplicates
    if found is None:
        return unknown(NO_IMAGES)
    if not found.in_training:
        return PASSED
    folds = evidence.first.folds is not None
    twice = "occur more than once, and may be learned from" if folds else f"are also training {evidence.first.noun}s"
    return failed(f"{found.in_training:,} of {found.scored:,} scored {evidence.first.noun}s {twice}.")


SCORED_IN_TRAINING = Check(
    "scored images among training images",
    scored_in_training,
    looks_for="Scored images that are also training images, with whatever label or none; in folds, images that occur "
    "more than once. Images are compared pixel by pixel at the size that learners read, so near duplicates are not "
    "found. A `rows.csv` holds no images and cannot show it.",
    why="An image that was learned from tests memory, so its error says little about new images.",
    remedy="Take the copies out of one split. Keep near duplicates, such as two frames of a film, in the same split "
    "yourself.",
)
