"""The user's own images: a folder of pictures, a numpy archive, IDX files."""

import contextlib
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.npyio import NpzFile
from PIL import Image, ImageOps

from ssl_irmae.datasets.arrays import from_arrays
from ssl_irmae.datasets.idx import read_idx
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.errors import NoTestSplitError, UserError

_PICTURES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_SPLITS = ("train", "test")
_GREY = {"1", "L", "LA", "La"}


def load(path: Path, split: Split, image_size: int | None = None) -> ImageSet:
    """Load the user's own images.

    Three forms are known:

    - a folder of pictures: flat (no labels) or with one sub-folder per class, below ``train/`` and ``test/`` where
      there are two splits. The set is grey only if every picture is; transparent areas become white.
    - an ``.npz`` archive with ``images`` and optionally ``labels``, ``test_images`` and ``test_labels``, as in
      ``from_arrays``;
    - an IDX file of images. Its labels are in the file of the same name with ``labels-idx1`` for ``images-idx3``, its
      test split in that with ``t10k`` for ``train``.

    Args:
        path: The folder or file.
        split: ``"train"``; ``"test"`` where there is a test split.
        image_size: Side in pixels to which each picture of a folder is resized on reading, since a batch needs one
            size. With None, all pictures must have the same size already.

    Raises:
        NoTestSplitError: If the test split is asked for and there is none.
        UserError: If nothing there can be read.
    """
    if path.is_dir():
        return _folder(path, split, image_size)
    if not path.is_file():
        raise UserError(f"{path} does not exist: give a folder of pictures, an .npz archive or an IDX file")
    if path.suffix == ".npz":
        return _archive(path, split)
    return _idx(path, split)


def _folder(path: Path, split: Split, image_size: int | None) -> ImageSet:
    has_splits = any((path / name).is_dir() for name in _SPLITS)
    if split == "test" and not (path / "test").is_dir():
        raise NoTestSplitError(f"{path} has no test/ folder: put pictures into {path}/train and {path}/test")
    root = path / split if has_splits else path
    found = (Path(folder, name) for folder, _, names in os.walk(root, followlinks=True) for name in names)
    files = sorted(f for f in found if f.suffix.lower() in _PICTURES)
    if not files:
        raise UserError(f"{root} contains no pictures: expected files ending in {', '.join(sorted(_PICTURES))}")
    folders = sorted({f.parent.relative_to(root).as_posix() for f in files})
    if "." in folders and len(folders) > 1:
        raise UserError(
            f"{root} contains pictures both beside and inside sub-folders: use one sub-folder per class, or none at all"
        )
    grey = all(_mode(f) in _GREY for f in files)
    pictures = [_picture(f, grey=grey, image_size=image_size) for f in files]
    sizes = {p.shape for p in pictures}
    if len(sizes) > 1:
        raise UserError(f"{root} contains pictures of {len(sizes)} sizes: set `image_size`, such as 32 or 64")
    labels = None
    if folders != ["."]:
        order = {name: i for i, name in enumerate(folders)}
        labels = torch.tensor([order[f.parent.relative_to(root).as_posix()] for f in files])
    return ImageSet(
        name=path.resolve().name,
        images=torch.from_numpy(np.stack(pictures)),
        labels=labels,
        classes=() if labels is None else tuple(folders),
        paths=tuple(f.relative_to(root).as_posix() for f in files),
    )


def _picture(file: Path, *, grey: bool, image_size: int | None) -> npt.NDArray[np.uint8]:
    picture = _open(file)
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert("L" if grey else "RGB")
    if image_size is not None:
        picture = picture.resize((image_size, image_size), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture)
    return pixels[None] if grey else np.moveaxis(pixels, 2, 0)


def _mode(file: Path) -> str:
    with _reading(file), Image.open(file) as picture:
        mode: str = picture.mode  # from the header: no pixel is read
    if mode.startswith(("I", "F")):
        raise UserError(f"{file} has more than 8 bits per pixel (mode {mode}): convert it to 8 bits first")
    return mode


def _open(file: Path) -> Image.Image:
    with _reading(file), Image.open(file) as picture:
        return ImageOps.exif_transpose(picture)  # upright, as every viewer shows it


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{file} cannot be read as a picture ({error}): repair or remove it") from error


def _archive(path: Path, split: Split) -> ImageSet:
    prefix = "test_" if split == "test" else ""
    try:
        # a file that numpy opens itself stays open when the archive is damaged
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            members = {name: archive[name] for name in archive.files} if isinstance(archive, NpzFile) else {}
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} cannot be read as an .npz archive ({error})") from error
    arrays = {name: value for name, value in members.items() if isinstance(value, np.ndarray)}
    if f"{prefix}images" not in arrays:
        missing = NoTestSplitError if prefix and "images" in arrays else UserError
        raise missing(f"{path} has no array '{prefix}images': it has {', '.join(sorted(arrays)) or 'none'}")
    return from_arrays(arrays, split, name=path.stem, source=str(path))


def _idx(path: Path, split: Split) -> ImageSet:
    if split == "test":
        if "train" not in path.name:
            raise NoTestSplitError(f"{path} has no test split: name the files train-... and t10k-..., as MNIST does")
        path = path.with_name(path.name.replace("train", "t10k"))
        if not path.is_file():
            raise NoTestSplitError(f"{path} does not exist: the test split would be there")
    images = read_idx(path)
    if images.ndim != 3:
        raise UserError(f"{path}: images must have shape (n, h, w), got {images.shape}: give the file of images")
    labels: torch.Tensor | None = None
    classes: tuple[str, ...] = ()
    beside = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    if beside != path and beside.is_file():
        y = read_idx(beside)
        labels = torch.from_numpy(y.astype(np.int64))
        # both splits name the classes: one may lack the last class
        names = {beside.name.replace("train", "t10k"), beside.name.replace("t10k", "train"), beside.name}
        files = [file for file in map(beside.with_name, names) if file.is_file()]
        classes = tuple(str(label) for label in range(1 + max(int(read_idx(f).max(initial=0)) for f in files)))
    return ImageSet(name=path.stem, images=torch.from_numpy(images)[:, None], labels=labels, classes=classes)
