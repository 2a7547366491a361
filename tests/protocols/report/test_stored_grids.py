"""A finished store becomes the rows of a stored grid; one that is not finished does not."""

import dataclasses
from pathlib import Path

import pytest

from docs import grids
from docs.grids import GRIDS, StoredGrid
from ssl_irmae.protocols.evaluation import read_results
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.presets import PRESETS, Preset
from ssl_irmae.protocols.storage.files import rows_csv
from ssl_irmae.protocols.storage.rows import FinishedTrial, mistakes
from tests.protocols.report.conftest import CONTENDERS, SEEDS


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredGrid:
    """A grid that compares two contenders, in a folder of its own."""
    part = Part(contenders=tuple(CONTENDERS), budgets=(10, 100), seeds=tuple(SEEDS))
    preset = Preset("digits", "supervised", (part,), comparisons=(("irmae-linear", "supervised"),))
    monkeypatch.setitem(PRESETS, "ours", lambda: preset)
    monkeypatch.setitem(GRIDS, "ours", StoredGrid("grid", "rows.csv.gz"))
    monkeypatch.setattr(grids, "RESULTS", tmp_path)
    monkeypatch.setattr(grids, "write_report", lambda _: None)
    (tmp_path / "grid").mkdir()
    return GRIDS["ours"]


def kept(trials: list[FinishedTrial], folder: Path) -> list[str]:
    """Write trials into two files, as two machines would have them."""
    paths = [folder / "a.csv", folder / "b.csv"]
    for path, some in zip(paths, (trials[::2], trials[1::2]), strict=True):
        path.write_text(rows_csv(some))
    return [str(path) for path in paths]


def test_trials_of_several_files_become_one_grid(trials: list[FinishedTrial], grid: StoredGrid, tmp_path: Path) -> None:
    due = [trial for trial in trials if trial.row.budget <= 100]
    assert grids.main(["ours", *kept(due, tmp_path)]) == 0
    report = read_results(grid.path, preset="ours")
    assert sorted(row.key for row in report.rows()) == sorted(trial.row.key for trial in due)
    assert "not run" not in {note.kind for note in report.notes}


def test_a_grid_that_is_not_finished_is_refused_and_nothing_is_written(
    trials: list[FinishedTrial], grid: StoredGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    due = [trial for trial in trials if trial.row.budget <= 100]
    assert grids.main(["ours", *kept(due[1:], tmp_path)]) == 1
    assert "Not run yet: 1 of 84 planned trials." in capsys.readouterr().err
    assert not list(grid.path.parent.iterdir())


def test_mistakes_are_kept_of_what_is_compared(trials: list[FinishedTrial], grid: StoredGrid, tmp_path: Path) -> None:
    known = [dataclasses.replace(t, wrong=bytes([i % 256] * 125)) for i, t in enumerate(trials) if t.row.budget <= 100]
    grids.put_together(kept(known, tmp_path), tmp_path / "all.csv")  # files of rows alone hold no mistakes
    report = read_results(tmp_path / "all.csv", preset="ours")
    grids.write_rows(dataclasses.replace(report, trials=tuple(known)), "ours")
    stored = read_results(grid.path, preset="ours")
    compared = {t.row.predictions for t in known if t.row.contender in ("irmae-linear", "supervised")}
    assert mistakes(stored.trials).keys() == compared
