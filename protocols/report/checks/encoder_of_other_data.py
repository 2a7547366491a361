"""Whether encoders were pretrained on other data than the training images."""

from ssl_irmae.encoders.kind import describe_other_kind
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown
from ssl_irmae.protocols.report.note import join, upper_first


def encoder_of_other_data(evidence: Evidence) -> Result:
    """Find encoders whose cards name other data, and those that reconstruct these images badly."""
    ways = {name: [row.pretraining for row in rows] for name, rows in evidence.of_encoder.items()}
    named = {name: {way.other_data: None for way in its if way and way.other_data} for name, its in ways.items()}
    kinds = {name: max((way.times_worse or 0 for way in its if way), default=0) for name, its in ways.items()}
    other = [name for name in ways if named[name] or kinds[name]]
    untold = [
        name for name, its in ways.items() if name not in other and any(w is None or w.other_data == "" for w in its)
    ]
    not_told = f"{join(untold)}: on which data is not recorded." if untold else ""
    if not other:
        return unknown(not_told) if untold else PASSED
    worst = max(other, key=lambda name: kinds[name])
    sentence = f"{join(other)} {'was' if len(other) == 1 else 'were'} pretrained on other data."
    if kinds[worst]:
        sentence = (
            f"{join(other)}: pretrained on pictures of another kind; {worst} reconstructs these {kinds[worst]:.0f} "
            "times worse than its own."
        )
    details = [f"{name}: its card names other data ({join(list(named[name]))})." for name in other if named[name]]
    details += [f"{upper_first(describe_other_kind(name, kinds[name]))}." for name in other if kinds[name]]
    return failed(sentence, " ".join([*details, not_told]).strip())


ENCODER_OF_OTHER_DATA = Check(
    "encoder pretrained on other data",
    encoder_of_other_data,
    looks_for="Encoders whose card names other data than the training images; and which of these reconstruct the "
    "training images so badly that they must be another kind of picture. A card that names no data cannot show it. "
    "Whether tables of numbers are of another kind is not judged.",
    why="Codes of pictures unlike those of the pretraining can be worse than plain pixels; and other data are an "
    "advantage that contenders from scratch do not have.",
    remedy="Pretrain an encoder on the training images with `ssl-irmae pretrain`, or compare with pixels and say what "
    "the encoder has seen.",
)
