"""Arrays of labels: partly labelled, one-hot, in a column; what cannot be told apart is refused."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch

from ssl_irmae.datasets.idx import idx_bytes
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import UserError
from tests.ssl_irmae.pictures import random_pixels, write_npz


def _load(labels: Any, test_labels: Any | None = None, split: Split = "train") -> ImageSet:
    images = random_pixels(len(labels), 4, 4)
    if test_labels is None:
        return load_images((images, labels))
    return load_images((images, labels, random_pixels(len(test_labels), 4, 4), test_labels), split)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([4, -1, 7, -1, 4]), ("4", "7")),
        (torch.tensor([4, -1, 7, -1, 4]), ("4", "7")),
        (np.array([[4], [-1], [7], [-1], [4]], np.int8), ("4", "7")),
        (np.array([4, np.nan, 7, np.nan, 4]), ("4", "7")),
        (np.array([4.0, -1.0, 7.0, -1.0, 4.0]), ("4", "7")),
        (np.array([0, np.nan, 1, -1, 0]), ("0", "1")),
        (np.array(["cat", "", "dog", "", "cat"]), ("cat", "dog")),
        (np.array(["cat", None, "dog", float("nan"), "cat"], object), ("cat", "dog")),
        (np.array(["cat", pd.NA, "dog", np.float32("nan"), "cat"], object), ("cat", "dog")),
        (np.array([3, pd.NA, 9, np.float32("nan"), 3], object), ("3", "9")),
        (np.array([2**60, None, 2**60 + 1, pd.NA, 2**60], object), (str(2**60), str(2**60 + 1))),
        (np.array([-(2**60), np.nan, np.int64(5), -1, -(2**60)], object), (str(-(2**60)), "5")),
    ],
)
def test_images_without_a_label_are_unlabelled(labels: Any, classes: tuple[str, ...]) -> None:
    images = _load(labels)
    assert images.classes == classes
    assert images.labels is not None
    assert images.labels.tolist() == [0, -1, 1, -1, 0]
    assert images.labelled.tolist() == [0, 2, 4]
    assert "5 pictures, 2 classes, 4x4 grey, 3 labelled, 2 unlabelled" in str(images.reading)


def test_unlabelled_images_are_read_alike_from_archives(tmp_path: Path) -> None:
    images, labels = random_pixels(3, 4, 4), np.array([0, -1, 1])
    write_npz(tmp_path / "m.npz", {"images": images, "labels": labels})
    assert load_images(tmp_path / "m.npz").fingerprint == load_images((images, labels)).fingerprint


@pytest.mark.parametrize("labels", [np.full(3, -1), np.full(3, np.nan), np.full(3, "")])
def test_no_label_at_all_is_the_same_as_no_array_of_labels(labels: npt.NDArray[Any]) -> None:
    images = _load(labels)
    assert (images.labels, images.classes) == (None, ())
    assert str(images.reading) == "3 pictures, 4x4 grey, no labels"
    assert _load(labels, np.array([0, 1]), "test").classes == ("0", "1")


@pytest.mark.parametrize("labels", [np.zeros(0, int), np.full(2, -1), np.full(4, np.nan), np.arange(4)])
def test_there_is_one_label_per_image_even_where_none_is_known(labels: npt.NDArray[Any]) -> None:
    with pytest.raises(UserError, match="one label per image"):
        load_images((random_pixels(3, 4, 4), labels))


def test_scored_images_may_lack_labels_and_that_is_reported() -> None:
    test = _load(np.array([0, 1, 2]), np.array([2, -1, 0, 2]), "test")
    assert test.classes == ("0", "1", "2")
    assert test.labels is not None
    assert test.labels.tolist() == [2, -1, 0, 2]
    assert str(test.reading) == "4 pictures, 2 of 3 classes, 4x4 grey, 3 labelled, 1 unlabelled (never scored)"


@pytest.mark.parametrize("dtype", [int, float])
@pytest.mark.parametrize("test_labels", [None, [1, -1]])
def test_minus_one_that_could_be_a_class_is_refused(dtype: type, test_labels: list[int] | None) -> None:
    labels: npt.NDArray[Any] = np.array([1, -1, 1], dtype)
    with pytest.raises(UserError, match=r"only the values -1 and 1, .* name the two classes 0 and 1"):
        _load(labels, None if test_labels is None else np.array(test_labels))
    assert _load(np.array([1, np.nan])).classes == ("1",)  # NaN is never a class


@pytest.mark.parametrize("dtype", [int, bool, float, np.uint8])
def test_one_hot_rows_and_columns_are_taken_and_reported(dtype: type) -> None:
    labels = np.array([2, 0, 1, 2])
    for rows, said in ((np.eye(3)[labels].astype(dtype), "one-hot"), (labels[:, None], "(4, 1)")):
        images = _load(rows)
        assert images.labels is not None
        assert images.labels.tolist() == [2, 0, 1, 2]
        assert images.classes == ("0", "1", "2")
        assert images.reading is not None
        assert said in images.reading.changed[0]


@pytest.mark.parametrize(
    "labels",
    [np.array(3), np.zeros((2, 2), int), np.array([0.5, 1.0]), np.array([0, np.inf]), np.array([0, 1e300])],
)
@pytest.mark.parametrize("name", ["labels", "test_labels"])
def test_labels_that_are_neither_numbers_nor_names_are_rejected(
    tmp_path: Path, labels: npt.NDArray[Any], name: str
) -> None:
    arrays = {"images": random_pixels(2, 4, 4), "labels": np.array([0, 1]), name: labels}
    write_npz(tmp_path / "m.npz", arrays)
    with pytest.raises(UserError, match=f"'{name}' must be whole numbers or names"):
        load_images(str(tmp_path / "m.npz"))


def test_whole_numbers_are_the_same_labels_in_any_type() -> None:
    images, labels = random_pixels(3, 4, 4), np.array([4, 7, 4])
    alike = [load_images((images, labels.astype(dtype))) for dtype in (np.int64, np.uint8, np.float32, np.float64)]
    assert {images.classes for images in alike} == {("4", "7")}
    assert len({images.fingerprint for images in alike}) == 1


def test_several_classes_per_image_are_rejected() -> None:
    with pytest.raises(UserError, match=r"several classes to an image \(row 1\): keep one"):
        _load(np.array([[1, 0, 0], [0, 1, 1]]))


def test_one_hot_rows_of_different_length_are_rejected() -> None:
    with pytest.raises(UserError, match=r"'labels' 3 and .*'test_labels' 2 columns"):
        _load(np.eye(3, dtype=int), np.eye(2, dtype=int))


def test_a_scored_class_that_training_lacks_is_rejected(tmp_path: Path) -> None:
    x, test_x = random_pixels(4, 4, 4), random_pixels(3, 4, 4)
    y, test_y = np.array([0, 1, 1, 0], np.uint8), np.array([1, 5, 7], np.uint8)
    write_npz(tmp_path / "m.npz", {"images": x, "labels": y, "test_images": test_x, "test_labels": test_y})
    for name, array in (
        ("train-images-idx3", x),
        ("train-labels-idx1", y),
        ("t10k-images-idx3", test_x),
        ("t10k-labels-idx1", test_y),
    ):
        (tmp_path / f"{name}-ubyte").write_bytes(idx_bytes(array))
    splits: tuple[Split, ...] = ("train", "test")
    sources: dict[str, Any] = {
        "m.npz: 'test_labels'": tmp_path / "m.npz",
        "t10k-labels-idx1-ubyte": tmp_path / "train-images-idx3-ubyte",
        "`dataset`: 'test_labels'": (x, y, test_x, test_y),
    }
    for title, dataset in sources.items():
        for split in splits:
            with pytest.raises(UserError, match=f"{re.escape(title)} has the classes 5, 7, which no training image"):
                load_images(dataset, split)
