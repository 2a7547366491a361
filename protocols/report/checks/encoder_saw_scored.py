"""Whether encoders were pretrained on the scored images."""

from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown
from ssl_irmae.protocols.report.note import join


def encoder_saw_scored(evidence: Evidence) -> Result:
    """Find encoders that saw the scored images without labels, and those of which that is not known."""
    given, noun = evidence.given_codes, evidence.first.noun
    encoders = {name: rows for name, rows in evidence.of_encoder.items() if name not in given}
    untold = [
        name
        for name, rows in encoders.items()
        if any(row.pretraining is None or row.pretraining.other_data is not None for row in rows)
    ]
    # development images and folds are part of the training images
    saw = [name for name in encoders if evidence.first.scored_on != "test" and name not in untold]
    unknowns = [f"{join(untold)}: pretrained on other data, which may hold these {noun}s or not."] if untold else []
    if given:
        unknowns.append(
            f"{join(given)}: codes that were not made here, which may have seen these {noun}s or their labels."
        )
    not_told = " ".join(unknowns)
    if saw:
        sentence = f"{join(saw)} saw the scored {noun}s in the pretraining, without labels."
        return failed(sentence, f"{sentence} {not_told}".strip())
    return unknown(not_told) if not_told else PASSED


ENCODER_SAW_SCORED = Check(
    "encoder that saw scored images",
    encoder_saw_scored,
    looks_for="Encoders that were pretrained on the scored images, without labels: development images and folds are "
    "part of the training images. Of an encoder that was pretrained on other data it cannot be told, nor of codes that "
    "were not made here.",
    why="An encoder describes images it has seen better than new ones, so the error on new images may be larger.",
    remedy="Score test images, or pretrain without the scored ones. Where the images to be labelled are there before "
    "the pretraining, as in a folder of your own, this is what happens in use: say so.",
)
