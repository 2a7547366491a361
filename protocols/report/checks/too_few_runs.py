"""Whether there are enough runs for an error bar and for a test."""

from collections.abc import Iterable

from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed
from ssl_irmae.protocols.report.note import join, lower_first, upper_first
from ssl_irmae.protocols.report.notes import count_compared
from ssl_irmae.protocols.statistics.significance import what_n_allows
from ssl_irmae.protocols.statistics.summary import Comparison, Summary

_FEW = 6


def too_few_runs(evidence: Evidence) -> Result:
    """Find budgets with few runs or pairs, and those where no difference can become significant."""
    every = {s.budget for s in evidence.summaries}
    few = {s.budget for s in evidence.summaries if _has_few(s, evidence)}
    few |= {c.budget for c in evidence.comparisons if _has_few_pairs(c, evidence)}
    in_table = _out_of_reach(
        (s.budget, what_n_allows(s.difference.n, contenders=count_compared(s, evidence.summaries)))
        for s in evidence.summaries
        if s.difference is not None and s.difference.n > 1
    )
    declared = _out_of_reach(
        (
            c.budget,
            what_n_allows(
                c.difference.n, contenders=evidence.declared - _larger(c, evidence.comparisons), noun="comparisons"
            ),
        )
        for c in evidence.comparisons
        if c.difference.n > 1
    )
    sentences = [f"fewer than 6 runs (†){_at(few, every)}"] if few else []
    among, beyond = ("in declared comparisons", declared) if declared else ("among all contenders", in_table)
    if beyond:
        sentences.append(f"too few pairs for p < 0.05 {among}{_at(set().union(*beyond.values()), every)}")
    if not sentences:
        return PASSED
    details = [f"† n below 6{_at(few, every)}: too few for a reliable standard error or interval."] if few else []
    for beyond in (in_table, declared):
        for sentence, budgets in beyond.items():
            at = _at(budgets, every).strip()
            details.append(f"{upper_first(at)}: {lower_first(sentence)}" if at else sentence)
    return failed(f"{upper_first('; '.join(sentences))}.", " ".join(details))


def _has_few(summary: Summary, evidence: Evidence) -> bool:
    """Whether there are few runs or pairs, where there could be more."""
    single = (summary.contender, summary.budget) in evidence.certain and summary.over == "training seeds"
    return (summary.n < _FEW and not single) or _has_few_pairs(summary, evidence)


def _has_few_pairs(compared: Summary | Comparison, evidence: Evidence) -> bool:
    """Whether there are few pairs, unless both contenders have one result, however often they are run."""
    difference = compared.difference
    if difference is None or difference.n >= _FEW:
        return False
    return not {(name, compared.budget) for name in (compared.contender, difference.baseline)} <= evidence.certain


def _out_of_reach(found: Iterable[tuple[int, str | None]]) -> dict[str, set[int]]:
    """Collect the budgets by what their pairs do not allow; nothing where they allow everything."""
    budgets: dict[str, set[int]] = {}
    for budget, sentence in found:
        if sentence is not None:
            budgets.setdefault(sentence, set()).add(budget)
    return budgets


def _larger(comparison: Comparison, comparisons: Iterable[Comparison]) -> int:
    """Count the comparisons at the same budget that have more pairs."""
    return sum(c.budget == comparison.budget and c.difference.n > comparison.difference.n for c in comparisons)


def _at(budgets: set[int], every: set[int]) -> str:
    """Say at which budgets, unless it is all of them."""
    at = sorted(budgets)
    return "" if budgets == every else f" at {join([f'{budget:,}' for budget in at])} label{'s' * (at != [1])}"


TOO_FEW_RUNS = Check(
    "too few runs for the claim",
    too_few_runs,
    looks_for="Fewer than six runs or pairs, marked †; and so few that no difference can reach p < 0.05 after Holm's "
    "correction, however large it is. A readout without randomness has one possible result at the full set, so there "
    "one run is enough.",
    why="From a few runs, ± and intervals are too uncertain to rely on; and a test that cannot find anything shows "
    "nothing.",
    remedy="Run more seeds. To test with few, declare few comparisons before the results are known, as a preset does.",
)
