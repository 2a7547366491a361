"""`ssl-irmae predict`: the table it writes, what it says, and which files it refuses to write."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.labelling.codes import Pixels
from ssl_irmae.protocols.predictors.votes import Votes
from tests.command_line import check_mistake, run


@pytest.fixture(autouse=True)
def _classifier_and_pictures(tmp_path: Path) -> None:
    """Keep a classifier of dark and light, and write two pictures of each in folders, of several sizes."""
    votes = Votes(torch.stack([torch.zeros(64), torch.ones(64)]), torch.arange(2), 1, 2)
    Classifier(("dark", "light"), 1, 8, Pixels(), votes).save(tmp_path / "kept")
    for i, (name, value) in enumerate((("x/a", 250), ("x/b", 3), ("y/c", 140), ("y/d", 255))):
        path = tmp_path / "pictures" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9 + i, 12), value, np.uint8)).save(path)


def test_pictures_are_labelled_and_the_user_is_told_what_was_read_and_written() -> None:
    result = run("predict kept pictures --out new.csv")
    with Path("new.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "label", "confidence", "second"]
    assert [(row["path"], row["label"]) for row in rows] == [
        ("x/a.png", "light"),
        ("x/b.png", "dark"),
        ("y/c.png", "light"),
        ("y/d.png", "light"),
    ]
    assert "4 pictures" in result.stderr
    assert "new.csv: 4 labels" in result.stdout
    assert "not calibrated" in result.stdout
    before = Path("new.csv").read_bytes()
    assert run("predict kept pictures --out new.csv --quiet").stderr == ""
    assert Path("new.csv").read_bytes() == before


def test_labels_among_the_data_play_no_part_and_this_is_said() -> None:
    np.savez("more.npz", images=np.zeros((3, 8, 8), np.uint8), labels=np.array([1, 1, 0]))
    assert "more: 3 labels among the data ignored" in run("predict kept more.npz --out new.csv").stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("kept pictures --out new.txt", "--out new.txt: the name must end in .csv"),
        ("nowhere pictures --out new.csv", "there is no folder nowhere"),
        ("pictures pictures --out new.csv", "contains no classifier"),
        ("kept nothing/ --out new.csv", "nothing does not exist"),
        ("kept pictures --out new.csv --device tpu9", "--device 'tpu9'"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_nothing_behind(words: str, message: str) -> None:
    check_mistake(f"predict {words}", message)
    assert not list(Path().glob("new*"))


def test_nothing_but_an_older_table_is_overwritten() -> None:
    Path("mine.csv").write_text("path,label\nx/a.png,cat\n")
    check_mistake("predict kept pictures --out mine.csv", "--out mine.csv exists and is not a table of predictions")
    assert "cat" in Path("mine.csv").read_text()
    check_mistake("predict kept pictures --out pictures/new.csv", "lies among the pictures")
    check_mistake("predict kept mine.csv --out mine.csv", "is the data itself")
    Path("folder.csv").mkdir()
    check_mistake("predict kept pictures --out folder.csv", "folder.csv is a folder")
    check_mistake("predict kept pictures --out /proc/none/new.csv", "--out: /proc/none cannot be written to")


def test_strict_stops_where_something_was_left_out() -> None:
    Path("pictures/.notes").write_text("x")
    check_mistake("predict kept pictures --out new.csv --strict", "left out: 1 hidden file")
    assert not Path("new.csv").exists()
    assert "left out: 1 hidden file" in run("predict kept pictures --out new.csv").stderr


def test_colour_for_a_grey_classifier_is_said_and_read_as_grey() -> None:
    Image.fromarray(np.full((8, 8, 3), (255, 250, 240), np.uint8)).save("pictures/x/a.png")
    assert "colour is read as grey" in run("predict kept pictures --out new.csv").stderr
    assert "x/a.png,light" in Path("new.csv").read_text()


def test_grey_pictures_for_a_classifier_of_colour_are_said_to_be_grey() -> None:
    votes = Votes(torch.stack([torch.zeros(192), torch.ones(192)]), torch.arange(2), 1, 2)
    Classifier(("dark", "light"), 3, 8, Pixels(), votes).save("colour")
    said = " ".join(run("predict colour pictures --out new.csv").stderr.split())
    assert "all pictures are grey, and the classifier learned from colour" in said
    assert "grey, and the classifier" not in run("predict kept pictures --out new.csv").stderr
