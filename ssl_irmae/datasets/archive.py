"""An .npz archive of images and labels."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from ssl_irmae.datasets.arrays import from_arrays
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.errors import NoTestSplitError, UserError


def load(path: Path, split: Split) -> ImageSet:
    """Load one split from an .npz archive."""
    prefix = "test_" if split == "test" else ""
    try:
        # a file that numpy opens itself stays open when the archive is damaged
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            members = {name: archive[name] for name in archive.files} if isinstance(archive, NpzFile) else {}
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} cannot be read as an .npz archive ({error})") from error
    arrays = {name: value for name, value in members.items() if isinstance(value, np.ndarray)}
    if f"{prefix}images" not in arrays:
        missing = NoTestSplitError if prefix and "images" in arrays else UserError
        raise missing(f"{path} has no array '{prefix}images': it has {', '.join(sorted(arrays)) or 'none'}")
    return from_arrays(arrays, split, name=path.stem, source=str(path))
