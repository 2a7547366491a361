"""The tables of a report as files: Markdown, LaTeX, CSV and JSON."""

import csv
import dataclasses
import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Sequence

import numpy as np

from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.comparisons import pivot_comparisons
from ssl_irmae.protocols.report.tables.components import COMPONENTS_TITLE, crossed_components, lay_out_components
from ssl_irmae.protocols.report.tables.terminal import (
    format_count,
    format_difference,
    format_error,
    format_n,
    format_p,
    least_mean,
)
from ssl_irmae.protocols.statistics.summary import Summary
from ssl_irmae.protocols.statistics.variance import variance_components
from ssl_irmae.protocols.storage.rows import Kept, mistakes

_OWN_TABLE = "Transductive: these looked at the scored images, without labels, before they predicted them"


def short_markdown(report: Report) -> str:
    """Write the table of the contenders that figures draw, over the budgets, and that of the declared comparisons."""
    drawn = [s for s in report.summaries if s.contender in report.drawn]
    body = _overview(report, drawn, "**{}**", counts=True)
    lines = _markdown_table(["contender", "reads", *(f"{head} (n)" for head in _heads(drawn))], body)
    return "\n".join([*lines, *(["", *_comparisons(report)] if report.comparisons else [])])


def markdown(report: Report) -> str:
    """Write all tables: first every contender over the budgets, then each budget in full, then words and audit."""
    lines = [f"# {_capital(report.title)}", ""]
    lines += ["Mean error, % ± standard error (ddof = 1). Bold: the least mean at a budget of what is not leaky.", ""]
    for kind, summaries in report.kinds.items():
        lines += [f"## {_OWN_TABLE}", ""] if kind == "transductive" else []
        lines += [
            *_markdown_table(["contender", "reads", *_heads(summaries)], _overview(report, summaries, "**{}**")),
            "",
        ]
    if report.comparisons:
        lines += ["## Declared comparisons", "", *_comparisons(report), ""]
    for kind, summaries in report.kinds.items():
        for budget in _budgets(summaries):
            mark = ", transductive" if kind == "transductive" else ""
            here = [s for s in summaries if s.budget == budget]
            lines += [f"## {budget:,} labels{mark}", "", *_markdown_table(_columns(report), _details(report, here)), ""]
    head, *body = lay_out_components(crossed_components(report.rows))
    if body:
        lines += [f"## {_capital(COMPONENTS_TITLE)}", "", *_markdown_table(head, body), ""]
    for heading, entries in (("What the numbers are", report.notes), ("Leak audit", report.audit)):
        lines += [f"## {heading}", "", *(f"- {entry}" for entry in entries), ""] if entries else []
    if report.commands:
        lines += ["## Commands", "", *(f"    {command}" for command in report.commands), ""]
    return "\n".join(lines)


def latex(report: Report) -> str:
    r"""Write tables for LaTeX with booktabs: means with standard errors, paired differences, declared comparisons.

    They need ``\usepackage{booktabs}``; long ones are for the writer to cut. What the numbers are and the leak audit
    come with them, as comments.
    """
    over = " or, at the full set, ".join(dict.fromkeys(s.over for s in report.summaries))
    note = (
        f"Mean error in percent $\\pm$ standard error (ddof\\,=\\,1) over {over}; bold: the least mean of what is not "
        "leaky; in brackets n, $\\dagger$ below six"
    )
    parts = ["% \\usepackage{booktabs}"]
    for kind, summaries in report.kinds.items():
        caption = f"{escape_latex(_capital(report.title))}. {note}."
        caption += "" if kind == "inductive" else f" {_OWN_TABLE}."
        body = _overview(report, summaries, "\\textbf{{{}}}", counts=True)
        parts.append(_latex_table(["contender", "reads", *_heads(summaries)], body, caption, f"tab:error-{kind}"))
        compared = [s for s in summaries if s.difference is not None]
        if compared:
            caption = (
                f"Error minus that of {escape_latex(report.reference)} on the same subsets, in points, with the "
                "95\\,\\% bootstrap interval of the mean; * marks $p < 0.05$ in a two-sided sign-flip test after "
                "Holm's correction; in brackets the pairs, $\\dagger$ fewer than six."
            )
            cells = {
                (s.contender, s.budget): f"{format_difference(s.difference)}{_star(s)} ({format_count(s.difference.n)})"
                for s in compared
                if s.difference is not None
            }
            body = _pivot(report, compared, cells)
            heads = ["contender", "reads", *_heads(compared)]
            parts.append(_latex_table(heads, body, caption, f"tab:difference-{kind}"))
    if report.comparisons:
        head, *body = pivot_comparisons(report.comparisons)
        caption = (
            "Declared comparisons: error minus the other's on the same subsets, in points, with the 95\\,\\% bootstrap "
            "interval of the mean, $p$ of the sign-flip test corrected by Holm for all that were declared, and the "
            "number of pairs ($\\dagger$ fewer than six); images: the standard error that comes from which images were "
            "scored, not in the interval."
        )
        parts.append(_latex_table(head, body, caption, "tab:declared"))
    head, *body = lay_out_components(crossed_components(report.rows))
    if body:
        parts.append(_latex_table(head, body, f"{_capital(COMPONENTS_TITLE)}.", "tab:components"))
    words = "\n".join(f"% {line}" for text in (*report.notes, *report.audit) for line in text.splitlines())
    return "\n\n".join([*parts, words]) + "\n"


def summary_csv(report: Report) -> str:
    """Write one line a contender and budget: every statistic in full precision, empty where there is none."""
    reads = {row.contender: row.reads for row in report.rows}
    lines = []
    for s in report.summaries:
        look, difference = report.looks[s.contender], s.difference
        values = {k: v for k, v in dataclasses.asdict(s).items() if k != "difference"}
        values |= {"representation": look.representation, "reads": reads[s.contender]}
        values |= {"transductive": look.transductive, "leaky": look.leaky}
        for field in ("reference", "mean", "low", "high", "n", "p", "p_holm"):
            name = field if field == "reference" else f"difference_{field}"
            values[name] = None if difference is None else getattr(difference, field)
        lines.append(values)
    return _csv(lines)


def rows_csv(trials: Iterable[Kept]) -> str:
    """Write one line a trial, with everything that the store has but subsets, and the name of its environment.

    The environments stand in ``environments_json``, the images that were wrong in ``mistakes_npz``; subsets
    are a function of the columns.
    """
    lines = []
    for kept in trials:
        values = kept.row.model_dump(mode="json")
        values["settings"] = json.dumps(values["settings"])
        values["finished"] = kept.finished
        values["seconds"] = None if math.isnan(kept.seconds) else round(kept.seconds, 3)
        values["environment"] = name_environment(kept.environment) if kept.environment else None
        lines.append(values)
    return _csv(lines)


def environments_json(trials: Iterable[Kept]) -> str:
    """Write the environments that rows.csv names."""
    named = {name_environment(kept.environment): kept.environment for kept in trials if kept.environment}
    return json.dumps(named, indent=2, sort_keys=True) + "\n"


def name_environment(environment: dict[str, object]) -> str:
    """Name an environment by the first eight hexadecimal digits of its SHA-256."""
    return hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest()[:8]


def mistakes_npz(trials: Iterable[Kept]) -> bytes | None:
    """Write which scored images each trial got wrong, or None if that is known of no trial.

    Arrays ``predictions``, the hashes by which rows.csv names what was predicted, shape (p,); and ``wrong``, uint8 as
    ``numpy.packbits`` packs it, shape (p, ceil(n_scored / 8)).
    """
    wrong = mistakes(trials)
    if not wrong:
        return None
    buffer = io.BytesIO()
    packed = np.frombuffer(b"".join(wrong.values()), dtype=np.uint8).reshape(len(wrong), -1)
    np.savez_compressed(buffer, predictions=np.array(list(wrong)), wrong=packed)
    return buffer.getvalue()


def report_json(report: Report) -> str:
    """Write everything as one document, shaped like that of ``ssl-irmae evaluate --json``."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def document(report: Report) -> dict[str, object]:
    """Collect everything that ``report.json`` holds."""
    seconds: dict[str, float] = {}
    for kept in report.trials:
        if not math.isnan(kept.seconds):
            seconds[kept.row.contender] = seconds.get(kept.row.contender, 0.0) + kept.seconds
    return {
        "title": report.title,
        "reference": report.reference,
        "rows": [row.model_dump(mode="json") for row in report.rows],
        "summary": [dataclasses.asdict(summary) for summary in report.summaries],
        "comparisons": [dataclasses.asdict(comparison) for comparison in report.comparisons],
        "variance_components": [dataclasses.asdict(c) for c in variance_components(report.rows)],
        "drawn": list(report.drawn),
        "notes": list(report.notes),
        "leak_audit": list(report.audit),
        "commands": list(report.commands),
        "seconds": {"by_contender": {name: round(value, 3) for name, value in seconds.items()}},
        "environments": report.environments,
    }


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


def _comparisons(report: Report) -> list[str]:
    head, *body = pivot_comparisons(report.comparisons)
    return _markdown_table(head, [[contender, f"`{other}`", *cells] for contender, other, *cells in body])


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _overview(report: Report, summaries: Sequence[Summary], bold: str, *, counts: bool = False) -> list[list[str]]:
    """Lay contenders out over budgets: mean ± standard error, the least mean of each budget in bold."""
    best = {b: least_mean([s for s in summaries if s.budget == b], report.looks) for b in _budgets(summaries)}
    cells = {}
    for s in summaries:
        error = format_error(s).strip()
        text = bold.format(error) if s.mean == best[s.budget] and not report.looks[s.contender].leaky else error
        cells[s.contender, s.budget] = f"{text} ({format_count(s.n)})" if counts else text
    return _pivot(report, summaries, cells)


def _pivot(report: Report, summaries: Sequence[Summary], cells: dict[tuple[str, int], str]) -> list[list[str]]:
    reads = {row.contender: row.reads for row in report.rows}
    names = [name for name in report.looks if any(s.contender == name for s in summaries)]
    return [
        [
            report.looks[name].marked(name),
            reads[name],
            *(cells.get((name, budget), "") for budget in _budgets(summaries)),
        ]
        for name in names
    ]


def _columns(report: Report) -> list[str]:
    return [
        "contender",
        "reads",
        "error % ± SE",
        "SD",
        "95 % interval",
        "n",
        "over",
        f"Δ {report.reference} [95 %]",
        "p Holm",
    ]


def _details(report: Report, here: Sequence[Summary]) -> list[list[str]]:
    reads = {row.contender: row.reads for row in report.rows}
    best = least_mean(here, report.looks)
    lines = []
    for s in here:
        error = format_error(s).strip()
        lines.append(
            [
                report.looks[s.contender].marked(s.contender),
                reads[s.contender],
                f"**{error}**" if s.mean == best and not report.looks[s.contender].leaky else error,
                "" if s.standard_deviation is None else f"{s.standard_deviation:.2f}",
                "" if s.low is None or s.high is None else f"{s.low:.2f} to {s.high:.2f}",
                format_n(s),
                s.over,
                "reference" if s.contender == report.reference else format_difference(s.difference),
                format_p(s.difference),
            ]
        )
    return lines


def _budgets(summaries: Sequence[Summary]) -> list[int]:
    return sorted({s.budget for s in summaries})


def _heads(summaries: Sequence[Summary]) -> list[str]:
    return [f"{budget:,} labels" for budget in _budgets(summaries)]


def _star(summary: Summary) -> str:
    difference = summary.difference
    return "*" if difference is not None and difference.n > 1 and difference.p_holm < 0.05 else ""


def _markdown_table(columns: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(columns)} |", f"|---|---|{'---:|' * (len(columns) - 2)}"]
    for name, *cells in body:
        escaped = (cell.replace("|", "\\|") for cell in cells)
        lines.append(f"| `{name}` | {' | '.join(escaped)} |")
    return lines


def _latex_table(columns: Sequence[str], body: Sequence[Sequence[str]], caption: str, label: str) -> str:
    def line(cells: Iterable[str]) -> str:
        return f"    {' & '.join(cells)} \\\\"

    def cell(text: str) -> str:
        start = "\\textbf{"
        if text.startswith(start):
            inside, _, after = text.removeprefix(start).partition("}")
            return f"{start}{escape_latex(inside)}}}{escape_latex(after)}"
        return re.sub(r"(?<!\w)-(?=\d)", "$-$", escape_latex(text))  # a minus, not a hyphen

    rows = [line([f"\\texttt{{{escape_latex(name)}}}", *map(cell, cells)]) for name, *cells in body]
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


def _csv(lines: Sequence[dict[str, object]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()
