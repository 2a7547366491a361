"""The user's own images: a folder of pictures, a numpy archive, IDX files."""

import contextlib
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.npyio import NpzFile
from PIL import Image, ImageOps

from ssl_irmae.datasets.idx import read_idx
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.errors import NoTestSplitError, UserError

_PICTURES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_SPLITS = ("train", "test")
_GREY = {"1", "L", "LA", "La"}


def load(path: Path, split: Split, image_size: int | None = None) -> ImageSet:
    """Load images of the user's own.

    Three forms are known:

    - a folder of pictures: flat (no labels) or with one sub-folder a class; with ``train/`` and ``test/`` above those
      where both splits are needed; all are grey only if each of them is, and what is transparent becomes white;
    - an ``.npz`` archive with ``images`` (n, h, w), (n, h, w, c) or (n, c, h, w), uint8 or floats in [0, 1], and
      optionally ``labels`` (whole numbers or names), ``test_images``, ``test_labels``;
    - an IDX file of images; the file of the same name with ``labels-idx1`` for ``images-idx3`` gives its labels, and
      with ``t10k`` for ``train`` the test split.

    Args:
        path: The folder or file.
        split: ``"train"``; ``"test"`` where the form has one.
        image_size: Side to which each picture of a folder is resized on reading, since a batch needs one size. None
            demands that they all agree already.

    Raises:
        NoTestSplitError: If there is no test split and it is asked for.
        UserError: If there is nothing there that can be read.
    """
    if path.is_dir():
        return _folder(path, split, image_size)
    if not path.is_file():
        raise UserError(f"{path} does not exist: name a folder of pictures, an .npz archive or an IDX file")
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
        raise UserError(f"{root} holds no pictures: expected files ending in {', '.join(sorted(_PICTURES))}")
    folders = sorted({f.parent.relative_to(root).as_posix() for f in files})
    if "." in folders and len(folders) > 1:
        raise UserError(
            f"{root} holds pictures both beside and inside sub-folders: use one sub-folder a class, or none at all"
        )
    grey = all(_mode(f) in _GREY for f in files)
    pictures = [_picture(f, grey=grey, image_size=image_size) for f in files]
    sizes = {p.shape for p in pictures}
    if len(sizes) > 1:
        raise UserError(f"{root} holds pictures of {len(sizes)} sizes: an image size is needed, such as 32 or 64")
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
        mode: str = picture.mode  # of the header: the pixels are not read
    if mode.startswith(("I", "F")):
        raise UserError(f"{file} has more than 8 bits a pixel (mode {mode}): scale it to 8 bits as suits it")
    return mode


def _open(file: Path) -> Image.Image:
    with _reading(file), Image.open(file) as picture:
        return ImageOps.exif_transpose(picture)  # upright, as every viewer shows it


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{file} cannot be read as a picture ({error}): mend or remove it") from error


def _archive(path: Path, split: Split) -> ImageSet:
    prefix = "test_" if split == "test" else ""
    try:
        # numpy leaves a file it opened itself open when the archive is damaged
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            members = {name: archive[name] for name in archive.files} if isinstance(archive, NpzFile) else {}
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} cannot be read as an .npz archive ({error})") from error
    arrays = {name: value for name, value in members.items() if isinstance(value, np.ndarray)}
    if f"{prefix}images" not in arrays:
        missing = NoTestSplitError if prefix and "images" in arrays else UserError
        raise missing(f"{path} has no array '{prefix}images': it has {', '.join(sorted(arrays)) or 'none'}")
    images = _as_uint8(arrays[f"{prefix}images"], path)
    labels: torch.Tensor | None = None
    classes: tuple[str, ...] = ()
    if f"{prefix}labels" in arrays:
        # both splits name the classes: an absent one must not shift the others
        given = {k: arrays[k] for k in ("labels", "test_labels") if k in arrays}
        for name, values in given.items():
            _require_labels(values, f"{path}: '{name}'")
        names = np.unique(np.concatenate(list(given.values())))
        classes = tuple(str(name) for name in names)
        labels = torch.from_numpy(np.searchsorted(names, arrays[f"{prefix}labels"]).astype(np.int64))
    return ImageSet(name=path.stem, images=torch.from_numpy(images), labels=labels, classes=classes)


def _require_labels(x: npt.NDArray[Any], name: str) -> None:
    whole = x.dtype.kind in "biuSU" or (x.dtype.kind == "f" and bool((x == np.round(x)).all()))
    if x.ndim != 1 or not whole:
        raise UserError(f"{name} must be whole numbers or names, one an image, got {x.dtype} of shape {x.shape}")


def _as_uint8(x: npt.NDArray[np.generic], path: Path) -> npt.NDArray[np.uint8]:
    if x.ndim == 3:
        x = x[:, None]
    elif x.ndim == 4 and x.shape[1] not in (1, 3) and x.shape[3] in (1, 3):
        x = np.moveaxis(x, 3, 1)
    if np.issubdtype(x.dtype, np.floating) and x.size:
        low, high = float(np.min(x)), float(np.max(x))
        if not (low >= 0 and high <= 1):
            raise UserError(f"{path}: float images must lie in [0, 1], got {low:.3g} to {high:.3g}")
        x = np.round(np.asarray(x, dtype=np.float64) * 255).astype(np.uint8)
    if x.ndim != 4 or x.dtype != np.uint8:
        raise UserError(
            f"{path}: images must be uint8 or floats in [0, 1], of shape (n, h, w), (n, h, w, c) or (n, c, h, w), "
            f"got {x.dtype} of shape {x.shape}"
        )
    return np.ascontiguousarray(x)


def _idx(path: Path, split: Split) -> ImageSet:
    if split == "test":
        if "train" not in path.name:
            raise NoTestSplitError(f"{path} names no test split: call its files train-... and t10k-..., as MNIST does")
        path = path.with_name(path.name.replace("train", "t10k"))
        if not path.is_file():
            raise NoTestSplitError(f"{path} does not exist: it would hold the test split")
    images = read_idx(path)
    if images.ndim != 3:
        raise UserError(f"{path}: images must have shape (n, h, w), got {images.shape}: name the file of images")
    labels: torch.Tensor | None = None
    classes: tuple[str, ...] = ()
    beside = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    if beside != path and beside.is_file():
        y = read_idx(beside)
        labels = torch.from_numpy(y.astype(np.int64))
        # both splits name the classes: one may lack the last
        names = {beside.name.replace("train", "t10k"), beside.name.replace("t10k", "train"), beside.name}
        files = [file for file in map(beside.with_name, names) if file.is_file()]
        classes = tuple(str(label) for label in range(1 + max(int(read_idx(f).max(initial=0)) for f in files)))
    return ImageSet(name=path.stem, images=torch.from_numpy(images)[:, None], labels=labels, classes=classes)
