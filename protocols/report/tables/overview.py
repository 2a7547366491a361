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
    lowest_mean,
)
from ssl_irmae.protocols.statistics.summary import Summary

TRANSDUCTIVE_TITLE = "Transductive: these looked at the scored images, without labels, before they predicted them"


def budgets_of(summaries: Sequence[Summary]) -> list[int]:
    """List numbers of labels, ascending."""
    return sorted({s.budget for s in summaries})


def heads(summaries: Sequence[Summary]) -> list[str]:
    """Name a column for each budget."""
    return [f"{budget:,} labels" for budget in budgets_of(summaries)]


def overview(report: Report, summaries: Sequence[Summary], *, counts: bool = False) -> list[list[Cell]]:
    """Lay contenders out over budgets: mean ± standard error, the lowest mean of each budget in bold."""
    lowest = {b: lowest_mean([s for s in summaries if s.budget == b], report.styles) for b in budgets_of(summaries)}
    cells = {}
    for s in summaries:
        after = f" ({format_count(s.n)})" if counts else ""
        cells[s.contender, s.budget] = error_cell(s, lowest[s.budget], report.styles, after)
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


def detail_heads(report: Report) -> list[str]:
    """Name the columns of :func:`details`."""
    difference = f"Δ {report.baseline} [95 %]"
    balanced = ["balanced %"] if unbalanced(report.pooled[0]) else []
    return [
        "contender",
        "reads",
        "error % ± SE",
        *balanced,
        "SD",
        "95 % interval",
        "method 95 %",
        "median",
        "worst tenth",
        "worst",
        "n",
        "over",
        "P(best)",
        difference,
        "Δ method 95 %",
        "p Holm",
        *_worth_head(report),
    ]


def details(report: Report, here: Sequence[Summary]) -> list[list[Cell]]:
    """Lay out one budget with every statistic, a line per contender."""
    reads = {row.contender: row.reads for row in report.rows()}
    lowest = lowest_mean(here, report.styles)
    balanced = unbalanced(report.pooled[0])
    return [
        [
            Cell(report.styles[s.contender].marked(s.contender)),
            Cell(reads[s.contender]),
            error_cell(s, lowest, report.styles),
            *([Cell(format_balanced(s))] if balanced else []),
            Cell("" if s.standard_deviation is None else f"{s.standard_deviation:.2f}"),
            Cell(_ends(s.low, s.high)),
            Cell(_ends(s.method_low, s.method_high)),
            *(Cell(f"{value:.2f}") for value in (s.median, s.worst_tenth, s.worst)),
            Cell(format_n(s)),
            Cell(s.over),
            Cell(format_probability(report.best.get((s.budget, s.contender)))),
            Cell("baseline" if s.contender == report.baseline else format_difference(s.difference)),
            Cell(format_method_interval(s.difference)),
            Cell(format_p(s.difference)),
            *([Cell(f"{format_labels(worth)} {format_labels_interval(worth)}".strip())] if report.equivalences else []),
        ]
        for s in here
        for worth in (report.equivalences.get((s.budget, s.contender)),)
    ]


def _ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.2f} to {high:.2f}"


def _worth_head(report: Report) -> list[str]:
    return [f"worth labels of {report.baseline} [95 %]"] if report.equivalences else []
