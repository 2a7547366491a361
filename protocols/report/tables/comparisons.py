"""The comparisons that a protocol declared, as text over budgets."""

from collections.abc import Sequence

from ssl_irmae.protocols.report.tables.cells import format_count, format_difference, format_p, format_test_set_error
from ssl_irmae.protocols.statistics.summary import Comparison


def pivot_comparisons(comparisons: Sequence[Comparison]) -> list[list[str]]:
    """Lay comparisons out as text: a head, then a line per pair, with its difference at each budget.

    Each difference comes with its interval, the corrected p, the number of pairs and, if known, what the choice of
    scored images adds; a cell is empty where the pair was not run.
    """
    budgets = sorted({c.budget for c in comparisons})
    cells = {(c.contender, c.difference.baseline, c.budget): _cell(c) for c in comparisons}
    pairs = dict.fromkeys((c.contender, c.difference.baseline) for c in comparisons)
    head = ["contender", "minus", *(f"{budget:,} labels" for budget in budgets)]
    return [head, *([*pair, *(cells.get((*pair, budget), "") for budget in budgets)] for pair in pairs)]


def _cell(comparison: Comparison) -> str:
    difference = comparison.difference
    p, images = format_p(difference), format_test_set_error(comparison)
    parts = (
        format_difference(difference),
        p and f"p {p}",
        f"n {format_count(difference.n)}",
        images and f"images ± {images}",
    )
    return ", ".join(filter(None, parts))
