"""Every check by its code. Codes are never used again: a check that is dropped takes its code with it."""

from collections.abc import Iterable

from ssl_irmae.errors import unknown_name
from ssl_irmae.protocols.report.checks.baseline_steps import BASELINE_STEPS
from ssl_irmae.protocols.report.checks.brief_pretraining import BRIEF_PRETRAINING
from ssl_irmae.protocols.report.checks.check import Check
from ssl_irmae.protocols.report.checks.chosen_by_scored_labels import CHOSEN_BY_SCORED_LABELS
from ssl_irmae.protocols.report.checks.collapsed_training import COLLAPSED_TRAINING
from ssl_irmae.protocols.report.checks.constant_guess import CONSTANT_GUESS
from ssl_irmae.protocols.report.checks.contradictory_labels import CONTRADICTORY_LABELS
from ssl_irmae.protocols.report.checks.encoder_of_other_data import ENCODER_OF_OTHER_DATA
from ssl_irmae.protocols.report.checks.encoder_saw_scored import ENCODER_SAW_SCORED
from ssl_irmae.protocols.report.checks.rising_error import RISING_ERROR
from ssl_irmae.protocols.report.checks.scored_in_training import SCORED_IN_TRAINING
from ssl_irmae.protocols.report.checks.setting_at_edge import SETTING_AT_EDGE
from ssl_irmae.protocols.report.checks.settings_of_other_data import SETTINGS_OF_OTHER_DATA
from ssl_irmae.protocols.report.checks.single_pretraining import SINGLE_PRETRAINING
from ssl_irmae.protocols.report.checks.subset_without_class import SUBSET_WITHOUT_CLASS
from ssl_irmae.protocols.report.checks.too_few_runs import TOO_FEW_RUNS

CHECKS: dict[str, Check] = {
    # images and labels
    "SSI001": CHOSEN_BY_SCORED_LABELS,
    "SSI002": SCORED_IN_TRAINING,
    "SSI003": CONTRADICTORY_LABELS,
    "SSI004": SUBSET_WITHOUT_CLASS,
    # encoders
    "SSI005": ENCODER_SAW_SCORED,
    "SSI006": ENCODER_OF_OTHER_DATA,
    "SSI007": BRIEF_PRETRAINING,
    "SSI008": SINGLE_PRETRAINING,
    # settings
    "SSI009": SETTINGS_OF_OTHER_DATA,
    "SSI010": SETTING_AT_EDGE,
    "SSI011": BASELINE_STEPS,
    # results
    "SSI012": COLLAPSED_TRAINING,
    "SSI013": CONSTANT_GUESS,
    "SSI014": RISING_ERROR,
    "SSI015": TOO_FEW_RUNS,
}


def read_codes(codes: str | Iterable[str]) -> tuple[str, ...]:
    """Read the codes of checks to ignore, one or several.

    Raises:
        UserError: If there is no such check; it lists the codes.

    >>> read_codes(["SSI003", "SSI007"])
    ('SSI003', 'SSI007')
    """
    read = [codes] if isinstance(codes, str) else list(dict.fromkeys(codes))
    for code in read:
        if code not in CHECKS:
            raise unknown_name("check", code, CHECKS)
    return tuple(read)
