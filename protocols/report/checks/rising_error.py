"""Whether an error rises with the number of labels."""

import math

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown
from ssl_irmae.protocols.statistics.finite_test_set import (
    binomial_test_set_error,
    scored_images_error,
    shares_wrong,
)
from ssl_irmae.protocols.statistics.summary import Summary

_STANDARD_ERRORS = 3  # of the difference: a grid makes hundreds of such comparisons


def rising_error(evidence: Evidence) -> Result:
    """Compare each contender's mean error with the lowest of its smaller budgets."""
    curves: dict[str, list[Summary]] = {}
    for s in sorted(evidence.summaries, key=lambda s: s.budget):
        if s.standard_error is not None or (s.contender, s.budget) in evidence.certain:
            curves.setdefault(s.contender, []).append(s)
    if all(len(curve) < 2 for curve in curves.values()):
        return unknown(
            "It takes two budgets with several runs, or with the one result of a readout without randomness."
        )
    found = []
    for name, curve in curves.items():
        for i, s in enumerate(curve[1:], start=1):
            lowest = min(curve[:i], key=lambda fewer: fewer.mean)
            if s.mean <= lowest.mean:
                continue
            error = math.hypot(s.standard_error or 0, lowest.standard_error or 0, _of_images(evidence, s, lowest))
            if s.mean - lowest.mean > _STANDARD_ERRORS * error:
                rise = f"{lowest.mean:.2f} to {s.mean:.2f} % from {lowest.budget:,} to {s.budget:,} labels"
                found.append(f"{name} {rise}")
    if not found:
        return PASSED
    return failed(f"Errors rise with labels: {listed(found, 1)}.", f"Errors rise with labels: {'; '.join(found)}.")


def _of_images(evidence: Evidence, *pair: Summary) -> float:
    """Compute what the choice of scored images adds to a difference's standard error, at most, in points."""
    n = evidence.first.n_scored
    trials = [
        [r for r in evidence.rows if (r.contender, r.budget) == (s.contender, s.budget) and r.folds is None]
        for s in pair
    ]
    if all(its and all(row.predictions in evidence.wrong for row in its) for its in trials):
        a, b = (shares_wrong([evidence.wrong[row.predictions] for row in its], n) for its in trials)
        return scored_images_error(a - b).points
    return math.hypot(*(binomial_test_set_error(s.mean, n) for s in pair))


RISING_ERROR = Check(
    "error that rises with labels",
    rising_error,
    looks_for="Contenders whose mean error is, at some budget, more than three standard errors above that of a smaller "
    "one, of the runs and of the scored images together. It takes two budgets with several runs each, or "
    "with the one result of a readout without randomness.",
    why="Labels do not make a task harder, so something else does: too few steps for so many labels, a setting that "
    "does not suit them, training that collapsed, or a mistake.",
    remedy="Look at the trials and the steps of the larger budget, and give no number between the two by "
    "interpolation.",
)
