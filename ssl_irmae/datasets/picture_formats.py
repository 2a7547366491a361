"""Which files are pictures: every raster format that Pillow reads by itself, by content rather than by name."""

import contextlib
import functools
import logging
import warnings
from pathlib import Path

from PIL import Image

logging.getLogger("PIL").addHandler(logging.NullHandler())  # what matters raises; it need not be printed too

_OTHER_PROGRAM = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}  # Pillow leaves their pixels to another program
# pictures to a person, unknown to Pillow
_OTHER_SUFFIXES = {".heic", ".heif", ".jxl", ".arw", ".cr2", ".cr3", ".nef", ".orf", ".raf", ".rw2"}


def named_as_picture(file: Path) -> bool:
    """Return whether a file's name says that it is a picture."""
    return file.suffix.lower() in _suffixes()


def formats_for(file: Path) -> tuple[str, ...]:
    """List the formats to try on a file; those without a signature only if its name says that it is a picture."""
    return _formats() if named_as_picture(file) else _with_signature()


def looks_like_picture(file: Path) -> bool:
    """Return whether a file's name or content is that of a picture."""
    if named_as_picture(file):
        return True
    with contextlib.suppress(Exception), file.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.open(stream, formats=formats_for(file))
        return True
    return False


def is_archive_or_idx(file: Path) -> bool:
    """Return whether a file's name says that it is images of another form: an archive, an array or an IDX file."""
    return file.suffix.lower() in (".npz", ".npy") or ("images" in file.name and "idx3" in file.name)


@functools.cache
def _with_signature() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in Image.ID if name not in _OTHER_PROGRAM and Image.OPEN[name][1] is not None)


@functools.cache
def _formats() -> tuple[str, ...]:
    signed = _with_signature()
    return (*signed, *(name for name in Image.ID if Image.OPEN[name][1] is None))


@functools.cache
def _suffixes() -> frozenset[str]:
    readable = _formats()
    return frozenset(s for s, name in Image.registered_extensions().items() if name in readable) | _OTHER_SUFFIXES
