"""One picture from a file: opened, turned upright, made grey or colour."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ssl_irmae.errors import UserError

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
GREY = {"1", "L", "LA", "La"}


def read_picture(file: Path, *, grey: bool, image_size: int | None) -> npt.NDArray[np.uint8]:
    """Read a picture as uint8 (c, h, w)."""
    picture = _open(file)
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert("L" if grey else "RGB")
    if image_size is not None:
        picture = picture.resize((image_size, image_size), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture)
    return pixels[None] if grey else np.moveaxis(pixels, 2, 0)


def mode_of(file: Path) -> str:
    """Return the mode that a picture's header declares."""
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
