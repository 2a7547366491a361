"""The tables of a protocol: error by contender and budget, and the components of variance."""

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from ssl_irmae.protocols.report.styles import Look, looks_of
from ssl_irmae.protocols.report.tables.components import components_table, crossed_components
from ssl_irmae.protocols.statistics.paired import Difference
from ssl_irmae.protocols.statistics.summary import Summary
from ssl_irmae.protocols.storage.rows import Row


def protocol_tables(rows: Sequence[Row], summaries: Sequence[Summary], *, reference: str, width: int) -> list[Table]:
    """Build every table of a protocol, in order.

    By budget, one of the inductive contenders and one of the transductive, which are not to be compared with each
    other; then, where contenders had several pretraining seeds, the components of variance.

    Args:
        rows: Every row that was summarised.
        summaries: Of them.
        reference: The contender that differences are taken to.
        width: Of the terminal, in characters.
    """
    tables = []
    for budget in dict.fromkeys(row.budget for row in rows):
        own = [row for row in rows if row.budget == budget]
        for transductive in (False, True):
            kind = [row for row in own if row.transductive == transductive]
            names = {row.contender for row in kind}
            here = [s for s in summaries if s.budget == budget and s.contender in names]
            if here:
                tables.append(_budget_table(kind, here, reference, width))
    components = crossed_components(rows)
    return [*tables, components_table(components)] if components else tables


def _budget_table(rows: Sequence[Row], summaries: Sequence[Summary], reference: str, width: int) -> Table:
    first = rows[0]
    labels = f"all {first.budget:,} labels" if first.rule == "full" else f"{first.budget:,} labels"
    kind = "; transductive: these looked at the scored images, without labels" if first.transductive else ""
    reads = {row.contender: row.reads for row in rows}
    looks = looks_of(rows)
    best = least_mean(summaries, looks)
    table = Table(title=f"{first.dataset}, {labels}{kind}", title_justify="left", title_style="bold")
    # in a narrow terminal the interval goes below its difference, and long names are folded; numbers never are
    table.add_column("contender", overflow="fold")
    table.add_column("reads", no_wrap=True)
    table.add_column("error % ± SE", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column(f"Δ {reference} [95 %]", justify="right", overflow="fold")
    delta = table.columns[-1]
    table.add_column("p Holm", justify="right", no_wrap=True)
    for s in summaries:
        error = format_error(s)
        table.add_row(
            looks[s.contender].marked(s.contender),
            reads[s.contender],
            f"[bold]{error}[/bold]" if s.mean == best and not looks[s.contender].leaky else error,
            format_n(s),
            "reference" if s.contender == reference else format_difference(s.difference),
            format_p(s.difference),
        )
    if Console(width=sys.maxsize).measure(table).maximum > width:
        # fixed, so that rich takes what is still too much from the names alone
        delta.width = len("[-10.00,-10.00]")
    return table


def least_mean(summaries: Sequence[Summary], looks: Mapping[str, Look]) -> float | None:
    """Find the least mean error, which a table shows in bold; the best of several looks is no estimate of anything."""
    return min((s.mean for s in summaries if not looks[s.contender].leaky), default=None)


def format_error(summary: Summary) -> str:
    """Write a mean and its standard error; where there is none, say so by leaving it out."""
    if summary.standard_error is None:
        return f"{summary.mean:.2f}       "
    return f"{summary.mean:.2f} ± {summary.standard_error:.2f}"


def format_n(summary: Summary) -> str:
    """Write n, then in brackets the number of pairs where it is another, both marked below 6."""
    counts = [summary.n]
    if summary.difference is not None and summary.difference.n != summary.n:
        counts.append(summary.difference.n)
    n, *pairs = map(format_count, counts)
    return f"{n} ({pairs[0]})" if pairs else n


def format_count(n: int) -> str:
    """Write how many values or pairs there are, marked below 6."""
    return f"{n}†" if n < 6 else str(n)


def format_difference(difference: Difference | None) -> str:
    """Write a paired difference and its interval, in points."""
    if difference is None:
        return "-"
    if difference.low is None or difference.high is None:
        return f"{difference.mean:+.2f}"
    return f"{difference.mean:+.2f} [{difference.low:+.2f},{difference.high:+.2f}]"


def format_p(difference: Difference | None) -> str:
    """Write the corrected p of a difference; one pair tests nothing."""
    if difference is None or difference.n == 1:
        return ""
    return "<0.001" if difference.p_holm < 0.001 else f"{difference.p_holm:.3f}"
