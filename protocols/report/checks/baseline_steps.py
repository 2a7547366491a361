"""Whether a baseline is trained for fewer steps than what it is compared with."""

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown


def baseline_steps(evidence: Evidence) -> Result:
    """Compare optimiser steps of networks trained end to end, at each budget and in each comparison."""
    steps: dict[tuple[str, int], float | None] = {}
    for row in evidence.rows:
        if row.reads == "images":
            its = row.settings.get("steps")
            steps[row.contender, row.budget] = None if isinstance(its, str) or its is None else its
    pairs = {(s.contender, evidence.baseline, s.budget): None for s in evidence.summaries}
    pairs |= {(c.contender, c.difference.baseline, c.budget): None for c in evidence.comparisons}
    compared = [p for p in pairs if p[0] != p[1] and (p[0], p[2]) in steps and (p[1], p[2]) in steps]
    found, untold = [], []
    for contender, other, budget in compared:
        its, fewer = steps[contender, budget], steps[other, budget]
        if its is None or fewer is None:
            untold.append(contender if its is None else other)
        elif fewer < its:
            found.append(f"{other} {fewer:,}, {contender} {its:,} at {budget:,} label{'s' * (budget > 1)}")
    if found:
        return failed(f"Fewer steps for a baseline: {listed(found, 1)}.", f"Steps: {'; '.join(found)}.")
    if untold:
        return unknown(f"How many steps {listed(list(dict.fromkeys(untold)), 3)} takes is not in its settings.")
    return PASSED


BASELINE_STEPS = Check(
    "baseline with fewer steps",
    baseline_steps,
    looks_for="A baseline, or the second of a declared pair, that takes fewer optimiser steps at a budget than the "
    "network it is compared with. Steps of the pretraining and of heads on frozen codes do not count.",
    why="More steps alone can lower an error, so part of the difference may be due to longer training.",
    remedy="Give all networks the same number of steps at a budget.",
)
