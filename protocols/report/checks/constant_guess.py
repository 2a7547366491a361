"""Whether a guess without looking is as good."""

import math

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown
from ssl_irmae.protocols.statistics.finite_test_set import binomial_test_set_error

_STANDARD_ERRORS = 2


def constant_guess(evidence: Evidence) -> Result:
    """Compare mean errors with that of always guessing the most common class."""
    guess = evidence.first.constant_error
    if guess is None:
        return unknown("These rows are from before the error of a constant guess was recorded.")
    n = evidence.first.n_scored
    found = [
        f"{s.contender} at {s.budget:,} label{'s' * (s.budget > 1)} ({s.mean:.1f} %)"
        for s in evidence.summaries
        if guess - s.mean <= _STANDARD_ERRORS * math.hypot(s.standard_error or 0, binomial_test_set_error(s.mean, n))
    ]
    if not found:
        return PASSED
    what = f"Not clearly better than always guessing one class ({guess:.1f} % errors):"
    return failed(f"{what} {listed(found, 2)}.", f"{what} {', '.join(found)}.")


CONSTANT_GUESS = Check(
    "constant guess as good",
    constant_guess,
    looks_for="Contenders whose mean error is not below that of always guessing the most common class by at least two "
    "standard errors (of the runs and of the scored images together).",
    why="A guess does not look at an image, so such a contender has learned nothing of use.",
    remedy="Use more labels or steps, and read the balanced error where classes are unequal. Differences between such "
    "contenders mean nothing.",
)
