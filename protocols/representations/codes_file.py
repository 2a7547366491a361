"""Codes from an .npz archive, as ``ssl-irmae encode`` writes it, or from arrays in memory."""

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae.datasets.archive import open_archive
from ssl_irmae.datasets.arrays import Array, ArraySource, as_numpy
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet, Split
from ssl_irmae.datasets.label_arrays import LabelArray, index_classes, read_labels
from ssl_irmae.datasets.large_arrays import as_tensor
from ssl_irmae.datasets.reading import Reading, count, listed
from ssl_irmae.errors import NoTestSplitError, UserError
from ssl_irmae.protocols.representations.given_codes import Codes, as_codes

WITHOUT_IMAGES = "codes"
"""Name of a data set of which there are codes and labels, and no images."""

_PREFIX: dict[Split, str] = {"train": "", "test": "test_"}


@dataclasses.dataclass(frozen=True)
class CodesFile:
    """The arrays ``code`` and ``labels``, and ``test_code`` and ``test_labels`` where there is a test split.

    Labels are numbers or names, -1 for an image without one; with ``classes``, they are positions in that array of
    names (and with ``test_classes``, those of the test images in that one). Other arrays are not read.

    Args:
        title: How error messages call it.
        codes_from: Name of the file, or ``"arrays"``.
        arrays: What there is, by name.
    """

    title: str
    codes_from: str
    arrays: Mapping[str, ArraySource]
    _read: dict[Split, Codes] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(cls, path: Path, title: str) -> Self:
        """Open an archive, of which only the arrays that are needed are read.

        Raises:
            UserError: If it cannot be read.
        """
        if not path.is_file():
            raise UserError(f"{title}: there is no file {path}: give an .npz archive with the arrays code and labels")
        return cls(title, path.name, open_archive(path))

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array], title: str) -> Self:
        """Take arrays in memory, or what ``numpy.load`` returns of an archive."""

        def read(name: str) -> npt.NDArray[Any]:
            try:
                array = arrays[name]
            except ValueError as error:  # as numpy refuses to unpickle
                raise UserError(f"{title}: '{name}' cannot be read ({error})") from error
            return as_numpy(array) if isinstance(array, np.ndarray | Tensor) else np.asarray(array)

        return cls(title, "arrays", {name: ArraySource(f"{title}: '{name}'", partial(read, name)) for name in arrays})

    def of(self, images: ImageSet, split: Split) -> Codes:
        """Return the codes of the images of a split, of which number and labels must be the same.

        Raises:
            UserError: If arrays are missing or of another kind, or if rows cannot be those of the images.
        """
        code, labels = self._codes(split), self._labels(split, for_images=images)
        if len(code) != len(images):
            name = _PREFIX[split] + "code"
            raise UserError(
                f"{self.title}: '{name}' has {count(len(code), 'row')}, and {images.name} has "
                f"{count(len(images), f'{_IN_WORDS[split]} image')}: one row per image is needed, in their order"
            )
        _require_same_labels(labels, images)
        return code

    def as_images(self, split: Split) -> ImageSet:
        """Return the labels of a split as a data set of blank images, which has the same fingerprint for all its codes.

        Raises:
            NoTestSplitError: If the test split is asked for and there is none.
            UserError: If arrays are missing or of another kind.
        """
        if split == "test" and "test_code" not in self.arrays:
            raise NoTestSplitError(f"{self.title} has no array 'test_code'")
        code = self._codes(split)
        splits: list[Split] = ["train", "test"] if "test_labels" in self.arrays else ["train"]
        given = {f"{_PREFIX[each]}labels": self._labels(each) for each in splits}
        indices, classes = index_classes(given)
        labels = indices.get(f"{_PREFIX[split]}labels", np.full(len(code), UNLABELLED))
        if len(labels) != len(code):
            raise UserError(
                f"{self.title} has {count(len(code), 'row')} in '{_PREFIX[split]}code' and "
                f"{count(len(labels), 'label')} in '{_PREFIX[split]}labels': one label per row is needed, -1 for none"
            )
        what = (count(len(code), "code"), f"{code.shape[1]:,} numbers each", count(len(classes), "class", "classes"))
        return ImageSet(
            WITHOUT_IMAGES,
            torch.zeros(len(code), 1, 1, 1, dtype=torch.uint8),
            as_tensor(labels),
            classes,
            reading=Reading((*what, "no images, as no data set is named")),
        )

    def _codes(self, split: Split) -> Codes:
        """Return the codes of a split, read once."""
        if split not in self._read:
            source = self._source(f"{_PREFIX[split]}code", "the codes, one row per image")
            codes = as_codes(source.read(), source.title)
            if split == "test" and codes.shape[1] != (width := self._codes("train").shape[1]):
                raise UserError(f"{source.title} has {codes.shape[1]:,} columns, and 'code' {width:,}: make them equal")
            self._read[split] = codes
        return self._read[split]

    def _labels(self, split: Split, for_images: ImageSet | None = None) -> LabelArray:
        """Return labels as whole numbers or, where their names are known, as these."""
        why = "their labels" if for_images is None else "their labels, which show that the rows are in the right order"
        source = self._source(f"{_PREFIX[split]}labels", why)
        labels = read_labels(source.read(), source.title)
        classes = self.arrays.get("test_classes" if split == "test" else "classes", self.arrays.get("classes"))
        if labels.values.dtype.kind == "U":
            return labels
        values = labels.values
        if classes is None:
            return labels
        names = classes.read()
        low, high = values[labels.labelled].min(initial=0), values[labels.labelled].max(initial=0)
        if names.ndim != 1 or low < 0 or high >= len(names):
            raise UserError(
                f"{labels.title} must be positions in {classes.title}, of shape {names.shape}, or -1: got {low} to "
                f"{high}"
            )
        return dataclasses.replace(labels, values=np.where(labels.labelled, names.astype(str)[values], ""))

    def _source(self, name: str, what: str) -> ArraySource:
        if name not in self.arrays:
            held = listed(sorted(self.arrays)) or "none"
            raise UserError(f"{self.title} has no array '{name}' ({what}): it has {held}")
        return self.arrays[name]


_IN_WORDS: dict[Split, str] = {"train": "training", "test": "test"}


def _require_same_labels(labels: LabelArray, images: ImageSet) -> None:
    """Check that labels are those of images, by the names of the classes or by their numbers."""
    if len(labels.values) != len(images):
        raise UserError(
            f"{labels.title} has {count(len(labels.values), 'label')}, and {images.name} has "
            f"{count(len(images), 'image')}: one label per image is needed, in their order"
        )
    if images.labels is None:
        return
    theirs = images.labels.numpy()
    both = labels.labelled & (theirs != UNLABELLED)
    if not both.any():
        raise UserError(
            f"{labels.title} has no label where {images.name} has one, so that the order of the rows cannot be "
            "checked: add the labels"
        )
    names = np.array(images.classes)[theirs]
    differ = both & (labels.values.astype(str) != names)
    if labels.values.dtype.kind != "U":
        differ = min(differ, both & (labels.values != theirs), key=np.count_nonzero)
    if differ.any():
        row = int(np.argmax(differ))
        raise UserError(
            f"{labels.title} and the labels of {images.name} differ in {np.count_nonzero(differ):,} of "
            f"{np.count_nonzero(both):,} rows, first in row {row} ({labels.values[row]} and {names[row]}): the rows "
            "must be in the order of the images"
        )
