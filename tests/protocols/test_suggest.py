"""`suggest`: the table that a person fills in is never lost, and takes part in the next choice."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import ssl_irmae
from ssl_irmae._support.progress import Event, Message
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.labelling.classify import classify
from ssl_irmae.protocols.labelling.label_sheet import LabelSheet
from ssl_irmae.protocols.labelling.suggest import Suggestions, suggest
from tests.ssl_irmae.pictures import write_pictures


@pytest.fixture
def pictures(digits: ImageSet) -> ImageSet:
    """Return sixty digits with names, of which two have labels."""
    assert digits.labels is not None
    labels = torch.full((60,), -1)
    labels[[4, 9]] = digits.labels[[4, 9]]
    return ImageSet("mine", digits.images[:60], labels, digits.classes, paths=tuple(f"{i}.png" for i in range(60)))


def suggested(pictures: ImageSet, tiny_encoder: Path, out: Path, n: int = 6) -> Suggestions:
    return suggest(pictures, n=n, encoder=tiny_encoder, out=out, device="cpu")


def rows_of(result: Suggestions) -> list[list[str]]:
    return [line.split(",") for line in result.table.read_text().splitlines()]


def fill_in(result: Suggestions, label: str) -> str:
    """Fill in the first empty label and return its path."""
    path = result.paths[0]
    result.table.write_text(result.table.read_text().replace(f"{path},\n", f"{path},{label}\n"))
    return path


def test_known_labels_stand_first_and_suggestions_are_left_to_fill_in(
    pictures: ImageSet, tiny_encoder: Path, tmp_path: Path
) -> None:
    result = suggested(pictures, tiny_encoder, tmp_path)
    assert pictures.labels is not None
    known = [[f"{i}.png", pictures.classes[int(pictures.labels[i])]] for i in (4, 9)]
    assert rows_of(result) == [["path", "label"], *known, *([path, ""] for path in result.paths)]
    assert (len(set(result.paths)), result.labelled, result.total) == (6, 2, 60)
    assert tuple(re.findall(r">(\d+\.png)<", result.page.read_text())) == result.paths


def test_what_has_been_filled_in_is_kept_and_counts_as_known(
    pictures: ImageSet, tiny_encoder: Path, tmp_path: Path
) -> None:
    path = fill_in(suggested(pictures, tiny_encoder, tmp_path), "a new class")
    result = suggested(pictures, tiny_encoder, tmp_path)
    assert [path, "a new class"] in rows_of(result)[:4]
    assert path not in result.paths
    assert result.labelled == 3
    before = result.table.read_bytes(), result.page.read_bytes()
    again = suggested(pictures, tiny_encoder, tmp_path)
    assert (again.table.read_bytes(), again.page.read_bytes()) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,label,note\n1.png,cat,nice\n", "columns path, label, note, not path and label"),
        ("", "not path and label"),
        ("path,label\nnone.png,cat\n", r"does not have \(none.png\)"),
        ("path,label\n4.png,cat\n", "4.png is 'cat' in"),
        ("path,label\n1.png,cat\n1.png,dog\n", "line 3: 1.png is 'dog' here and 'cat' above"),
        ("path,label\n1.png,cat,striped\n", "line 2 has 3 columns and the header 2"),
        ("path,label\n,cat\n", "line 2 has the label 'cat' and no path"),
        (b"path,label\n1.png,\xff\n", "line 2 is not UTF-8 text: save the table as CSV in UTF-8"),
    ],
)
def test_a_table_that_would_lose_something_is_refused_and_left_alone(
    pictures: ImageSet, tiny_encoder: Path, tmp_path: Path, content: str | bytes, message: str
) -> None:
    table = tmp_path / "labels.csv"
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = table.read_bytes()
    with pytest.raises(UserError, match=message):
        suggested(pictures, tiny_encoder, tmp_path)
    assert table.read_bytes() == before
    assert list(tmp_path.glob("*.html")) == []


@pytest.mark.parametrize(
    "saved",
    [
        "\ufeffpath;label\r\n1.png;a;\r\n",
        "path,label\r1.png,a\r",
        "label\tpath\na\t./1.png\n\t2.png\n\n",
        'path,label\n"1.png", a',
    ],
)
def test_a_table_is_read_as_spreadsheets_save_it(tmp_path: Path, saved: str) -> None:
    (tmp_path / "labels.csv").write_text(saved.replace("a;", "a"), encoding="utf-8", newline="")
    assert LabelSheet.read(tmp_path / "labels.csv").labels == {"1.png": "a"}


def test_names_survive_whatever_is_in_them(tmp_path: Path) -> None:
    names = ["=1+1.png", "-2.png", "@a.png", 'a "b", c.png', "two\nlines.png", "ü/é.png", "a;b.png"]
    sheet = LabelSheet.read(tmp_path / "labels.csv")
    sheet.replace((name, "a;b") for name in names)
    assert list(LabelSheet.read(tmp_path / "labels.csv").labels) == names
    cells = [line.partition(",")[0] for line in (tmp_path / "labels.csv").read_text().splitlines()]
    assert not [cell for cell in cells if cell.startswith(("=", "-", "@"))], "a formula to a spreadsheet"


@pytest.mark.parametrize("stops", [False, True])
def test_a_table_that_is_filled_in_meanwhile_is_not_written_over(
    pictures: ImageSet, tiny_encoder: Path, tmp_path: Path, stops: bool
) -> None:
    result = suggested(pictures, tiny_encoder, tmp_path)

    def edit(event: Event) -> None:
        if isinstance(event, Message) and event.text.startswith("choosing"):
            fill_in(result, "cat")
            if stops:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt if stops else UserError):
        suggest(pictures, n=6, encoder=tiny_encoder, out=tmp_path, progress=edit)
    assert [result.paths[0], "cat"] in rows_of(result)
    assert result.paths[0] not in suggested(pictures, tiny_encoder, tmp_path).paths


@pytest.mark.parametrize(
    ("n", "message"),
    [(0, "`n`: 0 pictures"), (59, "only 58 without a label; use 58 or fewer")],
)
def test_too_few_pictures_are_one_sentence(
    pictures: ImageSet, tiny_encoder: Path, tmp_path: Path, n: int, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        suggested(pictures, tiny_encoder, tmp_path / "out", n=n)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ask", [suggest, classify])
def test_a_folder_of_the_same_name_elsewhere_gets_neither_labels_nor_files_of_the_first(
    ask: Callable[..., object], tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "labels.csv"
    table.write_text("path,label\n0.png,a\n1.png,b\n")
    for experiment in ("first", "second"):
        write_pictures(tmp_path / experiment / "images", *(f"{i}.png" for i in range(6)))

    def of(experiment: str) -> dict[Path, bytes]:
        more = {"n": 2} if ask is suggest else {"contender": "pixels-knn"}
        ask(f"{experiment}/images", labels_from=table, encoder=tiny_encoder, **more)
        return {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}

    before = of("first")
    assert of("first").keys() == before.keys(), "the same pictures again"
    before = of("first")
    with pytest.raises(UserError, match=r"is about other pictures, .*first/images: name another folder"):
        of("second")
    assert {path: path.read_bytes() for path in before} == before
    shutil.move("first", "moved")
    of("moved")
    shutil.rmtree("runs")
    of("second")


@pytest.mark.parametrize("ask", [suggest, classify])
def test_a_table_that_suggest_wrote_about_other_pictures_gives_no_labels(
    ask: Callable[..., object], tiny_encoder: Path, tmp_path: Path
) -> None:
    for experiment in ("first", "second"):
        write_pictures(tmp_path / experiment / "images", *(f"{i}.png" for i in range(6)))
    result = suggest(tmp_path / "first/images", n=3, encoder=tiny_encoder, out=tmp_path / "out")
    LabelSheet.read(result.table).replace(zip(result.paths, "aba", strict=True))
    with pytest.raises(UserError, match=r"`labels_from`: .*labels.csv is about other pictures, .*first/images"):
        ask(tmp_path / "second/images", labels_from=result.table, encoder=tiny_encoder, out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_nothing_left_to_label_is_one_sentence(digits: ImageSet, tiny_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="digits has a label for every picture"):
        suggested(digits, tiny_encoder, tmp_path / "out")


def test_folders_that_are_not_classes_are_named_and_a_table_of_the_head_alone_helps(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "photos", *(f"{month}/{i}.png" for month in ("2023-05", "2024-01") for i in range(4)))
    for ask in (suggest, classify):
        with pytest.raises(
            UserError, match=r"its top folder \(2023-05, 2024-01\): if these are no classes, set `labels_from`"
        ):
            ask(tmp_path / "photos", encoder=tiny_encoder, out=tmp_path / "out")
    (tmp_path / "labels.csv").write_text("path,label\n")
    table = tmp_path / "labels.csv"
    result = suggest(tmp_path / "photos", n=3, labels_from=table, encoder=tiny_encoder, out=tmp_path / "out")
    assert (result.labelled, result.total) == (0, 8)


def test_labels_filled_in_are_named_before_there_are_too_few_others(
    pictures: ImageSet, tiny_encoder: Path, tmp_path: Path
) -> None:
    fill_in(suggested(pictures, tiny_encoder, tmp_path), "3")
    said: list[str] = []
    with pytest.raises(UserError, match="only 57 without a label"):
        suggest(
            pictures,
            n=60,
            encoder=tiny_encoder,
            out=tmp_path,
            progress=lambda event: said.append(event.text) if isinstance(event, Message) else None,
        )
    assert any("labels.csv: 3 labels filled in already" in each for each in said)


def test_a_name_that_is_not_utf8_is_refused_before_the_work(tiny_encoder: Path, tmp_path: Path) -> None:
    images = ImageSet("mine", torch.zeros(3, 1, 8, 8, dtype=torch.uint8), paths=("0.png", "1.png", "\udcff.png"))
    with pytest.raises(UserError, match="not UTF-8"):
        suggested(images, tiny_encoder, tmp_path / "out", n=1)


def test_images_without_files_are_named_by_their_position(
    tiny_encoder: Path, tmp_path: Path, digits: ImageSet, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.npz"
    np.savez(file, images=digits.images[:30].numpy())
    result = ssl_irmae.suggest(file, n=3, encoder=tiny_encoder, out=tmp_path / "out")
    assert result.paths == tuple(str(s.position) for s in result.suggestions)
    assert "30 pictures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (["catfish", "catfish", "catfihs"], "'catfihs' looks like 'catfish'"),
        (["catfish", "-1", "?"], "'-1', '?': leave the label empty"),
    ],
)
def test_what_is_no_class_in_the_filled_in_table_is_refused(
    pictures: ImageSet, tiny_encoder: Path, tmp_path: Path, written: list[str], complaint: str
) -> None:
    result = suggested(pictures, tiny_encoder, tmp_path)
    LabelSheet.read(result.table).replace(zip(result.paths, written, strict=False))
    before = result.table.read_bytes()
    with pytest.raises(UserError, match=re.escape(complaint)):
        suggested(pictures, tiny_encoder, tmp_path)
    assert result.table.read_bytes() == before


def test_labels_filled_in_must_be_among_the_classes_that_are_named(tiny_encoder: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", *(f"{i}.png" for i in range(6)))
    table = tmp_path / "known.csv"
    table.write_text("path,label\n0.png,cat\n")

    def again() -> Suggestions:
        encoder, out = tiny_encoder, tmp_path / "out"
        return suggest(tmp_path / "photos", n=2, labels_from=table, classes=["cat", "?"], encoder=encoder, out=out)

    result = again()
    LabelSheet.read(result.table).replace(zip(result.paths, ["?", "dog"], strict=True))
    with pytest.raises(UserError, match=r"'dog': `classes` has only cat, \?"):
        again()
