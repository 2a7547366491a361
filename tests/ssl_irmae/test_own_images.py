"""The user's images are read unchanged from folders; errors are explained."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssl_irmae.datasets.idx import idx_bytes
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import UserError
from tests.ssl_irmae.pictures import random_pixels


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


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.png", "single picture: give the folder"), ("a.npy", "cannot be read"), ("a.zip", "unpack it first")],
)
def test_a_file_of_another_kind_is_named_with_what_to_do(tmp_path: Path, name: str, message: str) -> None:
    Image.fromarray(random_pixels(4, 4)).save(tmp_path / "a.png")
    (tmp_path / "a.npy").write_bytes(b"x")
    (tmp_path / "a.zip").write_bytes(b"x")
    with pytest.raises(UserError, match=message):
        load_images(str(tmp_path / name))


def test_a_folder_of_other_data_names_the_file_to_give(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(random_pixels(2, 4, 4)))
    with pytest.raises(UserError, match=r"contains no pictures, but other data: give .*train-images-idx3-ubyte itself"):
        load_images(str(tmp_path))
