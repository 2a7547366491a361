"""Whether each encoder was pretrained once."""

from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed
from ssl_irmae.protocols.report.note import join, upper_first


def single_pretraining(evidence: Evidence) -> Result:
    """Find representations of which there is one pretraining, or one initialisation."""
    seeds = {name: {row.pretrain_seed for row in rows} for name, rows in evidence.of_encoder.items()}
    given = evidence.given_codes
    single = [name for name, its in seeds.items() if len(its) == 1 and name not in given]
    untrained = any(row.representation == "random" and row.encoder_hash is None for row in evidence.rows)
    what = [f"one pretraining of {join(single)}"] if single else []
    what += [f"one set of codes of {join(given)}"] if given else []
    what += ["one initialisation of random"] if untrained else []
    if not what:
        return PASSED
    text = ", ".join(what)
    return failed(f"{upper_first(text)}: another may shift errors by more than ±.")


SINGLE_PRETRAINING = Check(
    "single pretraining",
    single_pretraining,
    looks_for="Encoders that were pretrained with one seed, codes that were not made here, and the untrained encoder, "
    "which is one initialisation.",
    why="Another seed gives another encoder. How much that changes is in no ±, interval or p: these are about the very "
    "encoders at hand, not about how they were pretrained.",
    remedy="Pretrain with several seeds and cross them with the subsets (`--pretrain-seeds`), or claim "
    "nothing about methods of pretraining.",
)
