"""A report as text: the answer, the tables, a few notes. The one printer of every command and of notebooks."""

import html
import io
import re
import textwrap
from collections.abc import Sequence
from typing import Literal

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ssl_irmae.protocols.report.checks.finding import counted, detailed, failures
from ssl_irmae.protocols.report.note import brief_notes
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import format_difference, format_error, format_n, format_p
from ssl_irmae.protocols.report.tables.components import crossed_components
from ssl_irmae.protocols.report.tables.curves import lay_out_curves
from ssl_irmae.protocols.report.tables.terminal import (
    budget_tables,
    clustering_table,
    comparisons_table,
    components_table,
    curves_table,
    retrieval_table,
)

Notes = Literal["short", "full"]

_HTML_EXPLAINS = ("error % ± SE", "Δ", "95 %", "p Holm")  # what its columns show


def report_parts(report: Report, *, width: int, notes: Notes, more: str) -> list[RenderableType]:
    """List what is printed, in order: the answer, the tables, the notes, the checks.

    Args:
        report: What is printed.
        width: Width of the terminal, in characters.
        notes: ``"short"`` for at most five short notes and the checks that did not pass, ``"full"`` for all of both
            and who saw what.
        more: Where all notes are found, named after the short ones.
    """
    parts: list[RenderableType] = [Text(_wrapped(" ".join(report.answer), width, "") + "\n")]
    tables = budget_tables(
        report.pooled, report.summaries, report.equivalences, report.best, baseline=report.baseline, width=width
    )
    parts += tables
    parts += [curves_table(title, lines, width=width) for title, lines in lay_out_curves(report).items()]
    if report.comparisons:
        parts.append(comparisons_table(report.comparisons, width=width))
    if report.retrieval:
        parts.append(retrieval_table(report.retrieval, width=width))
    if report.clustering:
        parts.append(clustering_table(report.clustering, width=width))
    components = crossed_components(report.rows())
    if components:
        parts.append(components_table(components, width=width))
    heading = f"Checks of what these numbers rest on: {counted(report.checks)}."
    if notes == "full":
        every = [note.text for note in (*report.notes, *report.provenance)] + [heading, *detailed(report.checks)]
        return [*parts, *(Text(_wrapped(text, width, "- ")) for text in every)]
    failed = failures(report.checks)
    parts += [Text(_wrapped(text, width, "- ")) for text in brief_notes(report.notes, _heads(tables))]
    parts.append(Text(_wrapped(f"{heading}{' Not passed:' if failed else ''}", width, "- ")))
    parts += [Text(_wrapped(finding.result.sentence, width, f"  {finding.code} ")) for finding in failed]
    return [*parts, Text(_wrapped(f"All notes, what the checks mean and who saw which data: {more}", width, "- "))]


def _heads(tables: Sequence[Table]) -> set[str]:
    """Return the heads of their columns, that of differences without the name of the baseline."""
    heads = {str(column.header) for table in tables for column in table.columns}
    return heads | {"Δ" for head in heads if head.startswith("Δ ")}


def report_text(report: Report, *, width: int | None = None, notes: Notes = "short") -> str:
    """Return what is printed as plain text.

    Args:
        report: What is printed.
        width: In characters; None stands for that of the terminal or, as rich has it, of the notebook, and for 80 where
            there is neither. The variable ``COLUMNS`` overrides it, in a notebook ``JUPYTER_COLUMNS``.
        notes: As in ``report_parts``.
    """
    width = Console().width if width is None else width
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for part in report_parts(
        report, width=width, notes=notes, more="report.notes, report.checks and report.provenance"
    ):
        console.print(part)
    file = console.file
    assert isinstance(file, io.StringIO)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def report_html(report: Report) -> str:
    """Return the answer, one table and the short notes as HTML, for a notebook."""
    heads = ["labels", "contender", "error % ± SE", "n", f"Δ {report.baseline} [95 %]", "p Holm"]
    lines = [
        (
            f"{s.budget:,}",
            report.styles[s.contender].marked(s.contender),
            format_error(s),
            format_n(s),
            "baseline" if s.contender == report.baseline else format_difference(s.difference),
            format_p(s.difference),
        )
        for s in report.summaries
    ]
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
    texts = [
        *brief_notes(report.notes, _HTML_EXPLAINS),
        f"Checks of what these numbers rest on: {counted(report.checks)}.",
    ]
    texts += [f"{finding.code} {finding.result.sentence}" for finding in failures(report.checks)]
    notes = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    answer = text_html(" ".join(report.answer))
    return f"<p>{answer}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{notes}</ul>"


def text_html(text: str) -> str:
    """Return text as HTML, with what stands in backticks set as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))


def _wrapped(text: str, width: int, start: str) -> str:
    return textwrap.fill(
        text,
        max(width, 20),
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )
