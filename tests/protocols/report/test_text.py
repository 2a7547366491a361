"""A report as text, from stored results: it fits 80 columns, names every contender, and keeps its notes short."""

import re
from pathlib import Path

import pytest

from ssl_irmae.protocols.evaluation import read_results
from ssl_irmae.protocols.report.checks.finding import counted, detailed, failures
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import format_error
from ssl_irmae.protocols.report.text import report_text

RESULTS = Path(__file__).parents[3] / "docs" / "results"
POINTER = "- All notes, what the checks mean and who saw which data: "


@pytest.fixture(scope="module", params=["one budget", "every contender"])
def report(request: pytest.FixtureRequest) -> Report:
    if request.param == "one budget":
        return read_results(RESULTS / "mnist-100-labels" / "evaluate.json")
    return read_results(RESULTS / "mnist-label-budgets" / "rows.csv.gz", preset="mnist-full")


def table_lines(text: str) -> list[list[str]]:
    """Cells of every line of the tables of errors."""
    tables = re.split(r"^declared comparisons$|^- ", text, flags=re.MULTILINE)[0]
    return [re.split(r" {2,}", line.strip()) for line in tables.splitlines() if line.startswith(" ")]


def list_items(text: str) -> list[str]:
    """The notes below the tables, each on one line."""
    notes = text[text.index("\n- ") + 1 :]
    return [" ".join(item.split()) for item in re.split(r"^(?=- )", notes, flags=re.MULTILINE) if item]


@pytest.mark.parametrize("notes", ["short", "full"])
@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_longer_than_the_terminal(report: Report, width: int, notes: str) -> None:
    text = report_text(report, width=width, notes="full" if notes == "full" else "short")
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_every_contender_has_a_line_of_its_own_with_its_error(report: Report) -> None:
    lines = iter(table_lines(report_text(report, width=80).split("over all budgets")[0]))
    expected = 0
    for budget in report.budgets:
        for transductive in (False, True):
            here = [
                s
                for s in report.summaries
                if s.budget == budget and report.styles[s.contender].transductive == transductive
            ]
            if not here:
                continue
            assert next(lines)[0] == "contender"
            assert next(lines)[0].startswith("─")
            for s in here:
                name, error, *_ = [cell for cell in next(lines) if cell not in ("code", "features", "images")]
                assert (name, error) == (report.styles[s.contender].marked(s.contender), format_error(s))
                expected += 1
    assert next(lines, None) is None
    assert expected == len(report.summaries)


def test_the_answer_comes_first(report: Report) -> None:
    text = report_text(report, width=80)
    assert " ".join(text.split("\n\n")[0].split()) == " ".join(report.answer)


def test_at_most_five_short_notes_and_where_the_rest_is(report: Report) -> None:
    *notes, _, pointer = list_items(report_text(report, width=80))
    assert pointer.startswith(POINTER)
    assert 1 <= len(notes) <= 5
    assert all(len(note) <= 2 * 80 for note in notes), "two lines each"


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_notes_explain_the_columns_that_are_shown_and_no_other(report: Report, width: int) -> None:
    text = report_text(report, width=width)
    tables, notes = text.split("declared comparisons")[0].split("\n- ")[0], " ".join(list_items(text))
    heads = {head for line in table_lines(tables) if line[0] == "contender" for head in line}
    assert ("Δ: error minus" in notes) == any(head.startswith("Δ") for head in heads)
    assert ("95 %: t interval" in notes) == ("95 %" in heads)
    assert ("p: sign-flip" in notes) == ("p Holm" in heads)
    assert ("worth: with how many" in notes) == ("worth" in heads)


def test_checks_that_did_not_pass_have_a_line_or_two_each(report: Report) -> None:
    text = report_text(report, width=80)
    *_, checks, _ = list_items(text)
    assert counted(report.checks) in checks
    for finding in failures(report.checks):
        (start,) = re.findall(rf"^  {finding.code} .*(?:\n {{9}}.*)*", text, flags=re.MULTILINE)
        assert " ".join(start.split()) == f"{finding.code} {finding.result.sentence}"
        assert start.count("\n") <= 2


def test_full_notes_are_all_notes_and_all_checks(report: Report) -> None:
    *before, heading = [note.text for note in (*report.notes, *report.provenance)] + [counted(report.checks)]
    expected = [*before, f"Checks of what these numbers rest on: {heading}.", *detailed(report.checks)]
    assert list_items(report_text(report, width=80, notes="full")) == [f"- {' '.join(t.split())}" for t in expected]


def test_declared_comparisons_have_a_line_each(report: Report) -> None:
    _, *below = report_text(report, width=80).split("\ndeclared comparisons")
    assert len(below) == bool(report.comparisons)
    for comparison in report.comparisons:
        pair = f"{comparison.contender} - {comparison.difference.baseline}"
        lines = [line for line in below[0].splitlines() if f" {pair}  " in line]
        assert len(lines) == sum(
            (c.contender, c.difference.baseline) == (comparison.contender, comparison.difference.baseline)
            for c in report.comparisons
        )


def test_one_number_of_labels_has_no_curve_and_the_head_of_a_target_no_interval() -> None:
    report = read_results(RESULTS / "mnist-100-labels" / "evaluate.json", target_error=10)
    text = report_text(report, width=80)
    assert "\nlabels for 10 % errors" in text
    assert "labels for 10 % [95 %]" not in text
    (line,) = [line.split() for line in text.split("labels for 10 % errors")[1].splitlines() if " supervised " in line]
    assert line == ["supervised", ">", "100"]
