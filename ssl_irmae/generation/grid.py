"""Pictures side by side in one PNG."""

import io
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ssl_irmae.errors import UserError

_BORDER = 2  # pixels between pictures
_LEAST_SIDE = 64  # pixels: smaller pictures are enlarged by a whole factor
_PAPER = 255
_MOST = 89_000_000  # pixels of a grid: of larger files Pillow, which opens them here too, takes an attack for possible
_GAP = 16  # pixels between grids
_LETTERS = 16  # pixels: their height in a name above a grid


def check_grid(rows: int, columns: int, side: int, given: str) -> None:
    """Check that a grid of so many pictures can be drawn and opened, before they are made.

    Args:
        rows: Of the grid.
        columns: Of the grid.
        side: Pixels of a picture's side.
        given: The arguments that say how many, with their values.

    Raises:
        UserError: If it would be too large.
    """
    step = side * _enlarged(side) + _BORDER
    if (rows * step + _BORDER) * (columns * step + _BORDER) > _MOST:
        raise UserError(
            f"{given}: a grid of {rows * columns:,} pictures is too large to be opened: about {_MOST // step**2:,} of "
            "this size are the most, so use fewer"
        )


def grid(pictures: Tensor) -> bytes:
    """Draw pictures in rows and columns; return a PNG.

    Args:
        pictures: In [0, 1], shape (rows, columns, c, s, s), with c = 1, or 3 and more, of which three are drawn.

    Raises:
        UserError: If they have two channels, of which there is no picture.
    """
    from PIL import Image

    rows, columns, channels, side, _ = pictures.shape
    if channels == 2:
        raise UserError("pictures of 2 channels cannot be drawn: only grey ones and those of three or more")
    factor = _enlarged(side)
    drawn = (255 * pictures[:, :, : 3 if channels >= 3 else 1].clamp(0, 1)).round().to(torch.uint8)
    drawn = drawn.repeat_interleave(factor, 3).repeat_interleave(factor, 4)
    step = side * factor + _BORDER
    sheet = torch.full((drawn.shape[2], rows * step + _BORDER, columns * step + _BORDER), _PAPER, dtype=torch.uint8)
    for i in range(rows):
        for j in range(columns):
            top, left = i * step + _BORDER, j * step + _BORDER
            sheet[:, top : top + side * factor, left : left + side * factor] = drawn[i, j]
    pixels = sheet.permute(1, 2, 0).squeeze(2).numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def side_by_side(grids: Mapping[str, bytes]) -> bytes:
    """Put grids into one picture, from left to right, each under its name; return a PNG.

    Args:
        grids: PNGs by name.
    """
    from PIL import Image, ImageDraw, ImageFont

    opened = {name: Image.open(io.BytesIO(png)) for name, png in grids.items()}
    mode = "L" if all(image.mode == "L" for image in opened.values()) else "RGB"
    font, top = ImageFont.load_default(_LETTERS), 2 * _LETTERS
    widths = [max(image.width, math.ceil(font.getlength(name)) + 2 * _BORDER) for name, image in opened.items()]
    width = sum(widths) + _GAP * (len(widths) - 1)
    sheet = Image.new(mode, (width, top + max(image.height for image in opened.values())), "white")
    left = 0
    for (name, image), wide in zip(opened.items(), widths, strict=True):
        ImageDraw.Draw(sheet).text((left + _BORDER, _LETTERS // 4), name, fill="black", font=font)
        sheet.paste(image, (left, top))
        left += wide + _GAP
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _enlarged(side: int) -> int:
    """Return the whole factor by which small pictures are enlarged."""
    return -(-_LEAST_SIDE // side)
