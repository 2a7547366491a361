"""The user's images are read unchanged from folders, archives and IDX files; errors are explained."""

import gzip
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ssl_irmae.datasets.idx import idx_bytes, read_idx
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import UserError
from tests.ssl_irmae.pictures import RNG, random_pixels, write_npz

# folders


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_folder_of_pictures_with_classes(tmp_path: Path, mode: str) -> None:
    channels = {"L": 1, "RGB": 3}[mode]
    written = {}
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for i in range(2):
            pixels = random_pixels(9, 7, 3) if mode == "RGB" else random_pixels(9, 7)
            Image.fromarray(pixels).save(tmp_path / label / f"{i}.png")
            written[f"{label}/{i}.png"] = pixels
    images = load_images(str(tmp_path))
    assert images.classes == ("cat", "dog")
    assert images.labels is not None
    assert images.labels.tolist() == [0, 0, 1, 1]
    assert images.images.shape == (4, channels, 9, 7)
    for path, image in zip(images.paths, images.images.numpy(), strict=True):
        np.testing.assert_array_equal(np.moveaxis(image, 0, 2).squeeze(), written[path])


def test_a_folder_of_several_sizes_needs_an_image_size(tmp_path: Path) -> None:
    for i, size in enumerate((10, 20)):
        Image.fromarray(random_pixels(size, size)).save(tmp_path / f"{i}.png")
    with pytest.raises(UserError, match="2 sizes: set `image_size`"):
        load_images(str(tmp_path))
    images = load_images(str(tmp_path), image_size=32)
    assert images.images.shape == (2, 1, 32, 32)
    assert images.labels is None


def test_a_file_that_is_not_a_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"a\.png"):
        load_images(str(tmp_path))


def test_a_folder_is_grey_only_if_every_picture_is_grey(tmp_path: Path) -> None:
    Image.fromarray(random_pixels(6, 6)).save(tmp_path / "0.png")
    colour = random_pixels(6, 6, 3)
    Image.fromarray(colour).save(tmp_path / "1.png")
    images = load_images(str(tmp_path)).images
    assert images.shape == (2, 3, 6, 6)
    np.testing.assert_array_equal(np.moveaxis(images[1].numpy(), 0, 2), colour)


def test_transparent_pixels_become_white(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[0, 0, 3] = 255  # one opaque black pixel
    Image.fromarray(pixels).save(tmp_path / "glyph.png")
    image = load_images(str(tmp_path)).images[0]
    assert image[:, 0, 0].tolist() == [0, 0, 0]
    assert (image.flatten(1)[:, 1:] == 255).all()


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # viewers turn it clockwise by 90 degrees
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=100)
    image = load_images(str(tmp_path)).images[0, 0].float()
    assert image.shape == (16, 8)
    assert image[:8].mean() > 250
    assert image[8:].mean() < 5


def test_class_folders_can_be_links(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    Image.fromarray(random_pixels(4, 4)).save(tmp_path / "elsewhere" / "0.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert load_images(str(tmp_path / "set")).classes == ("cat",)


@pytest.mark.parametrize("place", [30, 60])
def test_a_damaged_picture_is_named(tmp_path: Path, place: int) -> None:
    Image.fromarray(random_pixels(20, 20)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[place] ^= 0xFF
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png cannot be read"):
        load_images(str(tmp_path))


# archives and IDX files


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
        ({"pictures": random_pixels(1, 4, 4)}, "no array 'images'"),
        ({"images": RNG.random((2, 4, 4)) * 255}, r"\[0, 1\]"),
        ({"images": np.full((2, 4, 4), np.nan)}, r"\[0, 1\]"),
        ({"images": random_pixels(2, 4)}, "shape"),
        ({"images": random_pixels(2, 4, 4), "labels": np.zeros(3, int)}, "one label per image"),
        ({"images": np.array([{}])}, "npz"),
    ],
)
def test_unusable_archives_are_explained(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    write_npz(tmp_path / "mine.npz", arrays)
    with pytest.raises(UserError, match=message):
        load_images(str(tmp_path / "mine.npz"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_damaged_archives_are_explained(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.npz").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        load_images(str(tmp_path / "m.npz"))


@pytest.mark.parametrize("labels", [np.array(3), np.zeros((2, 2), int), np.array([0.5, 1.0])])
@pytest.mark.parametrize("name", ["labels", "test_labels"])
def test_labels_that_are_neither_numbers_nor_names_are_rejected(
    tmp_path: Path, labels: npt.NDArray[Any], name: str
) -> None:
    arrays = {"images": random_pixels(2, 4, 4), "labels": np.array([0, 1]), name: labels}
    write_npz(tmp_path / "m.npz", arrays)
    with pytest.raises(UserError, match=f"'{name}' must be whole numbers or names"):
        load_images(str(tmp_path / "m.npz"))


def test_idx_files_are_read_plain_and_gzipped(tmp_path: Path) -> None:
    x = random_pixels(3, 4, 5)
    (tmp_path / "plain").write_bytes(idx_bytes(x))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(idx_bytes(x)))
    for name in ("plain", "packed.gz"):
        np.testing.assert_array_equal(read_idx(tmp_path / name), x)


@pytest.mark.parametrize(
    "content",
    [b"", b"abcdefgh", idx_bytes(np.zeros((2, 2), np.uint8))[:-1], struct.pack(">4BI", 0, 0, 8, 3, 1)],
)
def test_damaged_idx_files_are_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match="x"):
        read_idx(tmp_path / "x")


def test_idx_files_find_their_labels_and_their_test_split(tmp_path: Path) -> None:
    arrays = {
        "train-images-idx3-ubyte": random_pixels(4, 6, 6),
        "train-labels-idx1-ubyte": np.array([0, 1, 2, 1], np.uint8),
        "t10k-images-idx3-ubyte": random_pixels(2, 6, 6),
    }
    for name, array in arrays.items():
        (tmp_path / name).write_bytes(idx_bytes(array))
    path = str(tmp_path / "train-images-idx3-ubyte")
    train, test = load_images(path), load_images(path, "test")
    assert train.labels is not None
    assert train.labels.tolist() == [0, 1, 2, 1]
    assert test.labels is None
    np.testing.assert_array_equal(test.images[:, 0].numpy(), arrays["t10k-images-idx3-ubyte"])


def test_files_of_another_kind_are_rejected(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", random_pixels(2, 4, 4))
    (tmp_path / "a.npy").rename(tmp_path / "array.npz")
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("images", b"no array")
    np.savez(tmp_path / "empty.npz", images=np.zeros((3, 0, 5), np.uint8))
    (tmp_path / "deep").write_bytes(struct.pack(">4B", 0, 0, 8, 200) + bytes(800))
    (tmp_path / "flat").write_bytes(idx_bytes(np.zeros((3, 0, 5), np.uint8)))
    for name in ("array.npz", "text.npz", "empty.npz", "deep", "flat"):
        with pytest.raises(UserError):
            load_images(str(tmp_path / name))
