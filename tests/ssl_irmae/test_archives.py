"""Archives are read as far as needed, under the names of several makers, and believed only as far as the file goes."""

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ssl_irmae.datasets.image_set import Split
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import NoTestSplitError, UserError
from tests.ssl_irmae.pictures import RNG, random_pixels, write_npz


@pytest.mark.parametrize(
    ("array", "shape"),
    [
        (random_pixels(3, 8, 8), (3, 1, 8, 8)),
        (random_pixels(3, 8, 8, 3), (3, 3, 8, 8)),
        (random_pixels(3, 3, 8, 8), (3, 3, 8, 8)),
        (RNG.random((3, 8, 8)), (3, 1, 8, 8)),
    ],
)
def test_archives_are_read_in_the_usual_layouts(
    tmp_path: Path, array: npt.NDArray[Any], shape: tuple[int, ...]
) -> None:
    np.savez(tmp_path / "mine.npz", images=array, labels=np.array(["b", "a", "b"]))
    images = load_images(str(tmp_path / "mine.npz"))
    assert images.images.shape == shape
    assert images.labels is not None
    assert images.labels.tolist() == [1, 0, 1]
    assert images.classes == ("a", "b")


def test_a_class_absent_from_one_split_does_not_shift_the_others(tmp_path: Path) -> None:
    arrays = {"images": random_pixels(3, 4, 4), "test_images": random_pixels(2, 4, 4)}
    write_npz(tmp_path / "m.npz", {"labels": np.array([3, 5, 9]), "test_labels": np.array([9, 3]), **arrays})
    test = load_images(str(tmp_path / "m.npz"), "test")
    assert test.classes == ("3", "5", "9")
    assert test.labels is not None
    assert test.labels.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": random_pixels(1, 4, 4)}, "no array 'images': it has pictures"),
        ({"images": random_pixels(4)}, "shape"),
        ({"images": np.array(["a", "b"]).reshape(2, 1, 1)}, "'images' must be whole numbers or floats"),
        ({"images": random_pixels(2, 4, 4), "labels": np.zeros(3, int)}, "one label per image"),
        ({"images": np.array([{}])}, "npz"),
        ({"images": random_pixels(2, 4, 4), "X": random_pixels(2, 4, 4), "y": np.array([0.5, 1])}, "'y' must be whole"),
        ({"X_train": random_pixels(2, 4, 4), "x": random_pixels(2, 4, 4)}, "X_train and x could all be .* 'images'"),
    ],
)
def test_unusable_archives_are_explained(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    write_npz(tmp_path / "mine.npz", arrays)
    with pytest.raises(UserError, match=message):
        load_images(str(tmp_path / "mine.npz"))


@pytest.mark.parametrize("shape", [(2**70, 0, 1), (0, 2**40, 2**40)])
def test_an_empty_array_with_impossible_sides_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    header = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", header)
    with pytest.raises(UserError, match=r"declares shape .*, which no array has"):
        load_images(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_damaged_archives_are_explained(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.npz").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        load_images(str(tmp_path / "m.npz"))


def test_files_that_are_not_archives_of_images_are_rejected(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", random_pixels(2, 4, 4))
    (tmp_path / "a.npy").rename(tmp_path / "array.npz")
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("images", b"no array")
    np.savez(tmp_path / "empty.npz", images=np.zeros((3, 0, 5), np.uint8))
    for name in ("array.npz", "text.npz", "empty.npz"):
        with pytest.raises(UserError, match=name):
            load_images(str(tmp_path / name))


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("images", "labels"),
        ("train_images", "train_labels"),  # MedMNIST
        ("x_train", "y_train"),  # Keras
        ("X_train", "y_train"),
        ("X", "y"),  # scikit-learn
        ("data", "target"),
        ("data", "targets"),  # torchvision
    ],
)
def test_the_names_of_other_makers_are_known(tmp_path: Path, images: str, labels: str) -> None:
    x, y = random_pixels(3, 4, 4), np.array([1, 0, 1])
    write_npz(tmp_path / "m.npz", {images: x, labels: y})
    write_npz(tmp_path / "ours.npz", {"images": x, "labels": y})
    loaded = load_images(tmp_path / "m.npz")
    assert loaded.fingerprint == load_images(tmp_path / "ours.npz").fingerprint
    assert str(loaded.reading) == "3 pictures, 2 classes, 4x4 grey"
    with pytest.raises(NoTestSplitError, match="no array 'test_images'"):
        load_images(tmp_path / "m.npz", "test")


def test_validation_arrays_and_unknown_arrays_are_left_out_and_reported(tmp_path: Path) -> None:
    part = {"images": random_pixels(3, 4, 4, 3), "labels": np.array([[0], [1], [1]])}
    arrays = {f"{split}_{name}": array for split in ("train", "val", "test") for name, array in part.items()}
    write_npz(tmp_path / "medmnist.npz", {**arrays, "ids": np.arange(9)})
    splits: tuple[Split, ...] = ("train", "test")
    for split in splits:
        loaded = load_images(tmp_path / "medmnist.npz", split)
        assert loaded.labels is not None
        assert loaded.labels.tolist() == [0, 1, 1]
        assert str(loaded.reading) == (
            "3 pictures, 2 classes, 4x4 colour; labels of shape (3, 1) taken as one column; "
            "left out: validation arrays val_images, val_labels, array ids"
        )


def test_arrays_that_are_not_needed_are_not_read(tmp_path: Path) -> None:
    objects = np.array([{}], object)
    arrays = {"images": random_pixels(3, 4, 4), "labels": np.array([0, 1, 1])}
    write_npz(tmp_path / "m.npz", {**arrays, "filenames": objects, "test_images": objects})
    loaded = load_images(tmp_path / "m.npz")
    np.testing.assert_array_equal(loaded.images[:, 0], arrays["images"])
    assert loaded.reading is not None
    assert loaded.reading.left_out == ("array filenames",)


def test_no_pickle_is_loaded(tmp_path: Path) -> None:
    for labels in (np.array(["a", "b"], object), np.array([Path.touch, tmp_path / "run"], object)):
        write_npz(tmp_path / "m.npz", {"images": random_pixels(2, 4, 4), "labels": labels})
        with pytest.raises(UserError, match=r"m\.npz: 'labels' holds Python objects, .*dtype=str"):
            load_images(tmp_path / "m.npz")


def _write_claiming(path: Path, shape: tuple[int, ...], compression: int, *, directory_agrees: bool) -> None:
    """Write an archive of a megabyte whose header, and perhaps zip directory, claims more."""
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "|u1", "fortran_order": False, "shape": shape})
    header = content.getvalue()
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("images.npy", header + bytes(1_000_000))
    if directory_agrees:
        raw = bytearray(path.read_bytes())
        struct.pack_into("<I", raw, raw.rindex(b"PK\x01\x02") + 24, len(header) + int(np.prod(shape)))
        path.write_bytes(raw)


@pytest.mark.parametrize("directory_agrees", [False, True])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_that_claims_more_than_it_holds_is_rejected_before_memory_is_asked_for(
    tmp_path: Path, compression: int, directory_agrees: bool
) -> None:
    _write_claiming(tmp_path / "m.npz", (3000, 1000, 1000), compression, directory_agrees=directory_agrees)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=r"declares shape \(3000, 1000, 1000\) of uint8"):
            load_images(tmp_path / "m.npz")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_compression_whose_claims_cannot_be_bounded_is_rejected(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.save(content, random_pixels(2, 4, 4))
    for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(tmp_path / "m.npz", "w", compression) as archive:
            archive.writestr("images.npy", content.getvalue())
        with pytest.raises(UserError, match="'images' is compressed in a way that numpy does not write"):
            load_images(tmp_path / "m.npz")


def test_an_archive_that_compresses_well_is_read(tmp_path: Path) -> None:
    images = np.zeros((1000, 64, 64), np.uint8)
    images[0, 0, 0] = 255
    np.savez_compressed(tmp_path / "m.npz", images=images)
    assert images.nbytes > 500 * (tmp_path / "m.npz").stat().st_size
    np.testing.assert_array_equal(load_images(tmp_path / "m.npz").images[:, 0], images)


def test_images_that_do_not_fit_into_memory_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MemoryError

    np.savez(tmp_path / "m.npz", images=random_pixels(2, 4, 4))
    monkeypatch.setattr(np.lib.format, "read_array", refuse)
    with pytest.raises(UserError, match=r"m\.npz does not fit into memory"):
        load_images(tmp_path / "m.npz")
