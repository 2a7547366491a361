"""The user's own images: a folder of pictures, a numpy archive or array, IDX files; or rows of numbers."""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ssl_irmae.datasets import archive, array_file, folder, idx_images, tables
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.datasets.picture_formats import looks_like_picture
from ssl_irmae.datasets.pixel_range import PixelScale, to_uint8
from ssl_irmae.errors import UserError


def load(
    path: Path,
    split: Split,
    *,
    image_size: int | None = None,
    labels_from: Path | None = None,
    classes: Sequence[str] | None = None,
    labelled: bool = True,
    like: PixelScale | None = None,
) -> ImageSet:
    """Load the user's own images.

    Five forms are known:

    - a folder of pictures: flat (no labels) or with one folder per class, below ``train/`` and ``test/`` where there
      are two splits; or ``labelled/`` with one folder per class beside ``unlabelled/``; or with a table of labels. The
      set is grey only if every picture is;
    - an ``.npz`` archive with ``images`` and optionally ``labels``, ``test_images`` and ``test_labels``, as in
      ``from_arrays``;
    - a ``.npy`` file of such ``images`` alone;
    - a ``.csv`` or ``.tsv`` file of rows of numbers, as in ``tables``;
    - an IDX file of images. Its labels are in the file of the same name with ``labels-idx1`` for ``images-idx3``, its
      test split in that with ``t10k`` for ``train``.

    Args:
        path: The folder or file.
        split: ``"train"``; ``"test"`` where there is a test split.
        image_size: Side in pixels to which each picture of a folder is resized on reading, since a batch needs one
            size. With None, all pictures must have the same size already.
        labels_from: A CSV or TSV file with the columns ``path`` and ``label``, which names the classes of a folder's
            pictures; the names of folders are then no classes.
        classes: The labels that may be in that table; None takes all that do not look like slips of others.
        labelled: Whether folders in a folder name classes; else they may be of any kind, and no picture has a label.
        like: How earlier images became 8 bits: these become so too.

    Raises:
        NoTestSplitError: If the test split is asked for and there is none.
        UserError: If nothing there can be read.
    """
    if path.is_dir():
        other: Split = "test" if split == "train" else "train"

        def load_split(which: Split) -> ImageSet:
            return folder.load(path, which, image_size, labels_from, classes, labelled=labelled, like=like)

        def pixels_of_other() -> npt.NDArray[np.uint8] | None:
            with contextlib.suppress(UserError):  # loading that split reports what is wrong with it
                return load_split(other).images.numpy()
            return None

        return _stretched(load_split(split), pixels_of_other, like)
    if not path.is_file():
        raise UserError(f"{path} does not exist: give a folder of pictures, an .npz, a .npy, a .csv or an IDX file")
    if labels_from is not None:
        raise UserError(f"`labels_from` names the pictures of a folder, and {path} is a file: leave it out")
    if path.suffix == ".npz":
        return archive.load(path, split, like)
    if path.suffix == ".npy":
        return array_file.load(path, split, like)
    if tables.is_table(path):
        return tables.load(path, split)
    if looks_like_picture(path):
        raise UserError(f"{path} is a single picture: give the folder that it is in")
    if path.suffix.lower() in (".zip", ".tar", ".tgz", ".7z", ".rar"):
        raise UserError(f"{path} is neither a folder of pictures nor an .npz nor an IDX file: unpack it first")
    return idx_images.load(path, split, like)


def _stretched(
    images: ImageSet, other: Callable[[], npt.NDArray[np.uint8] | None], like: PixelScale | None
) -> ImageSet:
    """Stretch pictures of masks or of few grey levels, which would be black; both splits alike."""
    pixels, stretched, changed = to_uint8(images.images.numpy(), images.name, other, like)
    reading = images.reading
    assert images.scale is not None
    images = dataclasses.replace(images, scale=dataclasses.replace(images.scale, white=stretched.white))
    if changed is None or reading is None:
        return images
    reading = dataclasses.replace(reading, changed=(*reading.changed, changed))
    return dataclasses.replace(images, images=torch.from_numpy(pixels), reading=reading)
