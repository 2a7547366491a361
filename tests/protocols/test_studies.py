"""Studies: one file is found and carried out, what is stored is not done again, and answers follow from the values."""

import csv
import re
from pathlib import Path

import pytest

from ssl_irmae.protocols import studies
from ssl_irmae.protocols.studying.found import study_names
from tests.command_line import run

TINY = '''
"""A study of two levels, in one file."""

from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measure import Measure, MeasuredEncoder
from ssl_irmae.protocols.studying.measures import MSE, RANK
from ssl_irmae.protocols.studying.phrases import lowest
from ssl_irmae.protocols.studying.study import Level, Panel, Study


def width(encoder: MeasuredEncoder) -> float:
    return encoder.codes.shape[1]


def study(*, quick: bool) -> Study:
    return Study(
        title="Width of tiny codes",
        question="Four or eight?",
        levels=(
            Level("narrow", (EncoderSettings(method="ae", latent_dim=4),), at=4),
            Level(
                "wide",
                (
                    EncoderSettings(method="ae", latent_dim=8),
                    EncoderSettings(method="sparse", latent_dim=8, strength=1e4),
                ),
                at=8,
            ),
            Level("wide, uniform", (EncoderSettings(method="ae", latent_dim=8),), at=8, rule="uniform"),
        ),
        datasets=("digits",),
        seeds=(0, 1),
        measures=(RANK, MSE, Measure("width", "width", width, digits=0)),
        budgets=(20,),
        subsets=(200, 201),
        steps=12,
        panels=(Panel(("rank",)), Panel(("linear, 20 labels",), against="rank")),
        answer=lambda results: [f"The MSE is {lowest(results, 'mse', 'digits')}."],
    )
'''


@pytest.fixture
def _one_more_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "tiny_codes.py").write_text(TINY)
    monkeypatch.setattr(studies, "__path__", [*studies.__path__, str(tmp_path / "more")])
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_one_more_file")
def test_a_study_is_one_file() -> None:
    assert "tiny-codes" in study_names()
    assert "Four or eight?" in run("study --list").stdout
    printed = run("study tiny-codes --jobs 1 --quiet --out out").stdout
    page = Path("out/README.md").read_text()
    (answer,) = re.findall(r"^The MSE is .*$", page, re.MULTILINE)
    assert answer in " ".join(printed.split())
    with Path("out/measures.csv").open(newline="") as file:
        measures = list(csv.DictReader(file))
    with Path("out/rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(m["level"], m["pretrain_seed"]) for m in measures} == {
        (level, seed) for level in ("narrow", "wide", "wide, uniform") for seed in "01"
    }
    assert {m["value"] for m in measures if m["measure"] == "width"} == {"4", "8"}
    assert len(rows) == 3 * 2 * 2
    assert all(0 <= float(row["error"]) <= 100 for row in rows)
    # the strongly penalised candidate reconstructs worse
    assert {m["settings"] for m in measures if m["level"] == "wide"} == {"ae, latent dim 8"}
    assert "digits, wide: ae, latent dim 8" in page
    assert Path("out/figure.png").read_bytes().startswith(b"\x89PNG")
    assert "ssl-irmae study tiny-codes" in page
