"""The named data sets, where their files are kept, and loading by name or path. Listing them does not import torch."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Union

from ssl_irmae._support.home import home
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.errors import UserError, describe_exception, unknown_name
from ssl_irmae.plugins.installed import new_problems
from ssl_irmae.plugins.lookup import registered, unknown_with_plugins
from ssl_irmae.plugins.registered import IN_WORDS, Registered

if TYPE_CHECKING:
    from ssl_irmae.datasets.arrays import Arrays
    from ssl_irmae.datasets.image_set import ImageSet, Split
    from ssl_irmae.datasets.pixel_range import PixelScale

IMAGE_SIZE = 32  # pixels, for the user's images

Dataset = Union[str, Path, "Arrays"]  # "|" would need Arrays at run time, and with it torch
"""A name in ``DATASETS`` or of a plug-in, a path to the user's own images, or images in memory."""

Load = Callable[["Split", Path, Listener], "ImageSet"]


@dataclass(frozen=True)
class Named:
    """A named data set.

    Args:
        summary: One line for people.
        load: Loads one split, given the data folder and a listener.
        image_size: Side in pixels to which its images are resized for the paper's networks.
        has_files: Whether it consists of IDX files that can be fetched.
    """

    summary: str
    load: Load
    image_size: int = IMAGE_SIZE
    has_files: bool = False


def _idx_files(name: str) -> Load:
    def load(split: "Split", data_dir: Path, progress: Listener) -> "ImageSet":
        from ssl_irmae.datasets import mnist

        return mnist.load(name, split, data_dir, progress)

    return load


def _digits(split: "Split", _data_dir: Path, _progress: Listener) -> "ImageSet":
    from ssl_irmae.datasets import digits

    return digits.load(split)


def _shapes(split: "Split", _data_dir: Path, _progress: Listener) -> "ImageSet":
    from ssl_irmae.datasets import shapes

    return shapes.load(split)


def _celeba(split: "Split", data_dir: Path, _progress: Listener) -> "ImageSet":
    from ssl_irmae.datasets import celeba

    return celeba.load(split, data_dir)


DATASETS: dict[str, Named] = {
    "mnist": Named("handwritten digits, 60,000 + 10,000, 28x28 grey, 10 classes", _idx_files("mnist"), has_files=True),
    "fashion-mnist": Named(
        "clothes, 60,000 + 10,000, 28x28 grey, 10 classes", _idx_files("fashion-mnist"), has_files=True
    ),
    "kmnist": Named("cursive kana, 60,000 + 10,000, 28x28 grey, 10 classes", _idx_files("kmnist"), has_files=True),
    "digits": Named("scikit-learn's digits, 1,300 + 497, 8x8 grey, 10 classes; no download", _digits),
    "shapes": Named(
        "synthetic circles and squares, 50,000 + 10,000, 32x32 colour; intrinsic dimension 7; no download", _shapes
    ),
    "celeba": Named(
        "faces, 162,770 + 19,962, 64x64 colour, attributes; files must be in place", _celeba, image_size=64
    ),
}


def default_data_dir() -> Path:
    """Return the folder where data are kept by default: ``$SSL_IRMAE_DATA_DIR``, or ``data`` in the home of caches."""
    chosen = os.environ.get("SSL_IRMAE_DATA_DIR")
    return Path(chosen) if chosen else home() / "data"


def default_image_size(dataset: Dataset) -> int:
    """Return the side in pixels to which images are resized for the paper's networks unless another is chosen."""
    return DATASETS[dataset].image_size if isinstance(dataset, str) and dataset in DATASETS else IMAGE_SIZE


def holds_rows(dataset: object) -> bool:
    """Return whether a data set is rows of numbers, as far as that is seen without loading it.

    >>> holds_rows("table.csv"), holds_rows("mnist")
    (True, False)
    """
    from ssl_irmae.datasets import archive, array_file, arrays, tables
    from ssl_irmae.datasets.image_set import ImageSet

    if isinstance(dataset, ImageSet):
        return dataset.are_rows
    if not isinstance(dataset, str | Path):
        images = arrays.arrays_of(dataset, "train")
        return images is not None and images.ndim == 2
    path = Path(dataset)
    holds = {".npz": archive.holds_rows, ".npy": array_file.holds_rows}.get(path.suffix)
    return tables.is_table(path) or (holds is not None and holds(path))


def dataset_plugin(dataset: object) -> Registered | None:
    """Return the plug-in that a data set is of; None for one of ours, a path and images in memory."""
    if not isinstance(dataset, str) or dataset in DATASETS or not _is_word(dataset):
        return None
    return registered("dataset").get(dataset)


def _is_word(dataset: str) -> bool:
    """Return whether it may be a name: a path has a separator or, if it is a file, a suffix."""
    return Path(dataset).name == dataset and not Path(dataset).suffix


def load_images(
    dataset: Dataset,
    split: "Split" = "train",
    *,
    data_dir: str | Path | None = None,
    image_size: int | None = None,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    labelled: bool = True,
    like: "PixelScale | None" = None,
    strict: bool = False,
    progress: Listener = silent,
) -> "ImageSet":
    """Load one split of a data set.

    Args:
        dataset: A name in ``DATASETS`` or of a plug-in; a path to a folder of pictures, an ``.npz`` archive, a ``.npy``
            file of images alone, a ``.csv`` of rows of numbers or an IDX file (a ``str`` that is also a name is the
            name); or images in memory: an ``ImageSet``, an array of images, ``(images, labels)`` or ``(images, labels,
            test_images, test_labels)``. Arrays are numpy arrays, those of files that are mapped too, or tensors: images
            of shape (n, h, w), (n, c, h, w) or (n, h, w, c), uint8 or floats in [0, 1]; or rows of numbers, of shape
            (n, d), which become floats (n, d, 1, 1); labels of shape (n,), whole numbers or names.
        split: ``"train"`` or ``"test"``.
        data_dir: Folder for downloads; ``default_data_dir()`` unless given.
        image_size: Side in pixels to which each picture of a folder is resized on reading.
        labels_from: A CSV or TSV file in UTF-8 with the columns ``path`` and ``label``, which names the classes of a
            folder's pictures in place of sub-folders. Paths are relative to the folder; a picture with an empty label,
            or that is not in the table, is unlabelled.
        classes: The labels that may be in ``labels_from``. Unless given, a label that looks like a slip of another is
            refused.
        labelled: Whether the folders in a folder of pictures name classes. If not, they may be of any kind, pictures
            beside folders too, and no picture has a label.
        like: The ``scale`` of images that were read earlier: images of the user's own become 8 bits as these did,
            whatever their brightest pixel is. What the earlier ones had none of, such as floats, has a scale of its
            own.
        strict: Whether to refuse images of the user's own of which anything was left out or changed.
        progress: Called with ``Fetched`` events while files are fetched, and with a ``Message`` that says what was read
            from a path.

    Raises:
        NoTestSplitError: If the test split is asked for and there is none.
        UserError: If the name is unknown and no such path exists, or if the images cannot be read or fetched, or are
            brighter than ``like`` has white.

    >>> load_images("digits").images.shape
    torch.Size([1300, 1, 8, 8])
    """
    from ssl_irmae.datasets import arrays, own

    if split not in ("train", "test"):
        raise unknown_name("split", split, ("train", "test"))
    if classes is not None and labels_from is None:
        raise UserError("`classes` says which labels `labels_from` may hold: give that too, or leave `classes` out")
    plugin = dataset_plugin(dataset)
    for problem in new_problems():  # the name may have been one of its
        progress(Message(problem))
    named = plugin is not None or (isinstance(dataset, str) and dataset in DATASETS)
    if labels_from is not None and (named or not isinstance(dataset, str | Path)):
        raise UserError(
            f"`labels_from` names the pictures of a folder, and {dataset if named else 'the arrays'} cannot take it"
        )
    if not isinstance(dataset, str | Path):
        return _strictly(arrays.load(dataset, split, like), split, strict)
    path = Path(dataset)
    if isinstance(dataset, str):
        if named:
            if path.exists():
                whose = "built-in data set" if plugin is None else f"data set of {plugin.origin}"
                progress(Message(f"{dataset}, {split}: the {whose} is read; write ./{dataset} for what is here"))
        elif not path.exists() and _is_word(dataset):
            error = unknown_with_plugins(IN_WORDS["dataset"], dataset, [*DATASETS, *registered("dataset")])
            raise UserError(f"{error}; there is no such file or folder either")
    folder = default_data_dir() if data_dir is None else Path(data_dir)
    if isinstance(dataset, str) and dataset in DATASETS:
        return DATASETS[dataset].load(split, folder, progress)
    if plugin is not None:
        images = _of_plugin(plugin, split, folder, like)
    else:
        table = None if labels_from is None else Path(labels_from)
        images = own.load(
            path, split, image_size=image_size, labels_from=table, classes=classes, labelled=labelled, like=like
        )
    images = _strictly(images, split, strict)
    if images.reading is not None:
        progress(Message(f"{images.name}, {split}: {images.reading}"))
    return images


def _of_plugin(plugin: Registered, split: "Split", data_dir: Path, like: "PixelScale | None") -> "ImageSet":
    """Load a split of a plug-in's data set, which returns what ``dataset`` takes as arrays."""
    from ssl_irmae.datasets import arrays

    try:
        return dataclasses.replace(arrays.load(plugin.function(data_dir=data_dir), split, like), name=plugin.name)
    except UserError as error:
        raise type(error)(f"{plugin.title}: {error}") from error
    except Exception as error:  # the code is not ours, and may raise anything
        raise UserError(f"{plugin.title} fails ({describe_exception(error)})") from error


def _strictly(images: "ImageSet", split: "Split", strict: bool) -> "ImageSet":
    """Return the images unless they are to be refused."""
    reading = images.reading
    if strict and reading is not None and (reading.left_out or reading.changed):
        left_out = f"left out: {', '.join(reading.left_out)}" if reading.left_out else ""
        found = "; ".join(part for part in (*reading.changed, left_out) if part)
        raise UserError(f"`strict`: {images.name}, {split}: {found}: mend the images, or leave `strict` out")
    return images
