"""The folder that a command writes into, never one among the pictures."""

from pathlib import Path

from ssl_irmae._support.files import check_folder, write_atomically
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.reading import listed
from ssl_irmae.datasets.registry import DATASETS, Dataset
from ssl_irmae.errors import UserError

SOURCE = "pictures.txt"
"""The file that says which pictures a folder is about."""


def own_folder(out: str | Path | None, default: str, dataset: Dataset) -> Path:
    """Return the folder to write into, if nothing would be mixed up there.

    Args:
        out: What the user named; None takes ``runs`` and the default.
        default: Name of the folder below ``runs``.
        dataset: What is read: nothing is written among the pictures, where it would be read as data.

    Raises:
        UserError: If it is a file, cannot be written to, lies among the pictures or is about other ones: the default
            has the name of their folder alone, which others may have too, with files of the same names in it.
    """
    folder = Path("runs") / default if out is None else Path(out)
    check_folder(folder)
    if isinstance(dataset, str | Path) and folder.resolve().is_relative_to(Path(dataset).resolve()):
        raise UserError(
            f"`out`: {folder} lies among the pictures, and would be read as one of them: name another folder"
        )
    if before := _about_others(folder, dataset):
        raise UserError(f"`out`: {folder} is about other pictures, {before}: name another folder")
    return folder


def refuse_labels_of_others(labels_from: str | Path | None, dataset: Dataset) -> None:
    """Refuse a table of labels that `suggest` wrote about other pictures, which may have the same names.

    Raises:
        UserError: If it is such a table.
    """
    if labels_from is not None and (before := _about_others(Path(labels_from).parent, dataset)):
        raise UserError(f"`labels_from`: {labels_from} is about other pictures, {before}: name the table of these")


def _about_others(folder: Path, dataset: Dataset) -> str | None:
    """Return which other pictures a folder is about; None if it is about these, or the others were moved."""
    if not (folder / SOURCE).is_file():
        return None
    before = (folder / SOURCE).read_bytes().decode("utf-8", "surrogateescape")
    moved = Path(before).is_absolute() and not Path(before).exists()
    return None if moved or before == _source(dataset) else before


def remember(folder: Path, dataset: Dataset) -> None:
    """Write down which pictures a folder is about."""
    if source := _source(dataset):
        write_atomically(folder / SOURCE, source.encode("utf-8", "surrogateescape"))


def _source(dataset: Dataset) -> str | None:
    """Return the name of a data set, or the whole path of pictures; None for what is in memory."""
    if not isinstance(dataset, str | Path):
        return None
    named = isinstance(dataset, str) and (dataset in DATASETS or not Path(dataset).exists())
    return str(dataset) if named else str(Path(dataset).resolve())


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
