"""Pixels of any range become 8 bits by one rule for both splits, and what was done to them is reported."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ssl_irmae.datasets.pixel_range import to_uint8
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import UserError
from tests.ssl_irmae.pictures import RNG, random_pixels


def _up_to(brightest: float, dtype: str) -> npt.NDArray[Any]:
    """Draw images of whole numbers from 0 to a brightest pixel, both of which occur."""
    images = RNG.integers(0, int(brightest) + 1, (5, 4, 6))
    images[0, 0, :2] = 0, brightest
    return images.astype(dtype)


@pytest.mark.parametrize(
    ("brightest", "dtype", "white", "said"),
    [
        (1, "?", 1, "true pixels became 255"),
        (1, "u1", 1, "the brightest pixel is 1 of 255: multiplied by 255"),
        (1, "i8", 1, "the brightest pixel is 1 of 255: multiplied by 255"),
        (1, "f4", 1, None),
        (2, "u1", 16, "the brightest pixel is 2 of 255: multiplied by 255/16"),
        (16, "u1", 16, "the brightest pixel is 16 of 255: multiplied by 255/16"),
        (16, "f8", 16, "the brightest pixel is 16 of 255: multiplied by 255/16"),
        (17, "u1", 255, None),
        (255, "u1", 255, None),
        (255, "i8", 255, "int64 pixels up to 255 taken as 8-bit"),
        (255, "f4", 255, "float32 pixels up to 255 taken as 8-bit and rounded"),
        (256, "u2", 1023, "the brightest pixel is 256, of 10 bits: multiplied by 255/1023"),
        (4095, "u2", 4095, "the brightest pixel is 4095, of 12 bits: multiplied by 255/4095"),
        (4096, "i2", 16383, "the brightest pixel is 4096, of 14 bits: multiplied by 255/16383"),
        (65535, "u2", 65535, "the brightest pixel is 65535, of 16 bits: divided by 257"),
        (20000, "i4", 65535, "the brightest pixel is 20000, of 16 bits: divided by 257"),
    ],
)
def test_pixels_are_scaled_to_the_white_that_fits(brightest: int, dtype: str, white: int, said: str | None) -> None:
    given = _up_to(brightest, dtype)
    before = given.copy()
    images = load_images(given)
    np.testing.assert_array_equal(images.images[:, 0], np.round(before.astype(float) * 255 / white))
    assert images.reading is not None
    assert images.reading.changed == (() if said is None else (said,))
    np.testing.assert_array_equal(given, before)


@pytest.mark.parametrize(("brighter", "dtype"), [(16, "u1"), (200, "u1"), (9, "i8"), (3000, "u2"), (16, "f8")])
@pytest.mark.parametrize("brighter_split", ["train", "test"])
def test_both_splits_are_scaled_alike(brighter: int, dtype: str, brighter_split: str) -> None:
    dim, bright, y = _up_to(1, dtype), _up_to(brighter, dtype), np.arange(5) % 2
    together = load_images(np.concatenate([dim, bright])).images
    dataset = (bright, y, dim, y) if brighter_split == "train" else (dim, y, bright, y)
    parts = {"train": load_images(dataset).images, "test": load_images(dataset, "test").images}
    dim_split = "test" if brighter_split == "train" else "train"
    np.testing.assert_array_equal(parts[dim_split], together[:5])
    np.testing.assert_array_equal(parts[brighter_split], together[5:])


@pytest.mark.parametrize(
    ("brightest", "dtype"),
    [(1, "?"), (1, "u1"), (16, "u1"), (200, "u1"), (200, "i8"), (900, "u2"), (30000, "u2"), (1, "f4"), (200, "f4")],
)
def test_later_images_become_8_bits_as_among_the_earlier_ones(brightest: int, dtype: str, tmp_path: Path) -> None:
    earlier = _up_to(brightest, dtype)
    later = earlier.copy()
    later[1:] = 0  # the darker, the likelier another white of their own
    later[2:, 0, 0] = min(brightest, 13)
    together = load_images(np.concatenate([earlier, later])).images[5:]
    scale = load_images(earlier).scale
    np.save(tmp_path / "later.npy", later[1:])
    np.savez(tmp_path / "later.npz", images=later[1:])
    for dataset in (later[1:], torch.from_numpy(later[1:]), tmp_path / "later.npy", tmp_path / "later.npz"):
        read = load_images(dataset, like=scale)
        np.testing.assert_array_equal(read.images, together[1:])
        assert read.scale == scale
    np.testing.assert_array_equal(load_images(later[2:3], like=scale).images, together[2:3])


@pytest.mark.parametrize(("earlier", "later"), [(1, 2), (16, 17), (1000, 1024), (4000, 65535)])
def test_later_images_that_are_brighter_than_white_are_refused(earlier: int, later: int) -> None:
    scale = load_images(_up_to(earlier, "u2")).scale
    with pytest.raises(UserError, match=f"from 0 to {later}, and the images before .* scale them alike"):
        load_images(_up_to(later, "u2"), like=scale)


def test_later_images_of_another_kind_have_a_scale_of_their_own() -> None:
    deep = load_images(_up_to(900, "u2")).scale
    for other in (_up_to(200, "u1"), _up_to(1, "f4"), _up_to(1, "?")):
        np.testing.assert_array_equal(load_images(other, like=deep).images, load_images(other).images)


def test_splits_of_other_numbers_are_scaled_on_their_own() -> None:
    y = np.arange(5) % 2
    whole, floats, truth = random_pixels(5, 4, 6), RNG.random((5, 4, 6)), _up_to(1, "?")
    for other in (floats, truth):
        for split, own in (("train", whole), ("test", other)):
            loaded = load_images((whole, y, other, y), split)  # type: ignore[arg-type]
            np.testing.assert_array_equal(loaded.images, load_images(own).images)


def test_floats_are_judged_after_rounding_to_8_bits() -> None:
    images = RNG.random((3, 4, 4))
    images[0, 0, :2] = -1e-7, 1 + 1e-7
    assert load_images(images).images[0, 0, 0, :2].tolist() == [0, 255]
    images = images * 200 + 20
    images[0, 0, :2] = -0.1, 255.2
    assert load_images(images).images[0, 0, 0, :2].tolist() == [0, 255]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (RNG.standard_normal((2, 4, 4)), "between 0 and 1, or between 0 and 255, got .*: .* undo any standardisation"),
        (np.full((2, 4, 4), 3.2), "got 3.2 to 3.2"),
        (np.full((2, 4, 4), 256.0), "got 256 to 256"),
        (np.full((2, 4, 4), np.inf), "got inf to inf"),
        (np.full((2, 4, 4), np.nan), "NaN"),
        (np.full((2, 4, 4), -1000, np.int16), "pixels from -1000 to -1000: shift and scale"),
        (np.full((2, 4, 4), 70000), "pixels up to 70000"),
        (np.full((2, 4, 4), 1j), "must be whole numbers or floats, got complex128"),
    ],
)
def test_pixels_of_no_known_range_are_explained(images: npt.NDArray[Any], message: str) -> None:
    with pytest.raises(UserError, match=f"`dataset`: 'images'.*{message}"):
        load_images(images)


@pytest.mark.parametrize(("opaque", "dtype"), [(255, "u1"), (65535, "u2"), (1, "f4")])
@pytest.mark.parametrize("axis", [1, 3])
def test_a_fourth_band_is_a_channel_unless_it_is_opaque_everywhere(opaque: int, dtype: str, axis: int) -> None:
    colours = (RNG.random((3, 8, 8, 3)) * opaque).astype(dtype)
    fourth = np.full((3, 8, 8, 1), opaque, dtype)
    loaded = load_images(np.moveaxis(np.concatenate([colours, fourth], 3), 3, axis))
    assert loaded.reading is not None
    assert loaded.reading.left_out == ("an opaque fourth band",)
    np.testing.assert_array_equal(loaded.images, load_images(colours).images)
    fourth[0, 0, 0] = 0
    kept = load_images(np.moveaxis(np.concatenate([colours, fourth], 3), 3, axis))
    assert kept.images.shape == (3, 4, 8, 8)
    assert kept.reading is not None
    assert "8x8 of 4 channels" in str(kept.reading)
    assert kept.reading.left_out == ()


def test_floats_need_little_memory_beside_the_result() -> None:
    images = np.zeros((10_000, 16, 16), np.float32)
    tracemalloc.start()
    try:
        load_images(images)
        assert tracemalloc.get_traced_memory()[1] < images.size + 10_000_000
    finally:
        tracemalloc.stop()


def test_dim_images_are_stretched_and_others_left_alone() -> None:
    mask = _up_to(1, "u1")
    assert to_uint8(mask, "images")[0].max() == 255
    bright = random_pixels(3, 8, 8)
    pixels, scale, said = to_uint8(bright, "images")
    assert pixels is bright
    assert (scale.white, said) == (255, None)
    unchanged, _, said = to_uint8(mask, "images", other=lambda: bright)
    np.testing.assert_array_equal(unchanged, mask)
    assert said is None
