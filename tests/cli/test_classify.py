"""``ssl-irmae classify`` labels the rest of a folder, says how far to trust it, and loses nothing when stopped."""

import csv
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssl_irmae.datasets.registry import load_images
from tests.command_line import check_mistake, run, start


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return 200 digits as a folder of pictures, beside a table with labels of the first 60."""
    digits = load_images("digits")
    assert digits.labels is not None
    (tmp_path / "pictures").mkdir()
    for i, pixels in enumerate(digits.images[:200, 0].numpy()):
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{i:03}.png")
    rows = [f"{i:03}.png,{digits.labels[i]}" for i in range(60)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    return tmp_path


def options(folder: Path) -> str:
    table, out = folder / "labels.csv", folder / "out"
    return (
        f"{folder / 'pictures'} --labels-from {table} --encoder mnist-irmae --contender mnist-irmae-poisson --out {out}"
    )


def test_all_pictures_without_a_label_get_one(folder: Path) -> None:
    result = run(f"classify {options(folder)} --classes 0,1,2,3,4,5,6,7,8,9,10")
    assert "no picture has the label 10, so none can get it" in result.stderr
    with (folder / "out" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [f"{i:03}.png" for i in range(60, 200)]
    assert list(rows[0]) == ["path", "label", "confidence", "second"]
    digits = load_images("digits").labels
    assert digits is not None
    right = [int(row["label"]) == int(digits[60 + i]) for i, row in enumerate(rows)]
    assert np.mean(right) > 0.7
    assert all(row["second"] != row["label"] for row in rows)
    assert "140 pictures labelled" in result.stdout
    assert "Expected error" in result.stdout
    assert "ssl-irmae suggest" in result.stdout
    assert "200 pictures" in result.stderr
    assert "these pictures differ in kind from those that mnist-irmae was pretrained on" in result.stderr


def test_the_classifier_that_is_kept_labels_the_same_pictures_alike(folder: Path) -> None:
    run(f"classify {options(folder)} -q")
    run(f"predict {folder / 'out' / 'classifier'} {folder / 'pictures'} --out {folder / 'new.csv'} -q")
    with (folder / "new.csv").open() as new, (folder / "out" / "predictions.csv").open() as old:
        again = {row["path"]: row["label"] for row in csv.DictReader(new)}
        assert all(again[row["path"]] == row["label"] for row in csv.DictReader(old))


def test_mistakes_are_one_sentence(folder: Path) -> None:
    pictures, table = folder / "pictures", folder / "labels.csv"
    check_mistake(f"classify {pictures}", "no picture has a label")
    check_mistake(f"classify {pictures} --labels-from {table} --out {table}", "is a file")
    check_mistake(f"classify {options(folder).replace('-poisson', '-poison')}", "did you mean")
    rows = [f"{i:03}.png,a" for i in range(200)]
    table.write_text("\n".join(["path,label", *rows]))
    check_mistake(f"classify {pictures} --labels-from {table}", "there is nothing to classify")
    assert not (folder / "out").exists()


def test_nothing_of_somebody_elses_is_written_over(folder: Path) -> None:
    for name in ("report.html", "predictions.csv"):
        (folder / "out").mkdir(exist_ok=True)
        (folder / "out" / name).write_text("mine")
        check_mistake(f"classify {options(folder)}", "name another folder")
        assert (folder / "out" / name).read_text() == "mine"
        (folder / "out" / name).unlink()
    inside = options(folder).replace(str(folder / "out"), str(folder / "pictures" / "out"))
    check_mistake(f"classify {inside}", "lies among the pictures")
    assert not (folder / "pictures" / "out").exists()


def test_corrected_predictions_are_not_written_over(folder: Path) -> None:
    run(f"classify {options(folder)} -q")
    table = folder / "out" / "predictions.csv"
    corrected = table.read_text().replace("\n", "\r\n").encode()
    table.write_bytes(corrected)
    check_mistake(f"classify {options(folder)}", "predictions.csv was changed since it was written, and this would be")
    assert table.read_bytes() == corrected
    table.rename(folder / "mine.csv")
    run(f"classify {options(folder)} -q")


def test_new_pictures_may_lie_in_folders_of_any_kind(folder: Path) -> None:
    run(f"classify {options(folder)} -q")
    new = folder / "new"
    shutil.copytree(folder / "pictures", new / "2024" / "May")
    shutil.copy(folder / "pictures" / "070.png", new / "070.png")
    run(f"predict {folder / 'out' / 'classifier'} {new} --out {folder / 'new.csv'} -q")
    with (folder / "new.csv").open() as file:
        labels = {row["path"]: row["label"] for row in csv.DictReader(file)}
    assert len(labels) == 201
    assert labels["070.png"] == labels["2024/May/070.png"]


def test_the_same_command_again_writes_the_same(folder: Path) -> None:
    run(f"classify {options(folder)} -q")
    before = {file.name: file.read_bytes() for file in (folder / "out").rglob("*") if file.is_file()}
    run(f"classify {options(folder)} -q")
    assert before == {file.name: file.read_bytes() for file in (folder / "out").rglob("*") if file.is_file()}


def test_stopped_while_it_pretrains_the_same_command_continues(folder: Path) -> None:
    command = f"classify {folder / 'pictures'} --labels-from {folder / 'labels.csv'} --out {folder / 'out'}"
    for stop in (signal.SIGINT, signal.SIGKILL):
        process = start(command)
        assert process.stderr is not None
        for line in process.stderr:
            if "epoch" in line:
                break
        time.sleep(0.2)
        process.send_signal(stop)
        rest = process.communicate()[1]
        assert process.returncode == (130 if stop == signal.SIGINT else -signal.SIGKILL)
        assert "Traceback" not in rest
    assert not (folder / "out").exists()
    process = start(command)
    assert process.stderr is not None
    assert any("continuing" in line or "epoch" in line for line in process.stderr)
    process.kill()
    process.communicate()
