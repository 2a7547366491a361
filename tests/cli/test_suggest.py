"""`ssl-irmae suggest`: from a folder of pictures to a table to fill in."""

import csv
from pathlib import Path

import pytest
from PIL import Image

from ssl_irmae.datasets.image_set import ImageSet
from tests.command_line import check_mistake, run


@pytest.fixture
def folder(digits: ImageSet) -> Path:
    """Return a flat folder of forty digits."""
    folder = Path("my pictures")
    folder.mkdir()
    for i, image in enumerate(digits.images[:40]):
        Image.fromarray(image[0].numpy()).save(folder / f"{i}.png")
    return folder.rename("my-pictures")


def test_a_folder_of_pictures_becomes_a_table_to_fill_in_and_a_page(folder: Path, tiny_encoder: Path) -> None:
    result = run(f"suggest {folder}/ --n 5 --encoder {tiny_encoder}")
    out = Path("runs/my-pictures-suggest")
    assert sorted(file.name for file in out.iterdir()) == ["labels.csv", "pictures.txt", "suggestions.html"]
    with (out / "labels.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 5
    assert all((folder / row["path"]).is_file() and row["label"] == "" for row in rows)
    page = (out / "suggestions.html").read_text()
    assert all(f'href="../../my-pictures/{row["path"]}"' in page for row in rows)
    assert "40 pictures" in result.stderr
    assert f"ssl-irmae classify {folder}/ --labels-from {out / 'labels.csv'}" in result.stdout
    assert str(out / "suggestions.html") in result.stdout


def test_an_encoder_of_other_pictures_is_used_with_one_line_that_says_so(folder: Path, tiny_encoder: Path) -> None:
    sentence = "these pictures differ in kind from those that mnist-irmae was pretrained on"
    assert sentence in run(f"suggest {folder} --n 5 --encoder mnist-irmae --out a").stderr
    assert "differ in kind" not in run(f"suggest {folder} --n 5 --encoder {tiny_encoder} --out b").stderr


def test_labels_of_a_table_are_kept_in_the_new_one(folder: Path, tiny_encoder: Path) -> None:
    Path("known.csv").write_text("path,label\n3.png,three\n4.png,four\n5.png,\n")
    run(f"suggest {folder} --n 4 --labels-from known.csv --encoder {tiny_encoder} --out out --quiet")
    assert Path("out/labels.csv").read_text().startswith("path,label\n3.png,three\n4.png,four\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--n 0", "--n"),
        ("--n 41", "--n: 41 pictures cannot be suggested, since my-pictures has only 40 without a label"),
        ("--encoder mnist-irme", "did you mean 'mnist-irmae'"),
        ("--encoder mnist-irmae --device tpu9", "--device 'tpu9'"),
        ("--encoder mnist-irmae --out my-pictures/0.png", "--out: my-pictures/0.png is a file"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_nothing_behind(folder: Path, options: str, message: str) -> None:
    check_mistake(f"suggest {folder} {options}", message)
    assert [path.name for path in Path().iterdir() if path.name != "cache"] == ["my-pictures"]
