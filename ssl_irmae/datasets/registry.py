"""The named data sets, where their files live, and loading by name or path. Listing them imports no torch."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_irmae.errors import unknown_name

if TYPE_CHECKING:
    from ssl_irmae.datasets.download import Progress
    from ssl_irmae.datasets.image_set import ImageSet, Split

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


Load = Callable[["Split", Path, "Progress"], "ImageSet"]


@dataclass(frozen=True)
class Named:
    """A named data set.

    Args:
        summary: One line for people.
        load: Loads one split, given the data folder and a progress callback.
        image_size: Side to which its images are resized for the paper's networks, in pixels.
        folder: Where its four IDX files lie under the data folder, as torchvision lays them out; None if it has no
            files to fetch.
    """

    summary: str
    load: Load
    image_size: int = 32
    folder: str | None = None


def _idx_files(name: str) -> Load:
    def load(split: "Split", data_dir: Path, progress: "Progress") -> "ImageSet":
        from ssl_irmae.datasets import mnist

        return mnist.load(name, split, data_dir, progress)

    return load


def _digits(split: "Split", _data_dir: Path, _progress: "Progress") -> "ImageSet":
    from ssl_irmae.datasets import digits

    return digits.load(split)


def _shapes(split: "Split", _data_dir: Path, _progress: "Progress") -> "ImageSet":
    from ssl_irmae.datasets import shapes

    return shapes.load(split)


def _celeba(split: "Split", data_dir: Path, _progress: "Progress") -> "ImageSet":
    from ssl_irmae.datasets import celeba

    return celeba.load(split, data_dir)


DATASETS: dict[str, Named] = {
    "mnist": Named(
        "handwritten digits, 60,000 + 10,000, 28x28 grey, 10 classes", _idx_files("mnist"), folder="MNIST/raw"
    ),
    "fashion-mnist": Named(
        "clothes, 60,000 + 10,000, 28x28 grey, 10 classes", _idx_files("fashion-mnist"), folder="FashionMNIST/raw"
    ),
    "kmnist": Named("cursive kana, 60,000 + 10,000, 28x28 grey, 10 classes", _idx_files("kmnist"), folder="KMNIST/raw"),
    "digits": Named("scikit-learn's digits, 1,300 + 497, 8x8 grey, 10 classes; no download", _digits),
    "shapes": Named(
        "synthetic circles and squares, 50,000 + 10,000, 32x32 colour; intrinsic dimension 7; no download", _shapes
    ),
    "celeba": Named(
        "faces, 162,770 + 19,962, 64x64 colour, attributes; files must be in place", _celeba, image_size=64
    ),
}


def default_data_dir() -> Path:
    """Say where data are kept unless told otherwise: $SSL_IRMAE_DATA_DIR, or the user's cache folder."""
    import platformdirs

    chosen = os.environ.get("SSL_IRMAE_DATA_DIR")
    return Path(chosen) if chosen else platformdirs.user_cache_path("ssl-irmae") / "data"


def raw_folder(name: str, data_dir: Path) -> Path:
    """Say where the IDX files of a set live: torchvision's own layout, so that files already there are used."""
    folder = DATASETS[name].folder
    assert folder is not None  # only sets of IDX files are asked for
    return data_dir / folder


def missing_files(name: str, data_dir: Path) -> list[str]:
    """List the IDX files of a set that are not there yet."""
    raw = raw_folder(name, data_dir)
    return [file for file in FILES if not (raw / file).is_file()]


def load_images(
    name_or_path: str,
    split: "Split" = "train",
    *,
    data_dir: Path | None = None,
    image_size: int | None = None,
    progress: "Progress | None" = None,
) -> "ImageSet":
    """Load one split of a named set, or the user's own images.

    Args:
        name_or_path: A name in ``DATASETS``, or a path (see ``load``).
        split: ``"train"`` or ``"test"``.
        data_dir: Folder for downloads; ``default_data_dir`` unless given.
        image_size: For a folder of pictures, the side to which each is resized on reading.
        progress: Called while fetching.

    Raises:
        UserError: If the name is unknown and no such path exists, or if the images cannot be had.

    >>> load_images("digits").images.shape
    torch.Size([1300, 1, 8, 8])
    """
    from ssl_irmae.datasets import own
    from ssl_irmae.datasets.download import no_progress

    if name_or_path in DATASETS:
        return DATASETS[name_or_path].load(split, data_dir or default_data_dir(), progress or no_progress)
    path = Path(name_or_path)
    if not path.exists() and path.name == name_or_path and not path.suffix:
        raise unknown_name("dataset", name_or_path, DATASETS)
    return own.load(path, split, image_size)
