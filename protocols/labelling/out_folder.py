"""The folder that a command writes into, never one among the pictures."""

from pathlib import Path

from ssl_irmae._support.files import check_folder
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.reading import listed
from ssl_irmae.datasets.registry import Dataset
from ssl_irmae.errors import UserError


def own_folder(out: str | Path | None, default: str, dataset: Dataset) -> Path:
    """Return the folder to write into, if nothing would be mixed up there.

    Args:
        out: What the user named; None takes ``runs`` and the default.
        default: Name of the folder below ``runs``.
        dataset: What is read: nothing is written among the pictures, where it would be read as data.

    Raises:
        UserError: If it is a file, cannot be written to or lies among the pictures.
    """
    folder = Path("runs") / default if out is None else Path(out)
    check_folder(folder)
    if isinstance(dataset, str | Path) and folder.resolve().is_relative_to(Path(dataset).resolve()):
        raise UserError(
            f"`out`: {folder} lies among the pictures, and would be read as one of them: name another folder"
        )
    return folder


def all_labelled(images: ImageSet, labels_from: str | Path | None) -> str:
    """Say that no picture is without a label; a single class is probably a folder that was not meant as one.

    Args:
        images: What has a label for every picture.
        labels_from: The table of labels; without one those of a folder are the names of its folders.
    """
    if len(images.classes) == 1:
        return (
            f"one class only, {images.classes[0]!r}, the folder of all its pictures: for pictures without labels give "
            "that folder itself"
        )
    if labels_from is None and images.paths:
        return (
            f"a class for every picture, its top folder ({listed(images.classes)}): if these are no classes, "
            "set `labels_from` to a table of the labels so far, at first the line path,label alone; to label other "
            "pictures, put these folders into labelled/ and the others into unlabelled/ beside it; to measure, use "
            "`ssl-irmae evaluate`"
        )
    return (
        "a label for every picture: to measure, use `ssl-irmae evaluate`; to label others, put them beside these "
        "without labels"
    )
