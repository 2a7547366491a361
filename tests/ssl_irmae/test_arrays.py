"""Arrays in memory are read as an archive of them is, and errors are explained."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.registry import Dataset, load_images
from ssl_irmae.errors import NoTestSplitError, UserError
from tests.ssl_irmae.pictures import RNG, random_pixels, write_npz

LABELS = np.array(["dog", "cat", "dog"])


@pytest.mark.parametrize(
    "images",
    [
        random_pixels(3, 8, 8),
        random_pixels(3, 1, 8, 8),
        random_pixels(3, 8, 8, 3),
        RNG.random((3, 8, 8), dtype=np.float32),
        torch.from_numpy(random_pixels(3, 3, 8, 8)),
        torch.rand(3, 1, 8, 8, dtype=torch.bfloat16),
    ],
)
def test_arrays_are_read_as_an_archive_of_them_is(tmp_path: Path, images: npt.NDArray[Any] | torch.Tensor) -> None:
    is_bfloat16 = isinstance(images, torch.Tensor) and images.dtype == torch.bfloat16
    array = torch.as_tensor(images).float().numpy() if is_bfloat16 else np.asarray(images)
    write_npz(tmp_path / "m.npz", {"images": array, "labels": LABELS})
    expected = load_images(tmp_path / "m.npz")
    loaded = load_images((images, LABELS))
    assert loaded.name == "arrays"
    assert loaded.fingerprint == expected.fingerprint
    assert loaded.classes == ("cat", "dog")
    unlabelled = load_images(images)
    assert unlabelled.labels is None
    assert torch.equal(unlabelled.images, expected.images)


@pytest.mark.parametrize("channels", [2, 5])
def test_images_have_any_number_of_channels(channels: int) -> None:
    images = random_pixels(3, channels, 6, 8)
    assert torch.equal(load_images(images).images, torch.from_numpy(images))
    assert torch.equal(load_images(np.moveaxis(images, 1, 3)).images, torch.from_numpy(images))


def test_both_splits_of_arrays_name_the_classes() -> None:
    dataset = (random_pixels(3, 8, 8), torch.tensor([3, 5, 9]), random_pixels(2, 8, 8), np.array([9, 3]))
    train, test = load_images(dataset), load_images(dataset, "test")
    assert train.classes == test.classes == ("3", "5", "9")
    assert train.labels is not None
    assert test.labels is not None
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1, 2], [2, 0])


@pytest.mark.parametrize("labelled", [False, True])
def test_arrays_without_test_images_have_no_test_split(digits: ImageSet, labelled: bool) -> None:
    images = random_pixels(3, 8, 8)
    datasets: list[Dataset] = [(images, LABELS)] if labelled else [images, digits]
    for dataset in datasets:
        with pytest.raises(NoTestSplitError, match="`dataset` has no test images"):
            load_images(dataset, "test")


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ((), "got an empty tuple"),
        ((random_pixels(2, 4, 4), LABELS, LABELS), "got ndarray and ndarray and ndarray"),
        ((random_pixels(2, 4, 4), ["a", "b"]), "got ndarray and list"),
        ([random_pixels(2, 4, 4), LABELS], "got list"),
        (None, "got NoneType"),
        ((random_pixels(2, 4, 4), LABELS), "one label per image"),
        ((random_pixels(2, 4, 4), np.array([0.5, 1])), "`dataset`: 'labels' must be whole numbers or names"),
        (random_pixels(16), "`dataset`: 'images' must be images of shape"),
        (random_pixels(2, 8, 8, 8), "whether its second or its last axis holds the channels cannot be known"),
        (torch.full((2, 4, 4), 300.0), "`dataset`: 'images': pixels as floats must lie"),
    ],
)
def test_unusable_arrays_are_explained(dataset: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_images(dataset)


def test_arrays_that_torch_cannot_share_are_copied() -> None:
    images = random_pixels(3, 8, 8)
    read_only = images.copy()
    read_only.flags.writeable = False
    for same in (images[::-1][::-1], read_only):
        assert torch.equal(load_images(same).images, torch.from_numpy(images)[:, None])
