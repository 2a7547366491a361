"""Where the IDX files of MNIST and its replacements are kept; importing this imports neither torch nor numpy."""

from pathlib import Path

from ssl_irmae._support.files import is_file

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
SIZES = dict(zip(FILES, (47_040_016, 60_008, 7_840_016, 10_008), strict=True))
"""Bytes of each file, the same in all three sets: a header, and an image or a label after the other."""
_FOLDERS = {"mnist": "MNIST/raw", "fashion-mnist": "FashionMNIST/raw", "kmnist": "KMNIST/raw"}


def raw_folder(name: str, data_dir: Path) -> Path:
    """Return the folder of a set's IDX files: torchvision's layout, so that files fetched by it are used."""
    return data_dir / _FOLDERS[name]


def missing_files(name: str, data_dir: Path) -> list[str]:
    """List the IDX files of a set that have not been fetched yet."""
    raw = raw_folder(name, data_dir)
    return [file for file in FILES if not is_file(raw / file)]
