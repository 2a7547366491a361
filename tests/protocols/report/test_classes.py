"""Unequal classes are seen: the error of each class, their mean, and what a guess without learning achieves."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.report.note import Note
from ssl_irmae.protocols.report.page.page import html_page
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.report.tables.markdown import markdown
from ssl_irmae.protocols.report.text import report_text
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.storage.files import read_trials, rows_csv
from ssl_irmae.protocols.storage.rows import FinishedTrial
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import finished
from tests.protocols.small_grids import plan


def report_of(make_row: MakeRow, counts: dict[str, int]) -> Report:
    """Return a report in which every contender errs on all images of the last class and on no other."""
    errors = (*(0.0 for _ in list(counts)[1:]), 100.0)
    fields = {
        "n_scored": sum(counts.values()),
        "scored_classes": counts,
        "class_errors": errors,
        "balanced_error": float(np.mean(errors)),
        "constant_error": 100 - 100 * max(counts.values()) / sum(counts.values()),
    }
    error = 100 * list(counts.values())[-1] / sum(counts.values())
    rows = [make_row(name, s, error, **fields) for name in ("a", "b") for s in range(6)]
    return make_report(finished(rows), baseline="a")


def class_note(report: Report) -> Note:
    """Return the one note on classes."""
    (note,) = [note for note in report.notes if note.kind == "classes"]
    return note


def test_tables_show_the_balanced_error_only_where_classes_are_unequal(make_row: MakeRow) -> None:
    unequal, equal = report_of(make_row, {"cat": 80, "dog": 20}), report_of(make_row, {"cat": 60, "dog": 40})
    assert [s.balanced_error for s in unequal.summaries] == [50.0, 50.0]
    for write in (markdown, lambda report: report_text(report, width=100)):
        assert "balanced %" in write(unequal).split("Error: mean")[0]
        assert "50.00" in write(unequal)
        assert "balanced %" not in write(equal)
    assert "balanced %" in report_text(unequal, width=50)
    assert "20 to 80 images" in class_note(unequal).text
    assert class_note(unequal).brief
    assert not class_note(equal).brief


def test_the_guess_of_the_most_common_class_is_noted(make_row: MakeRow) -> None:
    for counts, guess in (({"cat": 80, "dog": 20}, "20.0 % errors"), ({"a": 10, "b": 10, "c": 10}, "66.7 % errors")):
        assert f"lways guessing the most common class makes {guess}" in class_note(report_of(make_row, counts)).text


def test_the_page_shows_the_error_of_each_class(make_row: MakeRow) -> None:
    page = html_page(report_of(make_row, {"cat": 80, "<dog>": 20}))
    assert "cat (80)" in page
    assert "&lt;dog&gt; (20)" in page
    assert "<td>100.0</td>" in page


def test_rows_from_before_classes_were_recorded_say_nothing_of_them(trials: list[FinishedTrial]) -> None:
    report = make_report(trials)
    assert {s.balanced_error for s in report.summaries} == {None}
    assert not [note for note in report.notes if note.kind == "classes"]
    assert "Errors by class" not in html_page(report)


def test_stored_rows_have_the_errors_of_their_classes(task: Task, tmp_path: Path) -> None:
    def fit(_: Sample) -> Predictor:
        return lambda x: torch.full((len(x),), 3)

    some = plan(["three"], seeds=(0,), known={"three": Contender("three", fit, "images", {})})
    assert task.scored.labels is not None
    no_nines = (task.scored.labels != 9).nonzero().flatten()
    labels = task.scored.labels[no_nines]
    scored = dataclasses.replace(task.scored, images=task.scored.images[no_nines], labels=labels)
    (outcome,) = Grid(some, dataclasses.replace(task, scored=scored), {}, Store(tmp_path / "s")).run()
    row = outcome.row
    assert row.scored_classes == {str(c): int((labels == c).sum()) for c in range(10)}
    assert list(row.class_errors or ()) == [100.0] * 3 + [0.0] + [100.0] * 5 + [None]
    assert row.balanced_error == pytest.approx(100 * 8 / 9)
    assert row.constant_error == pytest.approx(100 * (1 - labels.bincount().max().item() / len(labels)))
    (tmp_path / "rows.csv").write_text(rows_csv([outcome.trial]))
    assert read_trials(tmp_path / "rows.csv")[0].row == row
    assert Store(tmp_path / "s").trials()[0].row == row
