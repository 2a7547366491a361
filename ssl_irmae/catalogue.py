"""What data sets there are and where their files live, known without importing torch."""

import os
from dataclasses import dataclass
from pathlib import Path

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass(frozen=True)
class Listed:
    """What is known of a named set.

    Args:
        summary: One line for people.
        image_size: Side to which its images are resized for the reference architectures, pixels.
        folder: Where its four IDX files lie under the data folder, as torchvision lays them out; None without files
            to fetch.
    """

    summary: str
    image_size: int = 32
    folder: str | None = None


CATALOGUE: dict[str, Listed] = {
    "mnist": Listed("handwritten digits, 60,000 + 10,000, 28x28 grey, 10 classes", folder="MNIST/raw"),
    "fashion-mnist": Listed("clothes, 60,000 + 10,000, 28x28 grey, 10 classes", folder="FashionMNIST/raw"),
    "kmnist": Listed("cursive kana, 60,000 + 10,000, 28x28 grey, 10 classes", folder="KMNIST/raw"),
    "digits": Listed("scikit-learn's digits, 1,300 + 497, 8x8 grey, 10 classes; no download"),
    "shapes": Listed(
        "synthetic circles and squares, 50,000 + 10,000, 32x32 colour; intrinsic dimension 7; no download"
    ),
    "celeba": Listed("faces, 162,770 + 19,962, 64x64 colour, attributes; files must be in place", image_size=64),
}


def default_data_dir() -> Path:
    """Say where data are kept unless told otherwise: $SSL_IRMAE_DATA_DIR, or the user's cache folder."""
    import platformdirs

    chosen = os.environ.get("SSL_IRMAE_DATA_DIR")
    return Path(chosen) if chosen else platformdirs.user_cache_path("ssl-irmae") / "data"


def raw_folder(name: str, data_dir: Path) -> Path:
    """Say where the IDX files of a set live: torchvision's own layout, so that files already there are used."""
    folder = CATALOGUE[name].folder
    assert folder is not None  # only sets of IDX files are asked for
    return data_dir / folder


def missing_files(name: str, data_dir: Path) -> list[str]:
    """List the IDX files of a set that are not there yet."""
    raw = raw_folder(name, data_dir)
    return [file for file in FILES if not (raw / file).is_file()]
