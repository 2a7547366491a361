"""Random images, as archives and as files; what a person hears when they are read."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ssl_irmae._support.progress import Event, Message
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.datasets.registry import load_images

RNG = np.random.default_rng(0)


def random_pixels(*shape: int) -> npt.NDArray[np.uint8]:
    """Draw pixels of 8 bits."""
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def write_npz(path: Path, arrays: dict[str, Any]) -> None:
    """Write an archive."""
    np.savez(path, **arrays)


def write_pictures(folder: Path, *names: str, size: int = 8) -> None:
    """Write random colour pictures into a folder, each in the format of its suffix."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random_pixels(size, size, 3)).save(folder / name)


def load_and_listen(path: Path, split: Split = "train", **options: Any) -> tuple[ImageSet, str]:
    """Load images and return them with the one message about what was read."""
    heard: list[Event] = []
    images = load_images(path, split, progress=heard.append, **options)
    (message,) = heard
    assert isinstance(message, Message)
    return images, message.text


def names_of(images: ImageSet) -> list[str | None]:
    """Return the name of each image's class, None for an image without a label."""
    assert images.labels is not None
    return [None if label == -1 else images.classes[label] for label in images.labels.tolist()]
