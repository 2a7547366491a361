"""One self-contained HTML page of pictures with captions, which requests nothing from the network."""

import base64
import contextlib
import importlib.resources
import io
import os
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from PIL import Image
from torch import Tensor

from ssl_irmae.datasets.registry import Dataset

_SIDE = 96  # pixels


@dataclass(frozen=True)
class Shown:
    """A picture on a page.

    Args:
        path: Its name below the picture.
        image: uint8, shape (c, h, w); of many channels the first three are shown, of two the first.
        caption: Lines below the name.
        flag: A few words that make it stand out, such as ``"below 0.5"``; None for most pictures.
        file: Path of the picture itself, relative to the page, with slashes; None if there is no file to link to.
    """

    path: str
    image: Tensor
    caption: tuple[str, ...] = ()
    flag: str | None = None
    file: str | None = None


def pictures_page(
    title: str, lines: Sequence[str], pictures: Sequence[Shown], *, details: Sequence[str] = (), most: int = 200
) -> str:
    """Write a page of pictures, the first ones of very many, and say how many of how many it shows.

    Paths and captions are shown as text, whatever they contain. Pictures are at most 96 pixels wide and high; smaller
    ones are enlarged in whole steps, pixel by pixel.

    Args:
        title: Title and heading.
        lines: Paragraphs below the heading.
        pictures: All there are, the most important first.
        details: Paragraphs of fine print, folded away.
        most: How many are shown at most.

    Returns:
        The page, which can be written as UTF-8.
    """
    source = importlib.resources.files("ssl_irmae.protocols.labelling.page") / "pictures.html.j2"
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(source.read_text(encoding="utf-8")).render(
        title=title,
        lines=lines,
        details=details,
        pictures=[(picture, _thumbnail(picture.image), _quoted(picture.file)) for picture in pictures[:most]],
        total=len(pictures),
    )
    return page.encode("utf-8", "replace").decode()  # a file's name may hold bytes that are not UTF-8


def link(dataset: Dataset, path: str, folder: Path) -> str | None:
    """Find a picture's file as seen from the folder of a page; None if the picture is not a file of its own."""
    if not isinstance(dataset, str | Path) or not (Path(dataset) / path).is_file():
        return None
    with contextlib.suppress(ValueError):  # there is no way from one drive of Windows to another
        return Path(os.path.relpath(Path(dataset).resolve() / path, folder.resolve())).as_posix()
    return None


@dataclass(frozen=True)
class _Thumbnail:
    png: str
    width: int
    height: int
    enlarged: bool


def _thumbnail(image: Tensor) -> _Thumbnail:
    pixels = image[: 3 if len(image) >= 3 else 1].cpu().permute(1, 2, 0).numpy()
    picture = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    factor = max(1, _SIDE // max(picture.size))
    width, height = (factor * side for side in picture.size)
    return _Thumbnail(base64.b64encode(buffer.getvalue()).decode(), width, height, factor > 1)


def _quoted(file: str | None) -> str | None:
    # quoting the colon keeps a name such as "javascript:x" a name
    return None if file is None else urllib.parse.quote(file, errors="surrogateescape")
