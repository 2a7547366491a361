"""A folder of pictures: which files are pictures, of which class, in which split."""

import os
from pathlib import Path

import numpy as np
import torch

from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.datasets.pictures import GREY, SUFFIXES, mode_of, read_picture
from ssl_irmae.errors import NoTestSplitError, UserError

_SPLITS = ("train", "test")


def load(path: Path, split: Split, image_size: int | None) -> ImageSet:
    """Load one split from a folder of pictures."""
    has_splits = any((path / name).is_dir() for name in _SPLITS)
    if split == "test" and not (path / "test").is_dir():
        raise NoTestSplitError(f"{path} has no test/ folder: put pictures into {path}/train and {path}/test")
    root = path / split if has_splits else path
    found = (Path(folder, name) for folder, _, names in os.walk(root, followlinks=True) for name in names)
    files = sorted(f for f in found if f.suffix.lower() in SUFFIXES)
    if not files:
        raise UserError(f"{root} contains no pictures: expected files ending in {', '.join(sorted(SUFFIXES))}")
    folders = sorted({f.parent.relative_to(root).as_posix() for f in files})
    if "." in folders and len(folders) > 1:
        raise UserError(
            f"{root} contains pictures both beside and inside sub-folders: use one sub-folder per class, or none at all"
        )
    grey = all(mode_of(f) in GREY for f in files)
    pictures = [read_picture(f, grey=grey, image_size=image_size) for f in files]
    sizes = {p.shape for p in pictures}
    if len(sizes) > 1:
        raise UserError(f"{root} contains pictures of {len(sizes)} sizes: set `image_size`, such as 32 or 64")
    labels = None
    if folders != ["."]:
        order = {name: i for i, name in enumerate(folders)}
        labels = torch.tensor([order[f.parent.relative_to(root).as_posix()] for f in files])
    return ImageSet(
        name=path.resolve().name,
        images=torch.from_numpy(np.stack(pictures)),
        labels=labels,
        classes=() if labels is None else tuple(folders),
        paths=tuple(f.relative_to(root).as_posix() for f in files),
    )
