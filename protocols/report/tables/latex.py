"""The tables of a report for LaTeX, with booktabs."""

import re
from collections.abc import Iterable, Sequence

from ssl_irmae.protocols.report.checks.finding import detailed
from ssl_irmae.protocols.report.note import upper_first
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import (
    Cell,
    format_count,
    format_difference,
    format_labels,
    format_labels_interval,
    plain_cells,
)
from ssl_irmae.protocols.report.tables.comparisons import pivot_comparisons
from ssl_irmae.protocols.report.tables.components import COMPONENTS_TITLE, crossed_components, lay_out_components
from ssl_irmae.protocols.report.tables.overview import TRANSDUCTIVE_TITLE, heads, overview, pivot
from ssl_irmae.protocols.statistics.summary import Summary


def latex(report: Report) -> str:
    r"""Write means with standard errors, paired differences and declared comparisons.

    The tables need ``\usepackage{booktabs}``; long ones are for the writer to cut. What the numbers are and the leak
    checks come with them, as comments.
    """
    over = " or, at the full set, ".join(dict.fromkeys(s.over for s in report.summaries))
    caption = (
        f"{escape_latex(upper_first(report.title))}. Mean error in percent $\\pm$ standard error "
        f"(ddof\\,=\\,1) over {over}; bold: {report.leads_by} among contenders that are not leaky; "
        "in brackets n, $\\dagger$ below six."
    )
    parts = ["% \\usepackage{booktabs}"]
    for kind, summaries in report.kinds.items():
        more = "" if kind == "inductive" else f" {TRANSDUCTIVE_TITLE}."
        columns = ["contender", "reads", *heads(summaries)]
        body = overview(report, summaries, counts=True)
        parts.append(_table(columns, body, caption + more, f"tab:error-{kind}"))
        parts += _differences(report, summaries, f"tab:difference-{kind}")
        parts += _worth(report, summaries, f"tab:worth-{kind}")
    if report.comparisons:
        head, *lines = pivot_comparisons(report.comparisons)
        declared = (
            "Declared comparisons: error minus the other's on the same subsets, in points, with the 95\\,\\% $t$ "
            "interval of the mean, $p$ of the sign-flip test corrected by Holm for all that were declared, and the "
            "number of pairs ($\\dagger$ fewer than six); method: the interval that also covers which images were "
            "scored and, where there are several, the pretraining seeds."
        )
        parts.append(_table(head, plain_cells(lines), declared, "tab:declared"))
    head, *lines = lay_out_components(crossed_components(report.rows()))
    if lines:
        parts.append(_table(head, plain_cells(lines), f"{COMPONENTS_TITLE.capitalize()}.", "tab:components"))
    texts = [note.text for note in (*report.notes, *report.provenance)] + detailed(report.checks)
    notes = "\n".join(f"% {line}" for text in texts for line in text.splitlines())
    return "\n\n".join([*parts, notes]) + "\n"


def escape_latex(text: str) -> str:
    r"""Write text so that LaTeX prints it as it is.

    >>> print(escape_latex("my_encoder & 5 %"))
    my\_encoder \& 5 \%
    """
    special = {c: f"\\{c}" for c in "&%$#_{}"} | {
        "\\": "\\textbackslash{}",
        "~": "\\textasciitilde{}",
        "^": "\\textasciicircum{}",
        "±": "$\\pm$",
        "Δ": "$\\Delta$",
        "<": "$<$",
        ">": "$>$",
        "†": "$\\dagger$",
    }
    return "".join(special.get(c, c) for c in text)


def _differences(report: Report, summaries: Sequence[Summary], label: str) -> list[str]:
    compared = [s for s in summaries if s.difference is not None]
    if not compared:
        return []
    caption = (
        f"Error minus that of {escape_latex(report.baseline)} on the same subsets, in points, with the 95\\,\\% "
        "$t$ interval of the mean; * marks $p < 0.05$ in a two-sided sign-flip test after Holm's correction; in "
        "brackets the pairs, $\\dagger$ fewer than six."
    )
    cells = {
        (s.contender, s.budget): Cell(
            f"{format_difference(s.difference)}{'*' if s.difference.n > 1 and s.difference.p_holm < 0.05 else ''} "
            f"({format_count(s.difference.n)})"
        )
        for s in compared
        if s.difference is not None
    }
    return [_table(["contender", "reads", *heads(compared)], pivot(report, compared, cells), caption, label)]


def _worth(report: Report, summaries: Sequence[Summary], label: str) -> list[str]:
    known = [s for s in summaries if (s.budget, s.contender) in report.equivalences]
    if not known:
        return []
    caption = (
        f"With how many labels {escape_latex(report.baseline)} makes as few errors, with the 95\\,\\% interval over "
        "resampled subsets."
    )
    cells = {}
    for s in known:
        found = report.equivalences[s.budget, s.contender]
        cells[s.contender, s.budget] = Cell(f"{format_labels(found)} {format_labels_interval(found)}".strip())
    return [_table(["contender", "reads", *heads(known)], pivot(report, known, cells), caption, label)]


def _table(columns: Sequence[str], body: Sequence[Sequence[Cell]], caption: str, label: str) -> str:
    def line(cells: Iterable[str]) -> str:
        return f"    {' & '.join(cells)} \\\\"

    rows = [line([f"\\texttt{{{escape_latex(name.text)}}}", *map(_cell, cells)]) for name, *cells in body]
    return "\n".join(
        [
            "\\begin{table}",
            "  \\centering",
            f"  \\caption{{{caption}}}",
            f"  \\label{{{label}}}",
            f"  \\begin{{tabular}}{{ll{'r' * (len(columns) - 2)}}}",
            "    \\toprule",
            line(map(escape_latex, columns)),
            "    \\midrule",
            *rows,
            "    \\bottomrule",
            "  \\end{tabular}",
            "\\end{table}",
        ]
    )


def _cell(cell: Cell) -> str:
    text, after = (re.sub(r"(?<!\w)-(?=\d)", "$-$", escape_latex(part)) for part in (cell.text, cell.after))
    return f"\\textbf{{{text}}}{after}" if cell.bold else text + after
