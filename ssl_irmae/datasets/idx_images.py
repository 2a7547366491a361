"""IDX files of the user's own images, with the labels and the test split beside them."""

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt

from ssl_irmae.datasets.arrays import ArraySource, from_arrays
from ssl_irmae.datasets.idx import read_idx
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.datasets.pixel_range import PixelScale
from ssl_irmae.errors import NoTestSplitError, UserError

_IMAGES = re.compile(r"images[-.]idx3-ubyte$")
_LABELS = ("labels-idx1-ubyte", "labels.idx1-ubyte", "labels-idx2-int", "labels.idx2-int")  # the last two: QMNIST
_TESTS = ("t10k", "test")  # MNIST; EMNIST and QMNIST


def load(path: Path, split: Split, like: PixelScale | None = None) -> ImageSet:
    """Load one split from IDX files named as those of MNIST, EMNIST or QMNIST, gzipped or not.

    Args:
        path: The file of training images. Beside it may be its labels (``labels-idx1`` for ``images-idx3``) and the
            test split (``t10k`` or ``test`` for ``train``).
        split: ``"train"`` or ``"test"``.
        like: How earlier images became 8 bits.

    Raises:
        NoTestSplitError: If the test split is asked for and there is none.
        UserError: If the files cannot be read, or are not of images.
    """
    files = {"images": path, "labels": _labels_of(path)}
    if "train" in path.name:
        tests = [path.with_name(path.name.replace("train", test)) for test in _TESTS]
        files["test_images"] = _first_file(form for test in tests for form in _packed_or_not(test))
        files["test_labels"] = files["test_images"] and _labels_of(files["test_images"])
        if split == "test" and files["test_images"] is None:
            raise NoTestSplitError(f"{tests[0]} does not exist: the test split would be there")
    elif split == "test":
        raise NoTestSplitError(f"{path} has no test split: name the files train-... and t10k-..., as MNIST does")
    arrays = {
        name: ArraySource(str(file), partial(_read_images if "images" in name else _read_labels, file))
        for name, file in files.items()
        if file is not None
    }
    prefix = "test_" if split == "test" else ""
    images, labels = files[f"{prefix}images"], files[f"{prefix}labels"]
    assert images is not None
    changed = []
    if _is_transposed(images):
        changed.append("EMNIST's images, which are stored transposed, turned upright")
    if labels is not None and "idx2" in labels.name:
        changed.append("the first column of the labels taken as the class")
    return from_arrays(arrays, split, name=images.stem, changed=tuple(changed), like=like)


def _labels_of(images: Path) -> Path | None:
    name = images.name.removesuffix(".gz")
    beside = [images.with_name(_IMAGES.sub(labels, name)) for labels in _LABELS if _IMAGES.search(name)]
    return _first_file(form for file in beside for form in _packed_or_not(file))


def _packed_or_not(file: Path) -> tuple[Path, Path]:
    return file, file.with_name(file.name.removesuffix(".gz") if file.suffix == ".gz" else f"{file.name}.gz")


def _first_file(files: Iterable[Path]) -> Path | None:
    return next((file for file in files if file.is_file()), None)


def _is_transposed(file: Path) -> bool:
    return file.name.lower().startswith("emnist")


def _read_images(file: Path) -> npt.NDArray[Any]:
    images = read_idx(file)
    if images.ndim != 3:
        raise UserError(f"{file}: images must have shape (n, h, w), got {images.shape}: give the file of images")
    return images.swapaxes(1, 2) if _is_transposed(file) else images


def _read_labels(file: Path) -> npt.NDArray[Any]:
    labels = read_idx(file)
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] else labels
