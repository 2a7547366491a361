"""Tables for a terminal: columns are dropped rather than cells wrapped."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ssl_irmae.protocols.report.classes import unbalanced
from ssl_irmae.protocols.report.styles import styles_of
from ssl_irmae.protocols.report.tables.cells import (
    Cell,
    error_cell,
    format_balanced,
    format_count,
    format_interval,
    format_labels,
    format_mean_difference,
    format_method_interval,
    format_n,
    format_p,
    format_probability,
    who_leads,
)
from ssl_irmae.protocols.report.tables.components import COMPONENTS_TITLE, lay_out_components
from ssl_irmae.protocols.representations.clustering import Clustering
from ssl_irmae.protocols.representations.retrieval import Retrieval
from ssl_irmae.protocols.statistics.error_matrix import error_matrices
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded
from ssl_irmae.protocols.statistics.summary import Comparison, Summary
from ssl_irmae.protocols.statistics.variance import VarianceComponents
from ssl_irmae.protocols.storage.rows import Row


@dataclass(frozen=True)
class _Column:
    head: str
    cells: Sequence[Cell]
    left: bool = False


def _column(head: str, texts: Iterable[str], *, left: bool = False) -> _Column:
    return _Column(head, [Cell(text) for text in texts], left)


# what is left out where a terminal is too narrow, first to last; in a first step the head of a column becomes shorter
_LEFT_OUT = ("best", "method", "reads", "difference", "n", "interval", "median", "p", "worth", "balanced", "worst")


def budget_tables(
    rows: Sequence[Row],
    summaries: Sequence[Summary],
    equivalences: Mapping[tuple[int, str], LabelsNeeded] = MappingProxyType({}),
    best: Mapping[tuple[int, str], float] = MappingProxyType({}),
    *,
    baseline: str,
    width: int,
) -> list[Table]:
    """Build the tables of errors: by budget, one of the inductive contenders and one of the transductive.

    The two kinds must not be compared with each other.

    Args:
        rows: Every row that was summarised.
        summaries: Their summaries.
        equivalences: How many labels of the baseline an error is worth, by budget and contender.
        best: How likely each contender is the best of its kind, by budget and contender.
        baseline: The contender that differences are taken to.
        width: Width of the terminal, in characters.
    """
    tables = []
    for budget in dict.fromkeys(row.budget for row in rows):
        for transductive in (False, True):
            kind = [row for row in rows if row.budget == budget and row.transductive == transductive]
            names = {row.contender for row in kind}
            here = [s for s in summaries if s.budget == budget and s.contender in names]
            if here:
                tables.append(_budget_table(kind, here, equivalences, best, baseline, width))
    return tables


def _budget_table(
    rows: Sequence[Row],
    summaries: Sequence[Summary],
    equivalences: Mapping[tuple[int, str], LabelsNeeded],
    best: Mapping[tuple[int, str], float],
    baseline: str,
    width: int,
) -> Table:
    first = rows[0]
    styles = styles_of(rows)
    leading = who_leads(error_matrices(rows), summaries, styles)
    reads = {row.contender: row.reads for row in rows}
    keys = [(s.budget, s.contender) for s in summaries]
    differences = [s.difference for s in summaries]
    compared = any(d is not None for d in differences)
    different = {format_n(s) for s in summaries}
    skewed = any(s.skewed for s in summaries)

    means = [
        "baseline" if s.contender == baseline and compared else format_mean_difference(s.difference) for s in summaries
    ]
    columns = {
        "contender": _column("contender", [styles[s.contender].marked(s.contender) for s in summaries], left=True),
        "reads": _column("reads", [reads[s.contender] for s in summaries], left=True),
        "error": _Column("error % ± SE", [error_cell(s, leading) for s in summaries]),
        "median": _column("median", [f"{s.median:.2f}" if skewed else "" for s in summaries]),
        "worst": _column("worst", [f"{s.worst:.2f}" if skewed else "" for s in summaries]),
        "balanced": _column("balanced %", [format_balanced(s) if unbalanced(first) else "" for s in summaries]),
        # where it is the same for all, the title says it
        "n": _column("n", [format_n(s) if len(different) > 1 else "" for s in summaries]),
        "difference": _column(f"Δ {baseline}", means if compared else []),
        "short difference": _column("Δ", means),
        "interval": _column("95 %", [format_interval(d) for d in differences]),
        "method": _column("method 95 %", [format_method_interval(d) for d in differences]),
        "p": _column("p Holm", [format_p(d) for d in differences]),
        "worth": _column("worth", [format_labels(equivalences.get(key)) for key in keys]),
        "best": _column("P(best)", [format_probability(best.get(key)) if len(keys) > 1 else "" for key in keys]),
    }
    known = [name for name, column in columns.items() if any(cell.text for cell in column.cells)]
    layouts = [[name for name in known if name != "short difference"]]
    for name in _LEFT_OUT:
        if name in layouts[-1]:
            shorter = ["short difference"] if name == "difference" else []
            i = layouts[-1].index(name)
            layouts.append([*layouts[-1][:i], *shorter, *layouts[-1][i + 1 :]])
    layouts.append([name for name in layouts[-1] if name != "short difference"])
    labels = f"all {first.budget:,} labels" if first.rule == "full" else f"{first.budget:,} labels"
    labels += "" if first.rule in ("balanced", "full") else f" ({first.rule})"
    folds = "" if first.folds is None else f"; {first.folds} stratified folds of the labelled {first.noun}s"
    kind = f"; transductive: looked at the scored {first.noun}s" if first.transductive else ""
    title = f"{first.dataset}, {labels}{f', n = {min(different)}' if len(different) == 1 else ''}{folds}{kind}"
    return _first_that_fits(title, columns, layouts, width)


def comparisons_table(comparisons: Sequence[Comparison], *, width: int) -> Table:
    """Build the table of declared comparisons, by budget."""
    budgets = [c.budget for c in comparisons]
    new = [i == 0 or budget != budgets[i - 1] for i, budget in enumerate(budgets)]

    columns = {
        "labels": _column("labels", [f"{b:,}" if first else "" for b, first in zip(budgets, new, strict=True)]),
        "pair": _column(
            "contender - other", [f"{c.contender} - {c.difference.baseline}" for c in comparisons], left=True
        ),
        "difference": _column("Δ", [format_mean_difference(c.difference) for c in comparisons]),
        "interval": _column("95 %", [format_interval(c.difference) for c in comparisons]),
        "n": _column("n", [format_count(c.difference.n) for c in comparisons]),
        "p": _column("p Holm", [format_p(c.difference) for c in comparisons]),
        "method": _column("method 95 %", [format_method_interval(c.difference) for c in comparisons]),
    }
    known = ["method"] if any(c.difference.method_low is not None for c in comparisons) else []
    layouts = [
        ["labels", "pair", "difference", "interval", *known, "n", "p"],
        ["labels", "pair", "difference", "interval", "n", "p"],
        ["labels", "pair", "difference", "n", "p"],
        ["labels", "pair", "difference", "p"],
    ]
    return _first_that_fits("declared comparisons", columns, layouts, width, sections=new)


def curves_table(title: str, laid_out: Sequence[Sequence[str]], *, width: int) -> Table:
    """Build the table of one number per learning curve.

    Args:
        title: Its title.
        laid_out: A head and a line per contender, as ``lay_out_curves`` gives them.
        width: Width of the terminal, in characters.
    """
    head, *body = laid_out
    columns = {name: _column(name, [line[i] for line in body], left=i == 0) for i, name in enumerate(head)}
    return _first_that_fits(title, columns, [head, [head[0], head[-1]]], width)


def components_table(components: Sequence[VarianceComponents], *, width: int) -> Table:
    """Build the table of components of variance, in points, of every contender and budget given."""
    head, *body = lay_out_components(components)
    columns = {name: _column(name, [line[i] for line in body], left=i == 0) for i, name in enumerate(head)}
    fewer = [name for name in head if name not in ("subsets", "encoders")]
    return _first_that_fits(COMPONENTS_TITLE, columns, [head, fewer], width)


def retrieval_table(measured: Sequence[Retrieval], *, width: int) -> Table:
    """Build the table of what each code does without a classifier, percent, higher is better."""
    numbers = {
        "precision@1": [m.precision_at_1 for m in measured],
        "R-precision": [m.r_precision for m in measured],
        "MAP@R": [m.map_at_r for m in measured],
        "NMI": [m.nmi for m in measured],
        "AMI": [m.ami for m in measured],
    }
    columns = {"representation": _column("representation", [m.representation for m in measured], left=True)}
    columns |= {
        head: _column(head, ["-" if x is None else f"{x:.2f}" for x in values]) for head, values in numbers.items()
    }
    title = "retrieval, %, without a classifier"
    return _first_that_fits(title, columns, [list(columns)], width)


def clustering_table(found: Sequence[Clustering], *, width: int) -> Table:
    """Build the table of clusters that were found without a label: error in percent by way of finding them."""
    ways = sorted({c.method for c in found})
    errors = {(c.representation, c.method): f"{c.error:.2f}" for c in found}
    names = list(dict.fromkeys(c.representation for c in found))
    columns = {"representation": _column("representation", names, left=True)}
    columns |= {way: _column(way, [errors.get((name, way), "-") for name in names]) for way in ways}
    title = "zero labels: clustering error %"
    return _first_that_fits(title, columns, [list(columns)], width)


def _first_that_fits(
    title: str,
    columns: dict[str, _Column],
    layouts: Sequence[Sequence[str]],
    width: int,
    *,
    sections: Sequence[bool] = (),
) -> Table:
    for layout in layouts:
        table = _table(title, [columns[name] for name in layout], sections)
        if Console(width=sys.maxsize).measure(table).maximum <= width:
            break
    return table


def _table(title: str, columns: Sequence[_Column], sections: Sequence[bool]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.head, justify="left" if column.left else "right", no_wrap=True)
    for i, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        if i and sections and sections[i]:
            table.add_section()
        table.add_row(*(Text(cell.text, style="bold" if cell.bold else "") for cell in cells))
    return table
