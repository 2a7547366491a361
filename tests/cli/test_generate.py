"""`ssl-irmae generate`: what it writes and what it refuses."""

import json
from pathlib import Path

import pytest

from tests.command_line import check_mistake, run


@pytest.mark.parametrize("command", ["reconstruct --n 3", "interpolate --n 2 --steps 3", "sample --n 4", "walk --n 2"])
def test_a_grid_and_its_arrays_are_written(command: str) -> None:
    result = run(f"generate {command} --encoder mnist-vae --dataset digits")
    name = command.split()[0]
    assert result.stdout.startswith(f"runs/mnist-vae-generated/{name}.png: ")
    assert {path.name for path in Path("runs/mnist-vae-generated").iterdir()} == {f"{name}.png", f"{name}.npz"}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sample --encoder mnist-irmae --dataset digits --sampler prior", "--sampler prior: only codes of vae"),
        ("walk --encoder mnist-irmae --dataset digits --steps 1", "--steps must be at least 2"),
        ("reconstruct --encoder mnist-irmae --dataset digits --n 1000", "--n 1000: digits has 497 images"),
        ("sample --encoder mnist-irmea", "did you mean 'mnist-irmae'"),
        ("distance --encoder mnist-irmae --dataset digits --seeds 1", "--seeds: 1 is too few"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_nothing_behind(command: str, message: str) -> None:
    check_mistake(f"generate {command}", message)
    assert not [path for path in Path().rglob("*") if path.is_file()]


def test_rows_of_numbers_have_no_pictures() -> None:
    Path("table.csv").write_text("a,b\n" + "\n".join(f"{i},{i * i}" for i in range(40)) + "\n")
    run("pretrain --dataset table.csv --max-steps 2 --out runs/table")
    check_mistake("generate sample --encoder runs/table --dataset table.csv", "encodes rows of numbers")


def test_distances_are_printed_as_json_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.generation.judge.STEPS", 2)
    line = "generate distance --encoder mnist-vae --dataset digits --n 50 --seeds 2"
    found = json.loads(run(f"{line} --json").stdout)
    assert [row["pictures"] for row in found["rows"]] == ["real", "reconstruction", "gaussian", "mixture", "prior"]
