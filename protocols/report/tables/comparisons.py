"""The comparisons that a protocol declared, as a table and in words."""

from collections.abc import Sequence

from rich.table import Table

from ssl_irmae.protocols.report.tables.terminal import format_count, format_difference, format_p
from ssl_irmae.protocols.statistics.significance import what_n_allows
from ssl_irmae.protocols.statistics.summary import Comparison


def comparisons_table(comparisons: Sequence[Comparison]) -> Table:
    """Build the table of declared comparisons, by budget."""
    table = Table(title="declared comparisons", title_justify="left", title_style="bold")
    table.add_column("labels", justify="right", no_wrap=True)
    table.add_column("contender - other", overflow="fold")
    table.add_column("Δ [95 %]", justify="right", min_width=len("[-10.00,-10.00]"))
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("p Holm", justify="right", no_wrap=True)
    known = any(c.scoring_error is not None for c in comparisons)
    if known:
        table.add_column("images\n±", justify="right", no_wrap=True)
    before = None
    for c in comparisons:
        if before not in (None, c.budget):
            table.add_section()
        table.add_row(
            "" if c.budget == before else f"{c.budget:,}",
            f"{c.contender} - {c.difference.reference}",
            format_difference(c.difference),
            format_count(c.difference.n),
            format_p(c.difference),
            *([_scoring(c)] if known else []),
        )
        before = c.budget
    return table


def pivot_comparisons(comparisons: Sequence[Comparison]) -> list[list[str]]:
    """Lay comparisons out as text: a head, then a line a pair, with its difference at each budget.

    Each with its interval, the corrected p, the number of pairs and, if known, what the scored images bring; empty
    where it was not run.
    """
    budgets = sorted({c.budget for c in comparisons})
    cells = {(c.contender, c.difference.reference, c.budget): _cell(c) for c in comparisons}
    pairs = dict.fromkeys((c.contender, c.difference.reference) for c in comparisons)
    head = ["contender", "minus", *(f"{budget:,} labels" for budget in budgets)]
    return [head, *([*pair, *(cells.get((*pair, budget), "") for budget in budgets)] for pair in pairs)]


def explain_comparisons(comparisons: Sequence[Comparison], *, declared: int) -> list[str]:
    """Say in words what stands in the table of declared comparisons, one entry a line of thought.

    Args:
        comparisons: That were run.
        declared: How many the protocol declares at one budget.
    """
    lines = [
        "Declared comparisons: error minus the other's on the same subsets, in points, with the 95 % BCa bootstrap "
        "interval of the mean (not corrected), and p of the sign-flip test, corrected by Holm for the "
        f"{declared} comparisons that the protocol declares, run or not, at each budget by itself; nothing is "
        "corrected across budgets. † n below 6."
    ]
    if any(c.scoring_error is not None for c in comparisons):
        lines.append(
            "images ±: what is not in these intervals, nor in p, the standard error in points that comes from which "
            "images were scored (the standard deviation over images of the mean difference, divided by the root of "
            "their number)."
        )
    said: dict[str, dict[str, None]] = {}
    for c in comparisons:
        more = sum(o.budget == c.budget and o.difference.n > c.difference.n for o in comparisons)
        sentence = what_n_allows(c.difference.n, contenders=declared - more) if c.difference.n > 1 else None
        if sentence:
            said.setdefault(sentence.replace("contenders", "comparisons"), {})[f"{c.budget:,}"] = None
    return [*lines, *(f"At {' and '.join(b)} labels: {s[0].lower()}{s[1:]}" for s, b in said.items())]


def _cell(comparison: Comparison) -> str:
    d = comparison.difference
    p, scoring = format_p(d), _scoring(comparison)
    told = (format_difference(d), p and f"p {p}", f"n {format_count(d.n)}", scoring and f"images ± {scoring}")
    return ", ".join(filter(None, told))


def _scoring(comparison: Comparison) -> str:
    return "" if comparison.scoring_error is None else f"{comparison.scoring_error:.2f}"
