"""One picture and its pixels: any format by content, damaged metadata, deep pixels, transparency, further bands."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, TiffImagePlugin

from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import UserError
from tests.ssl_irmae.pictures import RNG, load_and_listen, random_pixels, write_pictures

FORMATS = ["BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "SGI", "TIFF", "WEBP"]


def pixels_of(path: Path, **options: Any) -> npt.NDArray[np.uint8]:
    """Load the only image of a folder as (h, w, c)."""
    (image,) = load_images(path, **options).images.numpy()
    return np.moveaxis(image, 0, 2)


# which files are pictures


@pytest.mark.parametrize("suffix", [".jpg", ".dat", ""])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_recognised_by_content(tmp_path: Path, kind: str, suffix: str) -> None:
    Image.fromarray(random_pixels(32, 32, 3)).save(tmp_path / f"0{suffix}", kind)
    with Image.open(tmp_path / f"0{suffix}") as picture:
        expected = np.asarray(picture.convert("RGB"))
    np.testing.assert_array_equal(pixels_of(tmp_path), expected)


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("kind", FORMATS)
def test_truncated_pixels_are_an_error_that_names_the_file(tmp_path: Path, kind: str, share: float) -> None:
    file = tmp_path / "cut.png"
    Image.fromarray(random_pixels(32, 32, 3)).save(file, kind)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    with pytest.raises(UserError, match=r"cut\.png cannot be read as a picture"):
        load_images(tmp_path)


def test_pictures_that_claim_to_be_huge_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(tmp_path, "0.png", size=30)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UserError, match=r"0\.png cannot be read as a picture \(it has more than 200 pixels\)"):
        load_images(tmp_path)
    (tmp_path / "0.png").rename(tmp_path / "0")
    with pytest.raises(UserError, match="more than 200 pixels"):
        load_images(tmp_path)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_further_frames_are_left_out_and_counted(tmp_path: Path, kind: str) -> None:
    frames = [Image.fromarray(random_pixels(8, 8, 3)) for _ in range(3)]
    frames[0].save(tmp_path / "film", kind, save_all=True, append_images=frames[1:])
    images, message = load_and_listen(tmp_path)
    assert len(images) == 1
    assert message.endswith("left out: 2 further pages or frames")


# metadata


def orientation_beside(damage: bytes) -> bytes:
    """Return EXIF with orientation 6 and one damaged entry."""
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + damage
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)


@pytest.mark.parametrize(
    "damage",
    [
        struct.pack("<HHI4s", 0x0128, 2, 4, b"abc\0"),  # text where a number belongs
        struct.pack("<HHII", 0x010F, 2, 4000, 4000),  # a text beyond the end
        struct.pack("<HHI4s", 0x011A, 99, 1, b"abcd"),  # a type that does not exist
        struct.pack("<HHII", 0x8769, 4, 1, 9999),  # more entries beyond the end
    ],
)
def test_orientation_counts_whatever_else_is_damaged(tmp_path: Path, damage: bytes) -> None:
    pixels = np.zeros((8, 16), np.uint8)
    pixels[:, :8] = 255
    Image.fromarray(pixels).save(tmp_path / "0.jpg", exif=orientation_beside(damage), quality=100)
    upright = pixels_of(tmp_path)
    assert upright.shape == (16, 8, 1)  # viewers turn it clockwise by 90 degrees
    assert upright[:8].mean() > 250
    assert upright[8:].mean() < 5


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"no exif"])
def test_pictures_with_unreadable_metadata_are_read_as_they_are(tmp_path: Path, exif: bytes) -> None:
    write_pictures(tmp_path, "plain/0.jpg")
    content = (tmp_path / "plain/0.jpg").read_bytes()
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/0.jpg").write_bytes(content[:2] + segment + content[2:])
    np.testing.assert_array_equal(pixels_of(tmp_path / "damaged"), pixels_of(tmp_path / "plain"))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize(
    "metadata",
    [
        chunk(b"tEXt", b"maker\0me")[:-4] + b"crc?",
        chunk(b"zTXt", b"prompt\0\0" + zlib.compress(bytes(3_000_000))),
        chunk(b"pHYs", b"ab"),
        chunk(b"gAMA", b""),
        chunk(b"iCCP", b"x\0\0garbage"),
        chunk(b"eXIf", b"garbage"),
    ],
)
@pytest.mark.parametrize("before_pixels", [True, False])
def test_damaged_chunks_of_metadata_do_not_cost_the_pixels(
    tmp_path: Path, metadata: bytes, before_pixels: bool
) -> None:
    write_pictures(tmp_path, "0.png")
    expected = pixels_of(tmp_path)
    content = (tmp_path / "0.png").read_bytes()
    place = 33 if before_pixels else len(content) - 12  # after the header, or before the end
    (tmp_path / "0.png").write_bytes(content[:place] + metadata + content[place:])
    np.testing.assert_array_equal(pixels_of(tmp_path), expected)


# pixels


@pytest.mark.parametrize(
    ("brightest", "factor"), [(200, 1), (1000, 255 / 1023), (4095, 255 / 4095), (16000, 255 / 16383), (65535, 1 / 257)]
)
def test_deep_pictures_are_scaled_by_one_stated_rule(tmp_path: Path, brightest: int, factor: float) -> None:
    write_pictures(tmp_path, "train/0.png", "test/3.png")  # colour pictures of 8 bits before and after
    deep = {name: RNG.integers(0, brightest + 1, (8, 8)).astype(np.uint16) for name in ("train/1.png", "train/2.tif")}
    deep["test/1.png"] = np.full((8, 8), brightest, np.uint16)  # the brightest is in the other split
    for name, values in deep.items():
        Image.fromarray(values).save(tmp_path / name)
    train, message = load_and_listen(tmp_path)
    test = load_images(tmp_path, "test")
    for images in (train, test):
        for path, pixels in zip(images.paths, images.images.numpy(), strict=True):
            if path in deep:
                np.testing.assert_array_equal(pixels[0], np.round(deep[path] * factor))
    assert "2 pictures of more than 8 bits" in message


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.array([[-1, 5]], np.int32), "between -1 and 5"),
        (np.array([[0, 70_000]], np.int32), "between 0 and 70000"),
        (np.array([[0.0, 1.5]], np.float32), "between 0 and 1.5"),
        (np.array([[0.0, np.nan]], np.float32), "nan"),
    ],
)
def test_values_of_unknown_meaning_are_refused_by_name(tmp_path: Path, values: npt.NDArray[Any], reason: str) -> None:
    Image.fromarray(values).save(tmp_path / "deep.tif")
    with pytest.raises(UserError, match=rf"deep\.tif cannot be read as a picture .*{reason}"):
        load_images(tmp_path)


def test_floats_from_0_to_1_are_scaled_and_said(tmp_path: Path) -> None:
    values = RNG.random((8, 8)).astype(np.float32)
    Image.fromarray(values).save(tmp_path / "0.tif")
    images, message = load_and_listen(tmp_path)
    np.testing.assert_array_equal(images.images[0, 0].numpy(), np.round(values * 255))
    assert "1 picture of floats from 0 to 1 multiplied by 255" in message


def test_colours_of_16_bits_are_read_at_their_upper_8(tmp_path: Path) -> None:
    values = RNG.integers(0, 65536, (4, 4, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "0.png").write_bytes(content)
    images, message = load_and_listen(tmp_path)
    np.testing.assert_array_equal(np.moveaxis(images.images[0].numpy(), 0, 2), values // 256)
    assert "1 picture in colours of 16 bits cut to the upper 8" in message


def glyph(ink: int) -> Image.Image:
    """Return a square of ink on a transparent background."""
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[2:6, 2:6] = ink, ink, ink, 255
    return Image.fromarray(pixels)


def test_white_ink_on_transparency_is_put_on_black_in_both_splits(tmp_path: Path) -> None:
    for name, ink in (("train/0.png", 200), ("train/1.png", 255), ("test/0.png", 200)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        glyph(ink).save(tmp_path / name)
    for split, count in (("train", "2 pictures"), ("test", "1 picture")):
        images, message = load_and_listen(tmp_path, split)  # type: ignore[arg-type]  # a loop widens the literals
        assert (images.images[:, :, 0, 0] == 0).all()
        assert (images.images[:, :, 4, 4] >= 200).all()
        assert f"{count} with transparency put on black" in message


def test_inks_that_no_background_shows_are_refused(tmp_path: Path) -> None:
    for i, ink in enumerate((0, 255)):
        glyph(ink).save(tmp_path / f"{i}.png")
    with pytest.raises(UserError, match=r"1\.png is white .*0\.png black, so that no background"):
        load_images(tmp_path)


def square(brightest: int) -> Image.Image:
    """Return a grey square of a kind of picture that has so many bits, on black."""
    pixels = np.zeros((8, 8), np.uint8 if brightest < 256 else np.uint16)
    pixels[2:6, 2:6] = brightest
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"a": square(200), "b": square(12)}, square(12)),
        ({"a": square(1)}, square(1)),
        ({"a": square(30000), "b": square(900)}, square(900)),
        ({"a": square(200), "b": square(4000)}, square(12)),
        ({"a": glyph(255), "b": glyph(90)}, glyph(90)),
        ({"a": glyph(0), "b": square(16383)}, glyph(90)),
    ],
    ids=["dark", "mask", "deep", "8 bits beside deep", "ink on black", "ink on white"],
)
def test_a_later_picture_is_read_as_among_the_earlier_ones(
    tmp_path: Path, earlier: dict[str, Image.Image], later: Image.Image
) -> None:
    for name, picture in {**earlier, "z": later}.items():
        for folder in ("together", *(["earlier"] if name in earlier else ["later"])):
            (tmp_path / folder).mkdir(exist_ok=True)
            picture.save(tmp_path / folder / f"{name}.png")
    scale = load_images(tmp_path / "earlier").scale
    read = load_images(tmp_path / "later", like=scale)
    np.testing.assert_array_equal(read.images[0], load_images(tmp_path / "together").images[-1])
    assert read.scale == scale


@pytest.mark.parametrize(
    ("earlier", "later", "reason"),
    [
        (square(1000), square(1024), "has pixels up to 1024, and the pictures before had 10 bits"),
        (square(16), square(17), "from 0 to 17, and the images before had them from 0 to 16"),
        (glyph(0), glyph(255), r"later.0\.png is white on a transparent background"),
    ],
    ids=["deep", "dim", "ink"],
)
def test_a_later_picture_that_the_earlier_ones_have_no_scale_for_is_refused(
    tmp_path: Path, earlier: Image.Image, later: Image.Image, reason: str
) -> None:
    for folder, picture in (("earlier", earlier), ("later", later)):
        (tmp_path / folder).mkdir()
        picture.save(tmp_path / folder / "0.png")
    with pytest.raises(UserError, match=reason):
        load_images(tmp_path / "later", like=load_images(tmp_path / "earlier").scale)


def test_a_transparency_band_that_is_not_used_changes_nothing(tmp_path: Path) -> None:
    pixels = random_pixels(8, 8, 4)
    pixels[:, :, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "0.png")
    np.testing.assert_array_equal(pixels_of(tmp_path, strict=True), pixels[:, :, :3])


@pytest.mark.parametrize("meaning", [None, 0])
def test_a_fourth_band_that_is_not_transparency_is_left_out(tmp_path: Path, meaning: int | None) -> None:
    pixels = random_pixels(8, 8, 4)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in ((256, 8), (257, 8), (258, (8, 8, 8, 8)), (259, 1), (262, 2), (273, 200), (277, 4), (279, 256)):
        tags[tag] = value
    if meaning is not None:
        tags[338] = (meaning,)
    head = b"II*\0" + struct.pack("<I", 8) + tags.tobytes(8)
    offset = struct.pack("<HHII", 273, 4, 1, len(head))
    at = head.index(struct.pack("<H", 273))
    (tmp_path / "0.tif").write_bytes(head[:at] + offset + head[at + 12 :] + pixels.tobytes())
    images, message = load_and_listen(tmp_path)
    np.testing.assert_array_equal(np.moveaxis(images.images[0].numpy(), 0, 2), pixels[:, :, :3])
    assert message.endswith("left out: bands that are neither colour nor transparency in 1 picture")


@pytest.mark.parametrize(
    ("mode", "kind"), [("CMYK", "TIFF"), ("YCbCr", "JPEG"), ("LAB", "TIFF"), ("P", "PNG"), ("1", "PNG")]
)
def test_other_colour_spaces_are_converted(tmp_path: Path, mode: str, kind: str) -> None:
    white = Image.new("LAB", (8, 8), (255, 128, 128)) if mode == "LAB" else Image.new("RGB", (8, 8), "white")
    white.convert(mode).save(tmp_path / "0", kind)
    assert (pixels_of(tmp_path) >= 250).all()


def test_masks_of_0_and_1_are_stretched_in_both_splits_alike(tmp_path: Path) -> None:
    for split, brightest in (("train", 1), ("test", 0)):
        (tmp_path / split / "a").mkdir(parents=True)
        pixels = np.zeros((4, 4), np.uint8)
        pixels[0, 0] = brightest
        Image.fromarray(pixels).save(tmp_path / split / "a" / "0.png")
    train, test = load_images(str(tmp_path)), load_images(str(tmp_path), "test")
    assert train.images.max() == 255
    assert train.reading is not None
    assert "brightest pixel is 1" in str(train.reading)
    assert test.images.max() == 0
