"""IDX files under the names of MNIST, EMNIST and QMNIST are read with their labels and their test split."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ssl_irmae.datasets.idx import idx_bytes, read_idx
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import NoTestSplitError, UserError
from tests.ssl_irmae.pictures import random_pixels

TRAIN, TEST = random_pixels(4, 6, 5), random_pixels(2, 6, 5)
TRAIN_LABELS, TEST_LABELS = np.array([7, 1, 2, 1], np.uint8), np.array([2, 7], np.uint8)


def test_idx_files_are_read_plain_and_gzipped_whatever_their_name(tmp_path: Path) -> None:
    x = random_pixels(3, 4, 5)
    for name in ("plain", "plain.gz"):
        (tmp_path / name).write_bytes(idx_bytes(x))
    for name in ("packed", "packed.gz"):
        (tmp_path / name).write_bytes(gzip.compress(idx_bytes(x)))
    for name in ("plain", "plain.gz", "packed", "packed.gz"):
        np.testing.assert_array_equal(read_idx(tmp_path / name), x)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abcdefgh",
        idx_bytes(np.zeros((2, 2), np.uint8))[:-1],
        idx_bytes(np.zeros((2, 2), np.uint8)) + b"\0",
        struct.pack(">4BI", 0, 0, 8, 3, 1),
        struct.pack(">4B", 0, 0, 8, 200) + bytes(800),
        gzip.compress(idx_bytes(np.zeros((2, 2), np.uint8)))[:-9],
        gzip.compress(idx_bytes(np.zeros((2, 2), np.uint8))[:-1]),
    ],
)
def test_damaged_idx_files_are_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        read_idx(tmp_path / "damaged")


@pytest.mark.parametrize(
    "content",
    [
        struct.pack(">4B3I", 0, 0, 8, 3, 60000, 1000, 1000) + bytes(100),
        gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 60000, 1000, 1000) + bytes(100)),
        gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 2, 4, 4) + bytes(50_000_000), 1),
        struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 0, 2**32 - 1),
    ],
)
def test_an_idx_file_is_believed_only_as_far_as_it_goes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="its header declares shape"):
            read_idx(tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte"),
        ("train-images.idx3-ubyte", "t10k-images.idx3-ubyte"),
        ("qmnist-train-images-idx3-ubyte", "qmnist-test-images-idx3-ubyte"),
        ("emnist-letters-train-images-idx3-ubyte", "emnist-letters-test-images-idx3-ubyte"),
    ],
)
@pytest.mark.parametrize("suffixes", [("", ""), (".gz", ".gz"), ("", ".gz"), (".gz", "")])
def test_idx_files_find_their_labels_and_their_test_split(
    tmp_path: Path, train: str, test: str, suffixes: tuple[str, str]
) -> None:
    for name, x, y in ((train, TRAIN, TRAIN_LABELS), (test, TEST, TEST_LABELS)):
        labels_name = name.replace("images", "labels").replace("idx3", "idx1")
        for file, array, suffix in ((name, x, suffixes[0]), (labels_name, y, suffixes[1])):
            content = idx_bytes(array)
            (tmp_path / f"{file}{suffix}").write_bytes(gzip.compress(content) if suffix else content)
    path = tmp_path / f"{train}{suffixes[0]}"
    upright = (0, 2, 1) if train.startswith("emnist") else (0, 1, 2)
    loaded = [(load_images(path), TRAIN, [2, 0, 1, 0]), (load_images(path, "test"), TEST, [1, 2])]
    for images, x, indices in loaded:
        np.testing.assert_array_equal(images.images[:, 0], x.transpose(upright))
        assert images.classes == ("1", "2", "7")
        assert images.labels is not None
        assert images.labels.tolist() == indices


def test_idx_files_without_labels_or_test_split_say_so(tmp_path: Path) -> None:
    for name in ("train-images-idx3-ubyte", "mine"):
        (tmp_path / name).write_bytes(idx_bytes(TRAIN))
        images = load_images(tmp_path / name)
        assert images.labels is None
        assert str(images.reading) == "4 pictures, 5x6 grey, no labels"
        with pytest.raises(NoTestSplitError):
            load_images(tmp_path / name, "test")


def test_emnist_is_turned_upright_and_that_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "emnist-digits-train-images-idx3-ubyte"
    path.write_bytes(idx_bytes(TRAIN))
    reading = load_images(path).reading
    assert reading is not None
    assert "transposed" in reading.changed[0]


def test_the_class_is_the_first_column_of_qmnists_labels(tmp_path: Path) -> None:
    table = np.zeros((4, 8), ">i4")
    table[:, 0] = [3, 300, 3, -1]
    table[:, 1:] = np.arange(28).reshape(4, 7)
    (tmp_path / "qmnist-train-images-idx3-ubyte").write_bytes(idx_bytes(TRAIN))
    content = struct.pack(">4B2I", 0, 0, 0x0C, 2, 4, 8) + table.tobytes()
    (tmp_path / "qmnist-train-labels-idx2-int.gz").write_bytes(gzip.compress(content))
    images = load_images(tmp_path / "qmnist-train-images-idx3-ubyte")
    assert images.classes == ("3", "300")
    assert images.labels is not None
    assert images.labels.tolist() == [0, 1, 0, -1]
    assert "first column of the labels" in str(images.reading)


def test_an_idx_file_of_labels_is_not_one_of_images(tmp_path: Path) -> None:
    (tmp_path / "y").write_bytes(idx_bytes(TRAIN_LABELS))
    with pytest.raises(UserError, match="give the file of images"):
        load_images(tmp_path / "y")


def test_an_idx_file_without_pixels_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "flat").write_bytes(idx_bytes(np.zeros((3, 0, 5), np.uint8)))
    with pytest.raises(UserError, match="contains no pixels"):
        load_images(tmp_path / "flat")
