"""The comparisons that a protocol declared, as text over budgets, and what their numbers are."""

from collections.abc import Sequence

from ssl_irmae.protocols.report.note import Note
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


def comparison_notes(comparisons: Sequence[Comparison], *, declared: int) -> list[Note]:
    """Return the notes on the table of declared comparisons.

    Args:
        comparisons: Those that were run.
        declared: How many the protocol declares at one budget.
    """
    notes = [
        Note(
            "comparisons",
            "Declared comparisons: error minus the other contender's on the same subsets, in points, with the 95 % BCa "
            "bootstrap interval of the mean (not corrected), and p of the sign-flip test, corrected by Holm for the "
            f"{declared} comparisons that the protocol declares, run or not, at each budget separately; nothing is "
            "corrected across budgets. † n below 6.",
        )
    ]
    if any(c.test_set_error is not None for c in comparisons):
        notes.append(
            Note(
                "comparisons: scored images",
                "images ±: the standard error, in points, that comes from which images were scored (the standard "
                "deviation, over images, of each image's mean difference, divided by the square root of their number). "
                "It is neither in these intervals nor in p.",
            )
        )
    return notes


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
