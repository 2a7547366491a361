"""Sources of images: one file each, one small in-memory object from all of them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ssl_irmae.datasets import celeba, digits, mnist, own, shapes
from ssl_irmae.datasets.download import Progress, no_progress
from ssl_irmae.datasets.image_set import ImageSet, as_float, fit_images
from ssl_irmae.datasets.mnist import Split
from ssl_irmae.errors import unknown_name


@dataclass(frozen=True)
class Source:
    """Where a named set comes from.

    Args:
        summary: One line for people.
        image_size: Side to which its images are resized for the reference architectures, pixels.
        load: Called with split, data folder and progress.
        files: The name under which :mod:`ssl_irmae.datasets.mnist` fetches and verifies it, or None.
    """

    summary: str
    image_size: int
    load: Callable[[Split, Path, Progress], ImageSet]
    files: str | None = None


def _idx_source(name: str, summary: str) -> Source:
    return Source(summary, 32, lambda split, folder, progress: mnist.load(name, split, folder, progress), name)


SOURCES: dict[str, Source] = {
    "mnist": _idx_source("mnist", "handwritten digits, 60,000 + 10,000, 28x28 grey, 10 classes"),
    "fashion-mnist": _idx_source("fashion-mnist", "clothes, 60,000 + 10,000, 28x28 grey, 10 classes"),
    "kmnist": _idx_source("kmnist", "cursive kana, 60,000 + 10,000, 28x28 grey, 10 classes"),
    "digits": Source(
        "scikit-learn's digits, 1,300 + 497, 8x8 grey, 10 classes; no download", 32, lambda s, _d, _p: digits.load(s)
    ),
    "shapes": Source(
        "synthetic circles and squares, 50,000 + 10,000, 32x32 colour; intrinsic dimension 7; no download",
        32,
        lambda s, _d, _p: shapes.load(s),
    ),
    "celeba": Source(
        "faces, 162,770 + 19,962, 64x64 colour, attributes; files must be in place",
        64,
        lambda s, d, _p: celeba.load(s, d),
    ),
}


def default_data_dir() -> Path:
    """Say where data are kept unless told otherwise: $SSL_IRMAE_DATA_DIR, or the user's cache folder."""
    chosen = os.environ.get("SSL_IRMAE_DATA_DIR")
    return Path(chosen) if chosen else platformdirs.user_cache_path("ssl-irmae") / "data"


def load_images(
    name_or_path: str,
    split: Split = "train",
    *,
    data_dir: Path | None = None,
    image_size: int | None = None,
    progress: Progress = no_progress,
) -> ImageSet:
    """Load one split of a named set, or the user's own images.

    Args:
        name_or_path: A name in :data:`SOURCES`, or a path (see :func:`ssl_irmae.datasets.own.load`).
        split: ``"train"`` or ``"test"``.
        data_dir: Folder for downloads; :func:`default_data_dir` unless given.
        image_size: For a folder of pictures, the side to which each is resized on reading.
        progress: Called while fetching.

    Raises:
        UserError: If the name is unknown and no such path exists, or if the images cannot be had.

    >>> load_images("digits").images.shape
    torch.Size([1300, 1, 8, 8])
    """
    if name_or_path in SOURCES:
        return SOURCES[name_or_path].load(split, data_dir or default_data_dir(), progress)
    path = Path(name_or_path)
    if not path.exists() and path.name == name_or_path and not path.suffix:
        raise unknown_name("dataset", name_or_path, SOURCES)
    return own.load(path, split, image_size)


__all__ = [
    "SOURCES",
    "ImageSet",
    "Source",
    "Split",
    "as_float",
    "default_data_dir",
    "fit_images",
    "load_images",
]
