"""IDX files of the user's own images, with the labels and the test split beside them."""

from pathlib import Path

import numpy as np
import torch

from ssl_irmae.datasets.idx import read_idx
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.errors import NoTestSplitError, UserError


def load(path: Path, split: Split) -> ImageSet:
    """Load one split from IDX files."""
    if split == "test":
        if "train" not in path.name:
            raise NoTestSplitError(f"{path} has no test split: name the files train-... and t10k-..., as MNIST does")
        path = path.with_name(path.name.replace("train", "t10k"))
        if not path.is_file():
            raise NoTestSplitError(f"{path} does not exist: the test split would be there")
    images = read_idx(path)
    if images.ndim != 3:
        raise UserError(f"{path}: images must have shape (n, h, w), got {images.shape}: give the file of images")
    labels: torch.Tensor | None = None
    classes: tuple[str, ...] = ()
    beside = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    if beside != path and beside.is_file():
        y = read_idx(beside)
        labels = torch.from_numpy(y.astype(np.int64))
        # both splits name the classes: one may lack the last class
        names = {beside.name.replace("train", "t10k"), beside.name.replace("t10k", "train"), beside.name}
        files = [file for file in map(beside.with_name, names) if file.is_file()]
        classes = tuple(str(label) for label in range(1 + max(int(read_idx(f).max(initial=0)) for f in files)))
    return ImageSet(name=path.stem, images=torch.from_numpy(images)[:, None], labels=labels, classes=classes)
