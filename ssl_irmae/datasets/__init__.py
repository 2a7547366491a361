"""Sources of images: one file each, one small in-memory object from all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ssl_irmae.catalogue import CATALOGUE, default_data_dir
from ssl_irmae.datasets import celeba, digits, mnist, own, shapes
from ssl_irmae.datasets.download import Progress, no_progress
from ssl_irmae.datasets.image_set import ImageSet, as_float, fit_images
from ssl_irmae.datasets.mnist import Split
from ssl_irmae.errors import unknown_name

Load = Callable[[Split, Path, Progress], ImageSet]


@dataclass(frozen=True)
class Source:
    """Where a named set comes from.

    Args:
        image_size: Side to which its images are resized for the reference architectures, pixels.
        load: Called with split, data folder and progress.
    """

    image_size: int
    load: Load


_LOAD: dict[str, Load] = {
    "mnist": partial(mnist.load, "mnist"),
    "fashion-mnist": partial(mnist.load, "fashion-mnist"),
    "kmnist": partial(mnist.load, "kmnist"),
    "digits": lambda split, _d, _p: digits.load(split),
    "shapes": lambda split, _d, _p: shapes.load(split),
    "celeba": lambda split, data_dir, _p: celeba.load(split, data_dir),
}
SOURCES = {name: Source(listed.image_size, _LOAD[name]) for name, listed in CATALOGUE.items()}


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
