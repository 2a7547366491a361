"""Folders of pictures: what they mean, that nothing in them is skipped in silence, and that mistakes are explained."""

import unicodedata
from pathlib import Path

import pytest

from ssl_irmae.datasets.image_set import Split
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import NoTestSplitError, UserError
from tests.ssl_irmae.pictures import load_and_listen, names_of, write_pictures

SPLITS: tuple[Split, ...] = ("train", "test")

# what folders mean


@pytest.mark.parametrize("split", SPLITS)
def test_the_top_folder_is_the_class(tmp_path: Path, split: Split) -> None:
    for part, patients in (("train", ("p1", "p2")), ("test", ("p9",))):
        write_pictures(
            tmp_path, *(f"{part}/{c}/{p}/{i}.png" for c in ("healthy", "ill") for p in patients for i in "01")
        )
    images, message = load_and_listen(tmp_path, split)
    assert images.classes == ("healthy", "ill")
    assert names_of(images) == [path.split("/")[1] for path in images.paths]
    assert all((tmp_path / path).is_file() for path in images.paths)
    assert "2 classes (the top folders healthy, ill)" in message


@pytest.mark.parametrize("beside", ["bus/0.png", "0.png", "picture-without-a-suffix"])
def test_names_of_splits_are_classes_where_anything_else_lies_beside_them(tmp_path: Path, beside: str) -> None:
    write_pictures(tmp_path, "train/0.png", "test/1.png", "2.png")
    (tmp_path / "2.png").rename(tmp_path / "2")
    (tmp_path / beside).parent.mkdir(exist_ok=True)
    (tmp_path / "2").rename(tmp_path / beside)
    if "/" in beside:
        assert load_images(tmp_path).classes == ("bus", "test", "train")
    else:
        with pytest.raises(UserError, match="both beside and inside"):
            load_images(tmp_path)
    with pytest.raises(NoTestSplitError):
        load_images(tmp_path, "test")


def test_files_that_are_not_pictures_may_lie_beside_splits(tmp_path: Path) -> None:
    write_pictures(tmp_path, "train/a/0.png", "train/b/0.png", "test/a/0.png")
    (tmp_path / "README.md").write_text("about these pictures")
    images, message = load_and_listen(tmp_path)
    assert images.classes == ("a", "b")
    assert "left out: 1 file that is not a picture (md)" in message


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_validation_pictures_are_left_out_and_said(tmp_path: Path, name: str) -> None:
    write_pictures(tmp_path, "train/a/0.png", "train/b/0.png", f"{name}/a/0.png", f"{name}/b/0.png")
    images, message = load_and_listen(tmp_path)
    assert len(images) == 2
    assert f"2 files in {name}/" in message
    with pytest.raises(NoTestSplitError, match=f"or rename {name}/"):
        load_images(tmp_path, "test")


def test_a_test_set_may_lack_classes_but_not_add_any(tmp_path: Path) -> None:
    write_pictures(tmp_path, "train/a/0.png", "train/b/0.png", "train/c/0.png", "test/b/0.png", "test/c/0.png")
    test = load_images(tmp_path, "test")
    assert test.classes == load_images(tmp_path).classes == ("a", "b", "c")
    assert names_of(test) == ["b", "c"]
    write_pictures(tmp_path, "test/unicorn/0.png")
    with pytest.raises(UserError, match="without training pictures: unicorn"):
        load_images(tmp_path, "test")


@pytest.mark.parametrize("root", ["", "train/"])
@pytest.mark.parametrize(("labelled", "unlabelled"), [("labelled", "unlabelled"), ("labeled", "unlabeled")])
def test_labelled_beside_unlabelled_is_a_partly_labelled_set(
    tmp_path: Path, root: str, labelled: str, unlabelled: str
) -> None:
    write_pictures(tmp_path, *(f"{root}{labelled}/{c}/0.png" for c in ("cat", "dog")))
    write_pictures(tmp_path, *(f"{root}{unlabelled}/{name}.png" for name in ("0", "deep/1")))
    images, message = load_and_listen(tmp_path)
    assert images.classes == ("cat", "dog")
    assert names_of(images) == ["cat", "dog", None, None]
    assert f"{root}{labelled}/cat/0.png" in images.paths
    assert "2 labelled, 2 unlabelled" in message


def test_labelled_folders_that_are_still_empty_give_no_labels(tmp_path: Path) -> None:
    write_pictures(tmp_path, "unlabelled/0.png", "unlabelled/1.png")
    (tmp_path / "labelled" / "cat").mkdir(parents=True)
    images, message = load_and_listen(tmp_path)
    assert images.labels is None
    assert "no labels" in message
    assert "1 empty folder" in message


def test_pictures_in_labelled_need_a_class(tmp_path: Path) -> None:
    write_pictures(tmp_path, "labelled/0.png", "labelled/cat/0.png", "unlabelled/0.png")
    with pytest.raises(UserError, match="labelled contains pictures outside of any class"):
        load_images(tmp_path)


def test_a_split_has_one_folder(tmp_path: Path) -> None:
    write_pictures(tmp_path, "train/0.png", "val/0.png", "Validation/0.png")
    with pytest.raises(UserError, match="several folders for one split"):
        load_images(tmp_path)


def test_pictures_beside_folders_of_classes_are_refused_with_the_ways_out(tmp_path: Path) -> None:
    write_pictures(tmp_path, "0.png", "cat/1.png")
    with pytest.raises(UserError, match=r"labelled/.*unlabelled/.*`labels_from`"):
        load_images(tmp_path)


def test_unlabelled_pictures_beside_splits_are_not_taken_for_a_class(tmp_path: Path) -> None:
    write_pictures(tmp_path, "train/cat/0.png", "test/cat/0.png", "unlabelled/0.png")
    with pytest.raises(UserError, match="unlabelled/ beside test, train"):
        load_images(tmp_path)


def test_names_are_compared_in_one_unicode_form(tmp_path: Path) -> None:
    for form, split in (("NFC", "train"), ("NFD", "test")):
        write_pictures(tmp_path, f"{split}/{unicodedata.normalize(form, 'café')}/0.png", f"{split}/tea/0.png")  # type: ignore[arg-type]  # the stub wants literals
    train, test = load_images(tmp_path), load_images(tmp_path, "test")
    assert train.classes == test.classes == ("café", "tea")
    assert (tmp_path / test.paths[0]).is_file()


# links


def test_links_cannot_loop(tmp_path: Path) -> None:
    write_pictures(tmp_path / "set", "cat/0.png")
    (tmp_path / "set/cat/up").symlink_to("..")
    (tmp_path / "set/cat/further").symlink_to("../..")
    (tmp_path / "set/cat/itself").symlink_to("itself")
    images, message = load_and_listen(tmp_path / "set")
    assert images.paths == ("cat/0.png",)
    assert images.classes == ("cat",)
    assert "2 links to folders that are read already" in message
    assert "1 broken link" in message


def test_a_folder_keeps_its_own_name_where_a_link_leads_to_it_too(tmp_path: Path) -> None:
    write_pictures(tmp_path, "dog/0.png")
    (tmp_path / "a-link").symlink_to("dog")
    images, message = load_and_listen(tmp_path)
    assert images.classes == ("dog",)
    assert "1 link" in message


# nothing is skipped in silence


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (".hidden.png", "1 hidden file"),
        ("cat/.DS_Store", "1 hidden file"),
        ("cat/._0.png", "1 hidden file"),
        ("cat/Thumbs.db", "1 hidden file"),
        ("desktop.ini", "1 hidden file"),
        (".ipynb_checkpoints/0-checkpoint.png", "1 hidden folder"),
        ("cat/.ipynb_checkpoints/0-checkpoint.png", "1 hidden folder"),
        ("__MACOSX/cat/0.png", "1 hidden folder"),
        ("cat/notes.txt", "1 file that is not a picture (txt)"),
        ("cat/drawing.svg", "1 file that is not a picture (svg)"),
        ("LICENCE", "1 file that is not a picture (no suffix)"),
    ],
)
def test_what_is_not_read_is_counted(tmp_path: Path, name: str, said: str) -> None:
    write_pictures(tmp_path, "cat/0.png", "dog/1.png")
    (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
    (tmp_path / name).write_bytes((tmp_path / "cat/0.png").read_bytes() if name.endswith(".png") else b"P7 is a text\n")
    images, message = load_and_listen(tmp_path)
    assert images.paths == ("cat/0.png", "dog/1.png")
    assert message.endswith(f"left out: {said}")
    with pytest.raises(UserError, match=r"`strict`.*left out"):
        load_images(tmp_path, strict=True)


def test_complete_folders_pass_strictly_and_one_line_says_what_was_read(tmp_path: Path) -> None:
    write_pictures(tmp_path / "pets", "cat/0.png", "dog/1.png")
    images, message = load_and_listen(tmp_path / "pets", strict=True)
    assert message == f"pets, train: {images.reading}"
    assert message == "pets, train: 2 pictures, 2 classes (cat, dog), 8x8 pixels, colour, all labelled"
    write_pictures(tmp_path / "pets", "dog/2.png", size=20)
    assert "2 sizes from 8x8 to 20x20 pixels" in load_and_listen(tmp_path / "pets", image_size=16)[1]


def test_a_class_that_would_vanish_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, "cat/0.png")
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog/0.txt").write_text("woof")
    with pytest.raises(UserError, match="no picture in dog"):
        load_images(tmp_path)


def test_all_damaged_files_are_named_at_once(tmp_path: Path) -> None:
    write_pictures(tmp_path, "cat/0.png")
    for name in ("cat/1.jpg", "dog/2.heic", "dog/3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(
        UserError, match=r"3 files cannot be read as pictures: cat/1\.jpg .*, dog/2\.heic .*, dog/3\.png"
    ):
        load_images(tmp_path)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(UserError, match="contains no pictures"):
        load_images(tmp_path)
    write_pictures(tmp_path, "test/0.png")
    with pytest.raises(UserError, match="no train/ folder"):
        load_images(tmp_path)


def test_labelled_and_unlabelled_may_be_written_with_capitals(tmp_path: Path) -> None:
    write_pictures(tmp_path, "Labelled/cat/0.png", "Unlabelled/1.png")
    assert names_of(load_images(str(tmp_path))) == ["cat", None]


def test_unlabelled_alone_means_no_labels(tmp_path: Path) -> None:
    write_pictures(tmp_path / "unlabelled", "0.png", "1.png")
    images = load_images(str(tmp_path))
    assert images.labels is None
    assert len(images) == 2


def test_folders_below_the_classes_are_said_to_be_passed_over(tmp_path: Path) -> None:
    write_pictures(tmp_path, "ill/p1/0.png", "ill/p2/1.png", "well/p3/2.png")
    images = load_images(str(tmp_path))
    assert images.classes == ("ill", "well")
    assert "2 classes (the top folders ill, well)" in str(images.reading)
