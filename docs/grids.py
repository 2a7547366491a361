"""The stored grids of label budgets: where they are, and how a finished store becomes one.

    python -m docs.grids fashion-mnist-full runs/grid/fashion-mnist.sqlite

writes everything that the folder of a grid holds, and what all documents say of it. Several stores, or files of rows,
are put together; a grid of which trials are missing is refused.
"""

import gzip
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from ssl_irmae._support.files import write_atomically
from ssl_irmae.protocols.evaluation import read_results
from ssl_irmae.protocols.presets import find_preset
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.storage.files import environments_json, mistakes_npz, read_trials, rows_csv
from ssl_irmae.protocols.storage.rows import FinishedTrial

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
METHODS = ("irmae", "ae", "vae")


class StoredGrid(NamedTuple):
    """Where the trials of a preset are stored.

    Args:
        folder: The folder within docs/results.
        rows: The file with its rows: as plain CSV, eight times as large.
    """

    folder: str
    rows: str = "rows.csv"

    @property
    def path(self) -> Path:
        """The file with the rows."""
        return RESULTS / self.folder / self.rows


GRIDS = {
    "mnist-full": StoredGrid("mnist-label-budgets", "rows.csv.gz"),
    "mnist-quick": StoredGrid("mnist-quick"),
    "fashion-mnist-full": StoredGrid("fashion-mnist-label-budgets", "rows.csv.gz"),
}
"""By preset."""

FULL = {"MNIST": "mnist-full", "Fashion-MNIST": "fashion-mnist-full"}
"""Presets whose grid README speaks of, by what it calls the data set."""


def stored_grids() -> dict[str, StoredGrid]:
    """Return the grids that have been run, by preset."""
    return {preset: grid for preset, grid in GRIDS.items() if grid.path.exists()}


def read_grid(preset: str) -> Report:
    """Read a stored grid.

    Raises:
        ValueError: If a figure was drawn from other rows.
    """
    grid = GRIDS[preset]
    report = read_results(grid.path, preset=preset)
    for path in grid.path.parent.glob("*.png"):
        with Image.open(path) as figure:
            if figure.info.get("Source") != report.fingerprint:
                raise ValueError(f"{path} was drawn from other rows: run `ssl-irmae report` again")
    return report


def read_full() -> dict[str, Report]:
    """Read the grids that README speaks of and that have been run, by what it calls the data set."""
    return {name: read_grid(preset) for name, preset in FULL.items() if preset in stored_grids()}


def write_rows(report: Report, preset: str) -> None:
    """Write the rows of a grid into its folder, with environments and mistakes.

    Mistakes are those of the contenders that the preset compares or draws: only their intervals for the method are
    shown, and those of all trials would be several times as large as the rows.
    """
    grid, declared = GRIDS[preset], find_preset(preset)
    shown = {*declared.drawn, *(name for pair in declared.comparisons for name in pair)}
    trials = [t if t.row.contender in shown else replace(t, wrong=b"") for t in report.trials]
    _write(trials, grid.path)


def _write(trials: Sequence[FinishedTrial], path: Path) -> None:
    """Write rows, and beside them environments and the mistakes that are known."""
    rows = rows_csv(trials).encode()
    # without a time, so that the same rows are the same file
    write_atomically(path, gzip.compress(rows, mtime=0) if path.suffix == ".gz" else rows)
    write_atomically(path.with_name("environments.json"), environments_json(trials))
    mistakes = mistakes_npz(trials)
    if mistakes is not None:
        write_atomically(path.with_name("mistakes.npz"), mistakes)


def write_report(preset: str) -> None:
    """Write tables, figures and the page of a grid from its stored rows, then the documents."""
    path = GRIDS[preset].path.relative_to(ROOT)
    dataset = find_preset(preset).dataset
    command = [sys.executable, "-m", "ssl_irmae.cli", "report", str(path), "--preset", preset, "--html", "--quiet"]
    command += [word for method in METHODS for word in ("--encoder", f"{dataset}-{method}")]
    subprocess.run([*command, "--out", str(path.parent)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-m", "docs.tables"], check=True, cwd=ROOT)


def put_together(sources: Sequence[str], path: Path) -> None:
    """Write the trials of several stores or files of rows as one file of rows, with what belongs beside it."""
    _write([trial for source in sources for trial in read_trials(Path(source))], path)


def main(arguments: Sequence[str]) -> int:
    """Store a grid; return 1 if it is not finished."""
    preset, *sources = arguments
    with tempfile.TemporaryDirectory() as folder:
        put_together(sources, rows := Path(folder) / "rows.csv")
        report = read_results(rows, preset=preset)
    missing = [note.brief for note in report.notes if note.kind == "not run"]
    if missing:
        sys.stderr.write(f"{', '.join(sources)}: {missing[0]}\n")
        return 1
    write_rows(report, preset)
    write_report(preset)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
