"""One picture from a file: recognised by its content, decoded once, upright and small."""

import contextlib
import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from ssl_irmae.datasets.picture_formats import formats_for, named_as_picture
from ssl_irmae.datasets.picture_metadata import without_metadata
from ssl_irmae.datasets.pixel_range import Background

_GREY = {"1", "L", "LA", "La"}
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TRANSPARENCY = (1, 2)  # values of a TIFF's ExtraSamples that mean it


@dataclass(frozen=True, slots=True)  # there may be millions
class Picture:
    """What is known of a picture, besides its pixels.

    Args:
        file: The file that it was read from.
        mode: Of its pixels: L or RGB; RGBA if some of it is transparent; F if it has more than 8 bits, with its own
            values.
        size: Width and height in pixels, upright, before it was resized.
        grey: Whether it is grey.
        brightest: The largest value of a picture of more than 8 bits; None for others.
        floats: Whether it held floats from 0 to 1.
        cut: Whether it held colours of 16 bits, of which the upper 8 were read.
        blank_on: The background on which a picture with transparency would be of one colour, if there is one.
        further_pages: How many further pages or frames the file holds.
        further_bands: How many bands it holds that are neither colour nor transparency.
    """

    file: Path
    mode: str
    size: tuple[int, int]
    grey: bool
    brightest: int | None = None
    floats: bool = False
    cut: bool = False
    blank_on: Background | None = None
    further_pages: int = 0
    further_bands: int = 0


class UnreadableError(Exception):
    """A file should be a picture, and its pixels cannot be used."""


def read_picture(file: Path, *, image_size: int | None) -> tuple[Picture, Image.Image] | None:
    """Read a picture; only pixels and a readable orientation matter, not the rest of its metadata.

    Args:
        file: The file, in any format whose pixels Pillow reads by itself.
        image_size: Side in pixels to which it is resized, or None.

    Returns:
        What is known of the picture, and its pixels before what depends on all pictures of its set; None if neither
        name nor content is that of a picture.

    Raises:
        UnreadableError: If it should be a picture and its pixels cannot be used; the message is the reason.
    """
    named = named_as_picture(file)
    formats = formats_for(file)
    try:
        stream = file.open("rb")  # a file that Pillow opens itself stays open when the picture is damaged
    except OSError as error:
        raise UnreadableError(_reason(error)) from error
    with stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's are about metadata and size
        identified = named
        try:
            opened = Image.open(stream, formats=formats)
            identified = True
            return _read(file, opened, image_size)
        except UnreadableError:
            raise
        except Exception as error:  # a damaged file can raise nearly anything
            clean = without_metadata(stream)
            if clean is not None:
                with contextlib.suppress(Exception):
                    return _read(file, Image.open(io.BytesIO(clean)), image_size)
            elif not identified and not isinstance(error, Image.DecompressionBombError):
                return None
            raise UnreadableError(_reason(error)) from error


def _read(file: Path, opened: Image.Image, image_size: int | None) -> tuple[Picture, Image.Image]:
    further_pages = 0 if opened.format == "PSD" else getattr(opened, "n_frames", 1) - 1  # PSD: layers
    cut = any(";16" in str(tile[3]) for tile in getattr(opened, "tile", []))
    opened.load()
    upright = _upright(opened)
    further_bands, transparent = _bands(opened)
    if opened.mode.startswith(("I", "F")):
        picture, image = _deep(file, opened)
    elif transparent:
        picture, image = _with_transparency(file, opened)
    else:
        grey = opened.mode in _GREY
        image = opened.convert("L" if grey else "RGB")
        picture = Picture(file, image.mode, image.size, grey)
    image = image if upright is None else image.transpose(upright)
    small = image if image_size is None else image.resize((image_size, image_size), Image.Resampling.BILINEAR)
    known = replace(
        picture,
        size=image.size,
        cut=cut and picture.brightest is None,
        further_pages=further_pages,
        further_bands=further_bands,
    )
    return known, small


def _deep(file: Path, opened: Image.Image) -> tuple[Picture, Image.Image]:
    """Read a picture of more than 8 bits with its own values: what they mean depends on the whole set."""
    values = np.asarray(opened)
    low, high = float(values.min()), float(values.max())
    if opened.mode == "F":
        if not (low >= 0 and high <= 1):
            raise UnreadableError(f"its floats lie between {low:.3g} and {high:.3g}, not between 0 and 1")
        image = Image.fromarray(np.round(values * 255).astype(np.uint8))
        return Picture(file, image.mode, opened.size, grey=True, floats=True), image
    if low < 0 or high > 65535:
        raise UnreadableError(f"its values lie between {low:.0f} and {high:.0f}, not between 0 and 65535")
    image = Image.fromarray(values.astype(np.float32))
    return Picture(file, image.mode, opened.size, grey=True, brightest=int(high)), image


def _with_transparency(file: Path, opened: Image.Image) -> tuple[Picture, Image.Image]:
    grey = opened.mode in _GREY
    image = opened.convert("RGBA")
    if image.getchannel("A").getextrema() == (255, 255):  # a file may have the band and not use it
        opaque = image.convert("L" if grey else "RGB")
        return Picture(file, opaque.mode, image.size, grey), opaque
    blank: list[Background] = [background for background in ("white", "black") if _is_blank(image, background)]
    return Picture(file, image.mode, image.size, grey, blank_on=blank[0] if len(blank) == 1 else None), image


def _is_blank(image: Image.Image, background: Background) -> bool:
    extrema = Image.alpha_composite(Image.new("RGBA", image.size, background), image).getextrema()
    return all(low == high for low, high in extrema)  # type: ignore[misc]  # pairs, as the image has several bands


def _bands(opened: Image.Image) -> tuple[int, bool]:
    """Return how many bands are neither colour nor transparency, and whether there is transparency."""
    transparent = opened.has_transparency_data
    if not isinstance(opened, TiffImagePlugin.TiffImageFile):
        return 0, transparent
    extra = opened.tag_v2.get(TiffImagePlugin.EXTRASAMPLES, ())
    first = extra[0] if isinstance(extra, tuple) and extra else extra
    has_band = opened.mode[-1] in "Aa"
    if has_band and first not in _TRANSPARENCY:  # Pillow takes any fourth band for transparency
        transparent = False
    used = len(opened.getbands()) - (has_band and not transparent)
    return max(0, int(opened.tag_v2.get(TiffImagePlugin.SAMPLESPERPIXEL, 1)) - used), transparent


def _upright(opened: Image.Image) -> Image.Transpose | None:
    try:
        return _UPRIGHT.get(opened.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata can raise nearly anything, and a picture without it is upright
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels"
    if isinstance(error, UnidentifiedImageError):
        return "damaged, or of a kind that Pillow cannot read"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
