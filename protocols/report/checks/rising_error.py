"""Whether an error rises with the number of labels."""

import math

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown
from ssl_irmae.protocols.statistics.finite_test_set import binomial_test_set_error
from ssl_irmae.protocols.statistics.summary import Summary

_STANDARD_ERRORS = 3  # of their difference: grids make hundreds of such comparisons


def rising_error(evidence: Evidence) -> Result:
    """Compare each contender's mean error with the lowest of its smaller budgets."""
    by_contender: dict[str, list[Summary]] = {}
    for s in sorted(evidence.summaries, key=lambda s: s.budget):
        by_contender.setdefault(s.contender, []).append(s)
    if max(map(len, by_contender.values())) < 2:
        return unknown("It takes two budgets.")

    def error(s: Summary) -> float:
        return (
            binomial_test_set_error(s.mean, evidence.first.n_scored) if s.standard_error is None else s.standard_error
        )

    found = []
    for name, curve in by_contender.items():
        for i, s in enumerate(curve[1:], start=1):
            lowest = min(curve[:i], key=lambda fewer: fewer.mean)
            if s.mean - lowest.mean > _STANDARD_ERRORS * math.hypot(error(s), error(lowest)):
                rise = f"{lowest.mean:.2f} to {s.mean:.2f} % from {lowest.budget:,} to {s.budget:,} labels"
                found.append(f"{name} {rise}")
    if not found:
        return PASSED
    return failed(f"Errors rise with labels: {listed(found, 1)}.", f"Errors rise with labels: {'; '.join(found)}.")


RISING_ERROR = Check(
    "error that rises with labels",
    rising_error,
    looks_for="Contenders whose mean error is, at some budget, more than three standard errors above that of a smaller "
    "one. It takes two budgets.",
    why="Labels do not make a task harder, so something else does: too few steps for so many labels, a setting that "
    "does not suit them, training that collapsed, or a mistake.",
    remedy="Look at the trials and the steps of the larger budget, and give no number between the two by "
    "interpolation.",
)
