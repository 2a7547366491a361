"""A report as text: the answer, the tables, a few notes. The one printer of every command and of notebooks."""

import html
import io
import re
import textwrap
from typing import Literal

from rich.console import Console, RenderableType
from rich.text import Text

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


def report_parts(report: Report, *, width: int, notes: Notes, more: str) -> list[RenderableType]:
    """List what is printed, in order: the answer, the tables, the notes.

    Args:
        report: What is printed.
        width: Width of the terminal, in characters.
        notes: ``"short"`` for at most five short notes, ``"full"`` for all notes and the leak audit.
        more: Where all notes are found, named after the short ones.
    """
    parts: list[RenderableType] = [Text(_wrapped(" ".join(report.answer), width) + "\n")]
    parts += budget_tables(
        report.pooled, report.summaries, report.equivalences, report.best, baseline=report.baseline, width=width
    )
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
    every = (*report.notes, *report.audit)
    texts = [note.text for note in every] if notes == "full" else brief_notes(every)
    parts += [Text(_wrapped(text, width, bullet=True)) for text in texts]
    if notes == "short":
        parts.append(Text(_wrapped(f"All notes, and which data each learner saw: {more}", width, bullet=True)))
    return parts


def report_text(report: Report, *, width: int, notes: Notes = "short") -> str:
    """Return what is printed as plain text."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for part in report_parts(report, width=width, notes=notes, more="report.notes and report.audit"):
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
    notes = "".join(f"<li>{html.escape(text)}</li>" for text in brief_notes((*report.notes, *report.audit)))
    answer = answer_html(report)
    return f"<p>{answer}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{notes}</ul>"


def answer_html(report: Report) -> str:
    """Return the answer as HTML, with names set as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(" ".join(report.answer)))


def _wrapped(text: str, width: int, *, bullet: bool = False) -> str:
    return textwrap.fill(
        text,
        max(width, 20),
        initial_indent="- " if bullet else "",
        subsequent_indent="  " if bullet else "",
        break_long_words=False,
        break_on_hyphens=False,
    )
