"""The pictures of the measurements here: 5,000 test images as PNG files, and tables of labels drawn at random.

The settings behind ``classify`` and ``suggest`` were chosen on training images, so these are new to every choice.
"""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.protocols.subsets import Subset, draw_subset

SETS = ("mnist", "fashion-mnist")
N = 5000
WORK = Path("runs/few-labels")


def chosen_images(name: str, split: str = "test") -> ImageSet:
    """Return 5,000 images of a set, the same ones every time, with all their labels."""
    images = load_images(name, "test" if split == "test" else "train")
    assert images.labels is not None
    part = np.random.default_rng(16).permutation(len(images))[:N]
    paths = tuple(f"{i:05}.png" for i in part)
    return ImageSet(name, images.images[part], images.labels[part], images.classes, paths=paths)


def draw(images: ImageSet, labels: int, seed: int) -> Subset:
    """Draw so many labels, equally many of each class."""
    assert images.labels is not None
    return draw_subset(images.labels.numpy(), fingerprint=images.fingerprint, budget=labels, seed=seed, rule="balanced")


def write_pictures(images: ImageSet, folder: Path) -> None:
    """Write the images as PNG files, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, pixels in zip(images.paths, images.images[:, 0].numpy(), strict=True):
        if not (folder / path).is_file():
            Image.fromarray(pixels).save(folder / path)


def write_table(images: ImageSet, positions: np.ndarray, file: Path) -> None:
    """Write the labels of a few images as the table that ``--labels-from`` takes."""
    assert images.labels is not None
    with file.open("w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        writer.writerow(("path", "label"))
        writer.writerows((images.paths[i], images.classes[int(images.labels[i])]) for i in positions)


def append_row(file: Path, row: dict[str, object]) -> None:
    """Add a row to a CSV, which gets its header with the first."""
    new = not file.is_file()
    with file.open("a", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def finished(file: Path, *columns: str) -> set[tuple[str, ...]]:
    """Read which rows a CSV has already, by some of its columns."""
    if not file.is_file():
        return set()
    with file.open(newline="", encoding="utf-8") as table:
        return {tuple(row[column] for column in columns) for row in csv.DictReader(table)}
