"""A report in Python: rows, a data frame, a plot, a page, and what a notebook shows."""

import dataclasses
import html
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.axes import Axes

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.report.checks.finding import failures
from ssl_irmae.protocols.report.note import Note, brief_notes
from ssl_irmae.protocols.report.page.page import html_page
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.report.tables.cells import format_error
from ssl_irmae.protocols.report.text import report_text
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import BUDGETS, CONTENDERS, finished, rows_of

NASTY = "my_own & <b>-joint"


class Cells(HTMLParser):
    """Text of every cell, line by line, and the names of all elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.lines: list[list[str]] = []
        self.elements: set[str] = set()
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.elements.add(tag)
        if tag == "tr":
            self.lines.append([])
        elif tag in ("td", "th"):
            self.lines[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.lines[-1][-1] += data


@pytest.fixture(scope="module")
def report(trials: list[FinishedTrial]) -> Report:
    return make_report(trials, notes=[Note("left out", "A <note> & its text.", "A <note>.")])


def test_rows_are_those_of_the_trials_in_order(report: Report, trials: list[FinishedTrial]) -> None:
    rows = report.rows()
    assert sorted(map(str, rows)) == sorted(map(str, rows_of(trials)))
    assert [row.budget for row in rows] == sorted(row.budget for row in rows)
    assert rows == rows_of(report.trials)


def test_contenders_come_in_the_order_of_the_registry(trials: list[FinishedTrial]) -> None:
    assert list(make_report([*reversed(trials)]).styles) == [
        "irmae-linear",
        "irmae-knn",
        "irmae-poisson-transductive",
        "pixels-linear",
        "supervised",
        NASTY,
    ]


def test_a_frame_has_one_line_per_trial_and_one_column_per_fact(report: Report) -> None:
    pandas = pytest.importorskip("pandas")
    frame = report.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == list(Row.model_fields)
    assert len(frame) == len(report.trials)
    assert frame["error"].tolist() == [row.error for row in report.rows()]
    means = frame.groupby(["budget", "contender"])["error"].mean().to_dict()
    assert means == pytest.approx({(s.budget, s.contender): s.mean for s in report.summaries})


def test_a_frame_without_pandas_names_the_extra(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match=r"ssl-irmae\[pandas\]"):
        report.to_frame()


def test_a_plot_has_a_line_per_drawn_contender(report: Report) -> None:
    axes = report.plot()
    assert isinstance(axes, Axes)
    assert tuple(line.get_label() for line in axes.lines) == report.drawn
    assert axes.figure is not None


def test_a_page_is_written(report: Report, tmp_path: Path) -> None:
    for path in (tmp_path / "a.html", str(tmp_path / "b.html")):
        report.save_html(path)
        assert Path(path).read_text(encoding="utf-8") == html_page(report)


@pytest.mark.parametrize("width", [80, 120])
def test_printing_shows_answer_tables_and_short_notes_as_wide_as_the_terminal(
    report: Report, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = str(report)
    assert text == report_text(report, width=width)
    assert " ".join(text.split("\n\n")[0].split()) == " ".join(report.answer)
    assert all(name in text for name in CONTENDERS)
    assert "report.notes" in text


def test_its_representation_holds_the_answer(report: Report) -> None:
    assert repr(report) == f"<Report of {len(report.trials)} trials: {' '.join(report.answer)}>"


def test_a_notebook_shows_answer_table_and_short_notes(report: Report) -> None:
    text = report._repr_html_()
    answer = text.split("</p>")[0]
    assert html.unescape(re.sub(r"</?(p|code)>", "", answer)) == " ".join(report.answer).replace("`", "")
    assert "<code>supervised</code>" in answer
    head, *lines = Cells(text).lines
    assert head[0] == "labels"
    assert head[4] == "Δ supervised [95 %]"
    assert [(line[0], line[1], line[2]) for line in lines] == [
        (f"{s.budget:,}", report.styles[s.contender].marked(s.contender), format_error(s)) for s in report.summaries
    ]
    assert {line[4] for line in lines if line[1] == "supervised"} == {"baseline"}
    assert "worth:" not in text, "it has no such column"
    for note in brief_notes(report.notes, ["error % ± SE", "Δ", "95 %", "p Holm"]):
        assert f"<li>{html.escape(note)}</li>" in text
    for finding in failures(report.checks):
        assert f"<li>{finding.code} {html.escape(finding.result.sentence)}</li>" in text


def test_names_and_notes_are_escaped_in_a_notebook(make_row: MakeRow) -> None:
    rows = [make_row(name, s, 1.0 + s + 9 * (name != NASTY)) for name in (NASTY, "<i>base</i>") for s in range(7)]
    note = Note("left out", "long", "<script>alert(1)</script>")
    text = make_report(finished(rows), baseline="<i>base</i>", notes=[note])._repr_html_()
    cells = Cells(text)
    assert cells.elements == {"p", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert "Δ <i>base</i> [95 %]" in cells.lines[0]
    assert {line[1] for line in cells.lines[1:]} == {NASTY, "<i>base</i>"}


def test_the_title_names_data_scored_images_and_rule(report: Report, trials: list[FinishedTrial]) -> None:
    assert report.title == "digits: error on 1,000 test images, balanced subsets"
    full = make_report([trial for trial in trials if trial.row.rule == "full"])
    assert full.title == "digits: error on 1,000 test images"


def test_budgets_and_environments_are_listed_once(report: Report, trials: list[FinishedTrial]) -> None:
    assert report.budgets == list(BUDGETS)
    assert report.environments == [trials[0].environment]
    assert make_report(finished(rows_of(trials))).environments == []


def test_seconds_are_summed_by_contender(report: Report, trials: list[FinishedTrial]) -> None:
    assert report.seconds_by_contender["supervised"] == pytest.approx(21 * 0.25)
    unknown = make_report([dataclasses.replace(trial, seconds=float("nan")) for trial in trials])
    assert unknown.seconds_by_contender == {}


def test_transductive_contenders_are_another_kind(report: Report, trials: list[FinishedTrial]) -> None:
    kinds = report.kinds
    assert {s.contender for s in kinds["transductive"]} == {"irmae-poisson-transductive"}
    assert [*kinds["inductive"], *kinds["transductive"]] != []
    assert list(make_report([t for t in trials if not t.row.transductive]).kinds) == ["inductive"]


def test_the_fingerprint_changes_with_outcomes_and_with_what_is_drawn(trials: list[FinishedTrial]) -> None:
    fingerprint = make_report(trials).fingerprint
    assert make_report([*reversed(trials)]).fingerprint == fingerprint
    worse = dataclasses.replace(trials[0], row=trials[0].row.model_copy(update={"error": trials[0].row.error + 0.01}))
    assert make_report([worse, *trials[1:]]).fingerprint != fingerprint
    assert make_report(trials, baseline="irmae-knn").fingerprint != fingerprint
    assert make_report(trials, drawn=["irmae-knn"]).fingerprint != fingerprint
