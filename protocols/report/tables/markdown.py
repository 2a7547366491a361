"""The tables of a report as Markdown."""

from collections.abc import Sequence

from ssl_irmae.protocols.report.checks.finding import counted, detailed
from ssl_irmae.protocols.report.note import upper_first
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import Cell, plain_cells
from ssl_irmae.protocols.report.tables.comparisons import pivot_comparisons
from ssl_irmae.protocols.report.tables.components import COMPONENTS_TITLE, crossed_components, lay_out_components
from ssl_irmae.protocols.report.tables.curves import lay_out_curves
from ssl_irmae.protocols.report.tables.overview import (
    TRANSDUCTIVE_TITLE,
    budgets_of,
    details,
    heads,
    overview,
)


def markdown(report: Report) -> str:
    """Write all tables: first every contender over the budgets, then each budget in full, then notes and checks."""
    lines = [f"# {upper_first(report.title)}", "", *report.answer, ""]
    bold = f"Bold: {report.leads_by} at each budget among contenders that are not leaky."
    lines += [f"Mean error, % ± standard error (ddof = 1). {bold}", ""]
    for kind, summaries in report.kinds.items():
        lines += [f"## {TRANSDUCTIVE_TITLE}", ""] if kind == "transductive" else []
        lines += [*markdown_table(["contender", "reads", *heads(summaries)], overview(report, summaries)), ""]
    for title, (head, *body) in lay_out_curves(report).items():
        lines += [f"## {upper_first(title)}", "", *markdown_table(head, plain_cells(body)), ""]
    if report.comparisons:
        lines += ["## Declared comparisons", "", *comparisons_markdown(report), ""]
    for kind, summaries in report.kinds.items():
        mark = ", transductive" if kind == "transductive" else ""
        for budget in budgets_of(summaries):
            here = [s for s in summaries if s.budget == budget]
            columns = details(report, here)
            table = markdown_table(list(columns), list(zip(*columns.values(), strict=True)))
            lines += [f"## {budget:,} labels{mark}", "", *table, ""]
    head, *body = lay_out_components(crossed_components(report.rows()))
    if body:
        lines += [f"## {COMPONENTS_TITLE.capitalize()}", "", *markdown_table(head, plain_cells(body)), ""]
    lines += ["## What the numbers are", "", *(f"- {note.text}" for note in report.notes), ""]
    lines += ["## Checks", "", f"{counted(report.checks)}.", ""]
    lines += [*(f"- {text}" for text in detailed(report.checks)), ""]
    lines += ["## Who saw what", "", *(f"- {note.text}" for note in report.provenance), ""]
    if report.commands:
        lines += ["## Commands", "", *(f"    {command}" for command in report.commands), ""]
    return "\n".join(lines)


def short_markdown(report: Report) -> str:
    """Write the table of the contenders that figures draw, over the budgets, and that of the declared comparisons."""
    drawn = [s for s in report.summaries if s.contender in report.drawn]
    body = overview(report, drawn, counts=True)
    lines = markdown_table(["contender", "reads", *(f"{head} (n)" for head in heads(drawn))], body)
    return "\n".join([*lines, *(["", *comparisons_markdown(report)] if report.comparisons else [])])


def comparisons_markdown(report: Report) -> list[str]:
    """Write the table of declared comparisons, as lines."""
    head, *body = pivot_comparisons(report.comparisons)
    return markdown_table(head, plain_cells([[contender, f"`{other}`", *cells] for contender, other, *cells in body]))


def markdown_table(columns: Sequence[str], body: Sequence[Sequence[Cell]]) -> list[str]:
    """Write a table, as lines; the first column holds names."""
    lines = [f"| {' | '.join(columns)} |", f"|---|---|{'---:|' * (len(columns) - 2)}"]
    for name, *cells in body:
        texts = (f"**{cell.text}**{cell.after}" if cell.bold else f"{cell.text}{cell.after}" for cell in cells)
        lines.append(f"| `{name.text}` | {' | '.join(text.replace('|', chr(92) + '|') for text in texts)} |")
    return lines
