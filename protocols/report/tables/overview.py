"""Contenders over budgets, and each budget in full, as cells: what Markdown and LaTeX both write."""

from collections.abc import Mapping, Sequence

from ssl_irmae.protocols.report.classes import unbalanced
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import (
    Cell,
    error_cell,
    format_balanced,
    format_count,
    format_difference,
    format_labels,
    format_labels_interval,
    format_method_interval,
    format_n,
    format_p,
    format_probability,
    who_leads,
)
from ssl_irmae.protocols.statistics.summary import Summary

TRANSDUCTIVE_TITLE = "Transductive: these looked at what is scored, without labels, before they predicted it"


def budgets_of(summaries: Sequence[Summary]) -> list[int]:
    """List numbers of labels, ascending."""
    return sorted({s.budget for s in summaries})


def heads(summaries: Sequence[Summary]) -> list[str]:
    """Name a column for each budget."""
    return [f"{budget:,} labels" for budget in budgets_of(summaries)]


def overview(report: Report, summaries: Sequence[Summary], *, counts: bool = False) -> list[list[Cell]]:
    """Lay contenders out over budgets: mean ± standard error, who comes first at each budget in bold."""
    leading = who_leads(report.matrices, summaries, report.styles)
    cells = {}
    for s in summaries:
        after = f" ({format_count(s.n)})" if counts else ""
        cells[s.contender, s.budget] = error_cell(s, leading, after)
    return pivot(report, summaries, cells)


def pivot(report: Report, summaries: Sequence[Summary], cells: Mapping[tuple[str, int], Cell]) -> list[list[Cell]]:
    """Lay cells out: a line per contender with its name and what it reads, then a cell per budget."""
    reads = {row.contender: row.reads for row in report.rows()}
    names = [name for name in report.styles if any(s.contender == name for s in summaries)]
    return [
        [
            Cell(report.styles[name].marked(name)),
            Cell(reads[name]),
            *(cells.get((name, budget), Cell("")) for budget in budgets_of(summaries)),
        ]
        for name in names
    ]


def details(report: Report, here: Sequence[Summary]) -> dict[str, list[Cell]]:
    """Lay out one budget with every statistic: columns by their heads, a cell per contender."""
    reads = {row.contender: row.reads for row in report.rows()}
    leading = who_leads(report.matrices, here, report.styles)
    differences = [s.difference for s in here]
    worth = [report.equivalences.get((s.budget, s.contender)) for s in here]
    texts: dict[str, Sequence[str]] = {
        "n": [format_n(s) for s in here],
        "over": [s.over for s in here],
        f"Δ {report.baseline} [95 %]": [
            "baseline" if s.contender == report.baseline else format_difference(s.difference) for s in here
        ],
        "p Holm": [format_p(d) for d in differences],
        f"worth labels of {report.baseline} [95 %]": [
            f"{format_labels(labels)} {format_labels_interval(labels)}".strip() for labels in worth
        ],
        "P(best)": [format_probability(report.best.get((s.budget, s.contender))) for s in here],
        "median": [f"{s.median:.2f}" for s in here],
        "worst tenth": [f"{s.worst_tenth:.2f}" for s in here],
        "worst": [f"{s.worst:.2f}" for s in here],
        "SD": ["" if s.standard_deviation is None else f"{s.standard_deviation:.2f}" for s in here],
        "95 % interval": [_ends(s.low, s.high) for s in here],
        "method 95 %": [_ends(s.method_low, s.method_high) for s in here],
        "Δ method 95 %": [format_method_interval(d) for d in differences],
    }
    columns = {
        "contender": [Cell(report.styles[s.contender].marked(s.contender)) for s in here],
        "reads": [Cell(reads[s.contender]) for s in here],
        "error % ± SE": [error_cell(s, leading) for s in here],
    }
    if unbalanced(report.pooled[0]):
        columns["balanced %"] = [Cell(format_balanced(s)) for s in here]
    return columns | {head: [Cell(text) for text in cells] for head, cells in texts.items() if any(cells)}


def _ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.2f} to {high:.2f}"
