"""The comparisons that a protocol declared, as text over budgets, and what their numbers are."""

from collections.abc import Sequence

from ssl_irmae.protocols.report.note import Note
from ssl_irmae.protocols.report.tables.cells import format_count, format_difference, format_method_interval, format_p
from ssl_irmae.protocols.statistics.summary import Comparison


def pivot_comparisons(comparisons: Sequence[Comparison]) -> list[list[str]]:
    """Lay comparisons out as text: a head, then a line per pair, with its difference at each budget.

    Each difference comes with its interval, that for the method if it is known, the corrected p and the number of
    pairs; a cell is empty where the pair was not run.
    """
    budgets = sorted({c.budget for c in comparisons})
    cells = {(c.contender, c.difference.baseline, c.budget): _cell(c) for c in comparisons}
    pairs = dict.fromkeys((c.contender, c.difference.baseline) for c in comparisons)
    head = ["contender", "minus", *(f"{budget:,} labels" for budget in budgets)]
    return [head, *([*pair, *(cells.get((*pair, budget), "") for budget in budgets)] for pair in pairs)]


def comparison_note(declared: int) -> Note:
    """Return the note on the table of declared comparisons.

    Args:
        declared: How many the protocol declares at one budget.
    """
    return Note(
        "comparisons",
        "Declared comparisons: error minus the other contender's on the same subsets, in points, with the 95 % t "
        "interval of the mean and that for the method (neither corrected), and p of the sign-flip test, corrected "
        f"by Holm for the {declared} comparisons that the protocol declares, run or not, at each budget "
        "separately; nothing is corrected across budgets. † n below 6.",
    )


def _cell(comparison: Comparison) -> str:
    difference = comparison.difference
    p, method = format_p(difference), format_method_interval(difference)
    parts = (
        format_difference(difference),
        method and f"method {method}",
        p and f"p {p}",
        f"n {format_count(difference.n)}",
    )
    return ", ".join(filter(None, parts))
