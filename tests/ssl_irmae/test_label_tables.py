"""Tables of labels: found by path in any spelling, checked line by line, slips of the keyboard refused."""

import re
import unicodedata
from pathlib import Path

import pytest

from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import UserError
from tests.ssl_irmae.pictures import load_and_listen, names_of, random_pixels, write_npz, write_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with pictures both beside and inside a sub-folder."""
    write_pictures(tmp_path / "set", "0.png", "1.png", "sub/2.png", "sub/café, blue.png")
    return tmp_path / "set"


def write_table(folder: Path, text: str, name: str = "labels.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_are_read_in_the_usual_forms(folder: Path, separator: str, end: str, start: str) -> None:
    lines = ["Label,note,path", " cat ,x,0.png", "dog,,sub/2.png", ",,1.png", "", 'dog,"a ""note""",1.png']
    text = start + end.join(line.replace(",", separator) for line in lines) + end
    images, message = load_and_listen(folder, labels_from=write_table(folder, text))
    assert images.paths == ("0.png", "1.png", "sub/2.png", "sub/café, blue.png")
    assert names_of(images) == ["cat", "dog", "dog", None]
    assert "2 classes (cat, dog)" in message
    assert message.endswith("3 labelled, 1 unlabelled")  # the table itself is not reported as left out


def test_paths_are_found_in_every_spelling(folder: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "sub/café, blue.png")
    paths = ["./0.png", str(folder.resolve() / "1.png"), "sub\\2.png", f'"{decomposed}"']
    text = "path,label\n" + "".join(f"{path},{label}\n" for path, label in zip(paths, "abcd", strict=True))
    assert names_of(load_images(folder, labels_from=write_table(folder, text))) == list("abcd")
    beside = write_table(folder.parent, "path,label\nset/0.png,a\nset/sub/2.png,b\n")
    assert names_of(load_images(folder, labels_from=str(beside))) == ["a", None, "b", None]


def test_a_name_may_begin_with_a_space(tmp_path: Path) -> None:
    write_pictures(tmp_path, " 0.png", "1.png")
    images = load_images(tmp_path, labels_from=write_table(tmp_path, "path,label\n 0.png,a\n 1.png ,b\n"))
    assert names_of(images) == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "meant"), [("sub/1.PNG", "1.png"), ("Sub/Cafe, blue.png", "sub/café, blue.png"), ("3.png", None)]
)
def test_a_file_is_offered_only_if_it_may_be_meant(folder: Path, written: str, meant: str | None) -> None:
    with pytest.raises(UserError) as error:
        load_images(folder, labels_from=write_table(folder, f'path,label\n"{written}",a\n'))
    assert ("did you mean" in str(error.value)) == (meant is not None)
    assert meant is None or f"(did you mean {meant!r}?)" in str(error.value)


@pytest.mark.parametrize("unknown", ["-1", "?"])
def test_what_stands_for_no_label_is_no_class_unless_it_is_named(folder: Path, unknown: str) -> None:
    table = write_table(folder, f"path,label\n0.png,a\n1.png,{unknown}\n")
    with pytest.raises(UserError, match=rf"'{re.escape(unknown)}' \(line 3\): leave the label empty where"):
        load_images(folder, labels_from=table)
    assert load_images(folder, labels_from=table, classes=["a", unknown]).classes == tuple(sorted(["a", unknown]))


def test_one_class_in_two_notations_is_refused(folder: Path) -> None:
    table = write_table(folder, "path;label\n0.png;4\n1.png;4,0\nsub/2.png;40\n")
    with pytest.raises(UserError, match=r"'4,0' \(line 3\) looks like '4'"):
        load_images(folder, labels_from=table)


def test_predictions_are_no_labels(folder: Path) -> None:
    table = write_table(folder, "path,label,confidence,second\n0.png,a,0.9,b\n")
    with pytest.raises(UserError, match="the column confidence, as predictions do"):
        load_images(folder, labels_from=table)


def test_a_table_without_any_label_gives_no_labels(folder: Path) -> None:
    images, message = load_and_listen(folder, labels_from=write_table(folder, "path,label\n0.png,\n1.png,\n"))
    assert images.labels is None
    assert images.classes == ()
    assert "no labels" in message


def test_a_table_labels_both_splits(tmp_path: Path) -> None:
    write_pictures(tmp_path, "train/0.png", "train/1.png", "train/2.png", "test/0.png")
    rows = "train/0.png,b\ntrain/1.png,a\ntest/0.png,b\n"
    table = write_table(tmp_path, "path,label\n" + rows)
    assert names_of(load_images(tmp_path, labels_from=table)) == ["b", "a", None]
    assert load_images(tmp_path, "test", labels_from=table).classes == ("a", "b")
    table = write_table(tmp_path, "path,label\ntrain/0.png,a\ntest/0.png,zebra\n")
    with pytest.raises(UserError, match="without training pictures: zebra"):
        load_images(tmp_path, "test", labels_from=table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,class\n0.png,a\n", "line 1 must name the columns, got 'file,class'"),
        ("", "line 1 must name the columns"),
        ("path,label\n0.png,a\nsub/1.png,b\n9.png,b\n", r"2 paths .*line 3 'sub/1.png' \(did you mean '1.png'\?\)"),
        ("path,label\n../set2/0.png,a\n", "1 path cannot be found"),
        ("path,label\n0.png,a\n./0.png,b\n", "0.png is 'a' in line 2 and 'b' in line 3"),
        ("path,label\n0.png,a\nsub/café, blue.png,b\n", "line 3 has 3 columns and the header 2"),
        ("path,label\n0.png\n", "line 2 has 1 column"),
        ('path,label\n0.png,"a\n', "line 2 cannot be read"),
        ("path,label\n0.png,a\nnotes.txt,b\n", "notes.txt in line 3 is not a picture"),
    ],
)
def test_mistakes_are_named_by_line(folder: Path, text: str, message: str) -> None:
    (folder / "notes.txt").write_text("not a picture")
    with pytest.raises(UserError, match=message):
        load_images(folder, labels_from=write_table(folder, text))


def test_the_same_label_twice_is_fine(folder: Path) -> None:
    table = write_table(folder, "path,label\n0.png,a\n./0.png,a\n0.png,\n")
    assert names_of(load_images(folder, labels_from=table))[0] == "a"


def test_files_that_are_not_text_are_refused(folder: Path) -> None:
    (folder / "labels.csv").write_bytes("path,label\n0.png,café\n".encode("latin-1"))
    with pytest.raises(UserError, match="not UTF-8"):
        load_images(folder, labels_from=folder / "labels.csv")
    for name in ("missing.csv", "."):
        with pytest.raises(UserError, match="`labels_from`"):
            load_images(folder, labels_from=folder / name)


SLIPS = [
    (["cat"] * 2 + ["Cat"], "'Cat'"),
    (["cat", "Cat"], "'"),
    (["polar bear"] * 3 + ["polar-bear"] * 3, "'"),
    (["horse"] * 3 + ["hoorse"], "'hoorse'"),
    (["aeroplane"] * 6 + ["areoplane"] * 2, "'areoplane'"),
    (["cat"] * 2 + ["catt"], "'catt'"),
    (["dog"] * 2 + ["dgo"], "'dgo'"),
    (["digit four"] * 2 + ["digit fuor"], "'digit fuor'"),
]
MEANT = [
    ["cat"] * 5 + ["car"],
    ["scan 1"] * 5 + ["scan 2"],
    ["version-10"] * 5 + ["version-1"],
    ["normal"] * 5 + ["abnormal"],
    ["type A"] * 2 + ["type B"],
    ["stage I"] * 2 + ["stage II"],
    ["positive", "positives"],  # neither is the usual one
    ["international airport one"] * 9 + ["international airport two"],  # three letters
]


def write_labels(folder: Path, labels: list[str]) -> Path:
    write_pictures(folder, *(f"{i}.png" for i in range(len(labels))))
    rows = [f"{i}.png,{label}\n" for i, label in enumerate(labels)]
    return write_table(folder, "path,label\n" + "".join(rows))


@pytest.mark.parametrize(("labels", "named"), SLIPS)
def test_a_label_that_looks_like_a_slip_is_refused_until_classes_are_declared(
    tmp_path: Path, labels: list[str], named: str
) -> None:
    table = write_labels(tmp_path, labels)
    with pytest.raises(UserError, match=f"{named}.*line.*looks like.*name all classes in `classes`"):
        load_images(tmp_path, labels_from=table)
    images = load_images(tmp_path, labels_from=table, classes=list(set(labels)))
    assert names_of(images) == [labels[int(Path(path).stem)] for path in images.paths]


@pytest.mark.parametrize("labels", MEANT)
def test_labels_that_differ_on_purpose_are_taken(tmp_path: Path, labels: list[str]) -> None:
    images = load_images(tmp_path, labels_from=write_labels(tmp_path, labels))
    assert set(images.classes) == set(labels)


def test_labels_that_are_not_declared_are_refused(folder: Path) -> None:
    table = write_table(folder, "path,label\n0.png,cat\n1.png,Dog\n")
    with pytest.raises(UserError, match=r"'Dog' \(line 3\); did you mean 'dog'\?: `classes` has only cat, dog"):
        load_images(folder, labels_from=table, classes=("cat", "dog"))
    with pytest.raises(UserError, match=r"`classes`.*`labels_from`"):
        load_images(folder, classes=("cat", "dog"))


def test_only_folders_take_a_table(folder: Path, tmp_path: Path) -> None:
    table = write_table(folder, "path,label\n0.png,cat\n")
    write_npz(tmp_path / "m.npz", {"images": random_pixels(2, 4, 4)})
    for dataset in ("digits", tmp_path / "m.npz", random_pixels(2, 4, 4)):
        with pytest.raises(UserError, match="`labels_from` names the pictures of a folder"):
            load_images(dataset, labels_from=table)
