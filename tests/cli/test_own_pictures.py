"""The user's own pictures on the command line: what was read is shown, tables and strictness reach the reader."""

from pathlib import Path

import numpy as np
import pytest

from tests.command_line import check_mistake, run
from tests.ssl_irmae.pictures import write_pictures

READ = "pets, train: 12 pictures, 2 classes (cat, dog), 8x8 pixels, colour, all labelled"


@pytest.fixture
def table() -> str:
    """Write twelve pictures and a table of their labels."""
    names = [f"{i}.png" for i in range(12)]
    write_pictures(Path("pets"), *names)
    rows = [f"{name},{'cat' if i % 2 else 'dog'}\n" for i, name in enumerate(names)]
    Path("labels.csv").write_text("path,label\n" + "".join(rows))
    return "labels.csv"


def commands(tiny_encoder: Path) -> dict[str, str]:
    return {
        "encode": f"encode --encoder {tiny_encoder} --out codes.npz --dataset pets",
        "evaluate": "evaluate --contenders pixels-knn --labels 4 --seeds 2 --dataset pets",
        "pretrain": "pretrain --max-steps 1 --precision fp32 --dataset pets",
    }


@pytest.mark.parametrize("name", ["encode", "evaluate", "pretrain"])
def test_every_command_shows_what_was_read(tiny_encoder: Path, table: str, name: str) -> None:
    command = f"{commands(tiny_encoder)[name]} --labels-from {table}"
    assert run(command).stderr.splitlines().count(READ) == 1
    assert READ not in run(f"{command} --quiet").stderr


@pytest.mark.parametrize("name", ["encode", "evaluate", "pretrain"])
def test_every_command_can_be_strict_and_declare_classes(tiny_encoder: Path, table: str, name: str) -> None:
    command = f"{commands(tiny_encoder)[name]} --labels-from {table}"
    check_mistake(f"{command} --classes cat,cow", "'dog' (lines 2, 4, 6 and 3 more)")
    check_mistake(f"{command} --classes cat,cow", "--classes has only cat, cow")
    Path("pets/notes.txt").write_text("not a picture")
    check_mistake(f"{command} --strict", "--strict: pets, train: left out: 1 file that is not a picture (txt)")
    check_mistake(commands(tiny_encoder)[name].replace("pets", "digits") + f" --labels-from {table}", "--labels-from")


def test_codes_keep_labels_and_paths_of_a_partly_labelled_table(tiny_encoder: Path, table: str) -> None:
    Path(table).write_text("path,label\n3.png,cat\n")
    run(f"{commands(tiny_encoder)['encode']} --labels-from {table}")
    with np.load("codes.npz") as codes:
        labelled = codes["labels"] >= 0
        assert codes["paths"][labelled].tolist() == ["3.png"]
        assert codes["classes"].tolist() == ["cat"]


def test_an_encoder_pretrained_on_the_spot_sees_the_table_too(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.representations.pretrained.QUICK_STEPS", 2)
    Path("pets/sub").mkdir()
    Path("pets/3.png").rename("pets/sub/3.png")  # beside other pictures: only a table can label these
    Path(table).write_text(Path(table).read_text().replace("3.png", "sub/3.png", 1))
    result = run(f"evaluate --contenders irmae-knn --labels 4 --seeds 2 --dataset pets --labels-from {table} --jobs 1")
    assert "pretraining one for" in result.stderr
    assert result.stderr.splitlines().count(READ) == 1
