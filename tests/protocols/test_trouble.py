"""Numerical trouble: it is a field of the trial's row and a note in the report, not a flood of warnings."""

import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

import ssl_irmae
from ssl_irmae._support.progress import silent
from ssl_irmae.plugins.registered import REGISTERED
from ssl_irmae.protocols.graphs.conjugate_gradients import conjugate_gradients
from ssl_irmae.protocols.learners.supervised import supervised
from ssl_irmae.protocols.readouts.linear import linear
from ssl_irmae.protocols.readouts.mlp import mlp
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.storage.files import read_trials, rows_csv
from tests.command_line import run


def hasty(sample: Sample) -> Predictor:
    """Stop after a step where the seed is even, and converge where it is odd."""
    steps = 10_000 if sample.seed % 2 else 1
    model = LogisticRegression(max_iter=steps, C=0.01).fit(sample.inputs.numpy(), sample.labels.numpy())
    return lambda inputs: torch.from_numpy(model.predict(inputs.numpy()))


def steady(_sample: Sample) -> Predictor:
    return lambda inputs: torch.zeros(len(inputs), dtype=torch.int64)


def sample(n: int = 30, width: int = 8) -> Sample:
    rng = torch.Generator().manual_seed(0)
    codes, labels = torch.randn(n, width, generator=rng), torch.arange(n) % 3
    return Sample(codes, labels, codes, torch.arange(n), 3, 0, torch.device("cpu"), "fp32")


@pytest.fixture(autouse=True)
def _session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with patch.dict(REGISTERED):
        REGISTERED.clear()
        yield


def test_a_solver_that_did_not_converge_is_named_in_its_rows_and_in_the_report(tmp_path: Path) -> None:
    ssl_irmae.register("hasty", readout=hasty)
    ssl_irmae.register("steady", readout=steady)
    both = ["pixels-hasty", "pixels-steady"]
    report = ssl_irmae.evaluate(
        dataset="digits", budgets=[10], seeds=6, contenders=both, store="s.sqlite", progress=silent
    )
    by_name = {name: [r for r in report.rows() if r.contender == name] for name in ("pixels-hasty", "pixels-steady")}
    assert all(row.trouble == () for row in by_name["pixels-steady"])
    troubled = [row for row in by_name["pixels-hasty"] if row.trouble]
    assert 0 < len(troubled) < 6
    assert all("failed to converge" in text for row in troubled for text in row.trouble or ())
    (note,) = [note for note in report.notes if note.kind == "trouble"]
    assert f"pixels-hasty at 10 labels in {len(troubled)} of 6 trials" in note.text
    assert "steady" not in note.text
    (tmp_path / "rows.csv").write_text(rows_csv(report.trials))
    assert [t.row for t in read_trials(tmp_path / "rows.csv")] == [t.row for t in read_trials(Path("s.sqlite"))]


def test_whether_it_converged_is_not_part_of_a_trial_s_identity() -> None:
    ssl_irmae.register("hasty", readout=hasty)
    report = ssl_irmae.evaluate(
        dataset="digits", budgets=[10], seeds=6, contenders=["pixels-hasty"], store="s.sqlite", progress=silent
    )
    row = report.rows()[0]
    assert row.model_copy(update={"trouble": ("something",)}).key == row.key


def test_results_that_converged_have_no_note() -> None:
    out = run("evaluate --dataset digits --labels 10 --seeds 6 --contenders pixels-linear,pixels-spread --json")
    document = json.loads(out.stdout)
    assert all(row["trouble"] == [] for row in document["rows"])
    assert all(note["kind"] != "trouble" for note in document["notes"])


def test_equations_without_a_solution_end_and_are_named() -> None:
    # two parts that are not connected, with a source in one and a sink in the other
    part = np.array([[1, -1, 0], [-1, 2, -1], [0, -1, 1]], np.float32)
    system = csr_array(np.kron(np.eye(2, dtype=np.float32), part))
    b = np.zeros((6, 2), np.float32)
    b[0], b[3] = (0.5, -0.5), (-0.5, 0.5)
    solvable = np.zeros((6, 2), np.float32)
    solvable[0], solvable[2] = (0.5, -0.5), (-0.5, 0.5)
    with pytest.warns(ConvergenceWarning, match="before they converged"):
        _, found = conjugate_gradients(system, [b, solvable], tolerance=1e-4)
    np.testing.assert_allclose(system @ found, solvable, atol=1e-4)


def test_readouts_and_learners_say_that_they_did_not_converge() -> None:
    wide = sample(90, 1000)
    with pytest.warns(ConvergenceWarning, match=r"L-BFGS stopped after 1 iterations"):
        linear(wide, C=0.01, max_iter=1)
    with pytest.warns(ConvergenceWarning, match="training diverged"):
        mlp([sample()], width=8, dropout=0.0, steps=20, learning_rate=1e38, batch_size=8)
    images = torch.arange(4 * 32 * 32, dtype=torch.uint8).reshape(4, 1, 32, 32)
    few = Sample(images, torch.tensor([0, 1, 0, 1]), images, torch.arange(4), 2, 0, torch.device("cpu"), "fp32")
    with pytest.warns(ConvergenceWarning, match="training diverged"):
        supervised(few, steps=4, learning_rate=1e30, batch_size=4)
