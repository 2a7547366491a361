"""Whether encoders were pretrained for a few steps on the spot."""

from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed
from ssl_irmae.protocols.report.note import join


def brief_pretraining(evidence: Evidence) -> Result:
    """Find encoders that were pretrained on the spot, for want of one for these images."""
    quick = {row.representation: row.pretraining for row in evidence.rows if row.quick and row.representation}
    if not quick:
        return PASSED
    steps = {way.steps for way in quick.values() if way is not None and way.steps is not None}
    length = f"only {steps.pop():,} steps" if len(steps) == 1 else "only a few steps"
    return failed(f"{join(list(quick))}: pretrained for {length} on the spot, which is good for trying alone.")


BRIEF_PRETRAINING = Check(
    "brief pretraining",
    brief_pretraining,
    looks_for="Encoders that `ssl-irmae evaluate` pretrained briefly on the spot, because there was none for "
    "these images.",
    why="A longer pretraining gives other codes, and mostly better ones, so these errors say little about the method.",
    remedy="For results to report, pretrain an encoder thoroughly with `ssl-irmae pretrain` and pass it to `evaluate`.",
)
