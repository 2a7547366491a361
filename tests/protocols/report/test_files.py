"""A report is written as files that agree with each other, all of them or none."""

import json
from pathlib import Path

import pytest

from ssl_irmae.encoders.encoder import weights_hash
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.report.figures.codes import encoders_of
from ssl_irmae.protocols.report.figures.figure import FORMATS
from ssl_irmae.protocols.report.files import write_report
from ssl_irmae.protocols.report.report import make_report
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.rows import FinishedTrial
from tests.protocols.report.conftest import changed, rows_of

FIGURES = {f"{name}.{kind}" for name in ("error-against-labels", "paired-differences") for kind in FORMATS}
TABLES = {"table.md", "table.tex", "summary.csv", "rows.csv", "environments.json", "report.json"}


def files_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def of_encoder(trials: list[FinishedTrial], folder: Path) -> list[FinishedTrial]:
    """Trials of an encoder on disk."""
    irmae = [trial for trial in trials if trial.row.representation == "irmae"]
    return changed(irmae, encoder_hash=weights_hash(folder), representation="mine")


def test_the_names_of_all_files_are_returned(trials: list[FinishedTrial], tmp_path: Path) -> None:
    names = write_report(make_report(trials), tmp_path / "r", html=True)
    assert len(names) == len(set(names))
    assert set(names) == files_in(tmp_path / "r") == TABLES | FIGURES | {"report.html"}


def test_rows_can_be_read_back_from_both_formats(trials: list[FinishedTrial], tmp_path: Path) -> None:
    report = make_report(trials)
    write_report(report, tmp_path)
    assert sorted(map(str, rows_of(read_trials(tmp_path / "rows.csv")))) == sorted(map(str, report.rows()))
    assert rows_of(read_trials(tmp_path / "report.json")) == report.rows()
    assert json.loads((tmp_path / "report.json").read_text())["answer"] == report.answer


def test_without_a_pair_there_is_no_figure_of_differences(trials: list[FinishedTrial], tmp_path: Path) -> None:
    write_report(make_report([t for t in trials if t.row.contender == "supervised"]), tmp_path)
    assert files_in(tmp_path) == TABLES | {name for name in FIGURES if name.startswith("error")}


def test_an_encoder_that_no_trial_used_is_rejected(trials: list[FinishedTrial], tiny_encoder: Path) -> None:
    with pytest.raises(UserError, match="`encoders`: no trial used the weights of"):
        encoders_of(rows_of(trials), [str(tiny_encoder)])


def test_encoders_have_the_names_that_rows_have_for_them(trials: list[FinishedTrial], tiny_encoder: Path) -> None:
    rows = rows_of(of_encoder(trials, tiny_encoder))
    assert list(encoders_of(rows, [str(tiny_encoder)])) == ["mine"]


def test_other_images_than_those_of_the_trials_are_rejected_before_anything_is_written(
    trials: list[FinishedTrial], tiny_encoder: Path, tmp_path: Path
) -> None:
    report = make_report(of_encoder(trials, tiny_encoder))
    with pytest.raises(UserError, match="`encoders`: the images of digits are no longer those that"):
        write_report(report, tmp_path / "r", encoders=[str(tiny_encoder)])
    assert not (tmp_path / "r").exists()


def test_codes_of_ones_own_images_are_not_drawn(
    trials: list[FinishedTrial], tiny_encoder: Path, tmp_path: Path
) -> None:
    own = changed(of_encoder(trials, tiny_encoder), dataset="mine")
    with pytest.raises(UserError, match="`encoders`: mine is not a named data set"):
        write_report(make_report(own), tmp_path / "r", encoders=[str(tiny_encoder)])
