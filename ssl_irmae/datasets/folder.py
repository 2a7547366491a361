"""A folder of pictures: read, labelled by folders or by a table, and described."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ssl_irmae.datasets.folder_layout import class_names, find_splits
from ssl_irmae.datasets.folder_reading import left_out, what_was_read
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet, Split
from ssl_irmae.datasets.label_table import Row, labels_by_path, read_table
from ssl_irmae.datasets.picture_files import Listing, find_files, list_folder
from ssl_irmae.datasets.picture_formats import is_archive_or_idx, looks_like_picture
from ssl_irmae.datasets.picture_pixels import stack
from ssl_irmae.datasets.picture_store import PictureStore
from ssl_irmae.datasets.pictures import Picture, UnreadableError, read_picture
from ssl_irmae.datasets.pixel_range import PixelScale
from ssl_irmae.datasets.reading import Reading, count, listed
from ssl_irmae.errors import NoTestSplitError, UserError


def load(
    path: Path,
    split: Split,
    image_size: int | None,
    labels_from: Path | None = None,
    classes: Sequence[str] | None = None,
    *,
    labelled: bool = True,
    like: PixelScale | None = None,
) -> ImageSet:
    """Load one split from a folder of pictures.

    Args:
        path: The folder.
        split: ``"train"`` or ``"test"``.
        image_size: Side in pixels to which each picture is resized on reading, or None.
        labels_from: A table of labels, in place of folders of classes.
        classes: The labels that may be in the table; None takes all that do not look like slips of others.
        labelled: Whether folders name classes; else they mean nothing, and no picture has a label.
        like: How earlier pictures became 8 bits, whose bit depth and background are kept.

    Raises:
        NoTestSplitError: If the test split is asked for and there is none.
        UserError: If the folder or the table cannot be used.
    """
    with PictureStore.opened() as images:
        return _load(images, path, split, image_size, labels_from, classes, labelled=labelled, like=like)


def _load(
    images: PictureStore,
    path: Path,
    split: Split,
    image_size: int | None,
    labels_from: Path | None,
    classes: Sequence[str] | None,
    *,
    labelled: bool,
    like: PixelScale | None,
) -> ImageSet:
    splits = find_splits(path)
    root = _root(path, splits, split)
    listing = _without(find_files(root), labels_from)
    read = _read_all(listing.files, path, image_size, images)
    if not read.pictures:
        beside = [file.name for file in read.others if is_archive_or_idx(file)]
        hint = f", but other data: give {root / beside[0]} itself" if beside else ""
        raise UserError(f"{root} contains no pictures{hint or ' that Pillow reads: name the folder that holds them'}")
    _check_sizes(read.pictures, root, image_size)
    table: dict[str, Row] | None = None if labelled else {}
    if labels_from is not None:
        table = _table(path, labels_from, classes)
    names = _names(table, path, root, listing, read.files)
    known = {name for name in names if name is not None}
    order = sorted(known)
    if split == "test":
        of_training = _training_classes(table, path, splits["train"]) if "train" in splits else set()
        _check_classes(known, of_training, root)
        order = sorted(of_training or known) if known else []
    other = splits.get("train" if split == "test" else "test") if like is None else None
    pixels, scale, changed = stack(read.pictures, images, functools.partial(_pictures_in, other), like)
    beside = _beside(path, splits, labels_from) if splits and split == "train" else []
    index = {name: i for i, name in enumerate(order)} | {None: UNLABELLED}
    return ImageSet(
        name=path.resolve().name,
        images=torch.from_numpy(pixels),
        labels=torch.tensor([index[name] for name in names]) if order else None,
        classes=tuple(order),
        paths=tuple(_relative(read.files, path)),
        reading=Reading(
            what=what_was_read(read.pictures, names, deeper=table is None and _has_deeper(read.files, root)),
            left_out=(*left_out(listing, read.pictures, read.others), *beside),
            changed=changed,
        ),
        scale=scale,
    )


@dataclass(frozen=True)
class _Read:
    """Pictures that were read, and the files that are not pictures."""

    pictures: tuple[Picture, ...]
    others: tuple[Path, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(picture.file for picture in self.pictures)


def _root(path: Path, splits: dict[str, Path], split: Split) -> Path:
    if split in splits:
        return splits[split]
    if split == "test":
        rename = f", or rename {splits['val'].name}/ to score on it" if "val" in splits else ""
        raise NoTestSplitError(f"{path} has no test/ folder: put pictures into {path}/train and {path}/test{rename}")
    if splits:
        raise UserError(f"{path} has no train/ folder beside {splits['test'].name}/: put the training pictures there")
    return path


def _without(listing: Listing, file: Path | None) -> Listing:
    """Return a listing without one file: a table of labels that lies among the pictures is read, not left out."""
    if file is None:
        return listing
    kept = tuple(f for f in listing.files if f.name != file.name or not f.samefile(file))
    return replace(listing, files=kept)


def _read_all(files: Iterable[Path], path: Path, image_size: int | None, images: PictureStore) -> _Read:
    pictures: list[Picture] = []
    others: list[Path] = []
    bad: dict[str, str] = {}
    for file in files:
        try:
            read = read_picture(file, image_size=image_size)
        except UnreadableError as error:
            bad[file.relative_to(path).as_posix()] = str(error)
            continue
        if read is None:
            others.append(file)
        else:
            pictures.append(read[0])
            images.add(read[1])
    if bad:
        (name, reason), several = next(iter(bad.items())), [f"{name} ({reason})" for name, reason in bad.items()]
        if len(bad) == 1:
            raise UserError(f"{path / name} cannot be read as a picture ({reason}): repair, convert or remove it")
        raise UserError(
            f"{path}: {len(bad):,} files cannot be read as pictures: {listed(several)}: repair, convert or remove them"
        )
    return _Read(tuple(pictures), tuple(others))


def _pictures_in(root: Path | None) -> list[Picture]:
    """Read the pictures of the other split as far as they can be: loading that split reports what cannot."""
    read = []
    for file in find_files(root).files if root is not None else ():
        try:
            read.append(read_picture(file, image_size=8))
        except UnreadableError:
            continue
    return [known_and_pixels[0] for known_and_pixels in read if known_and_pixels is not None]


def _check_sizes(pictures: Sequence[Picture], root: Path, image_size: int | None) -> None:
    sizes = {p.size for p in pictures}
    if image_size is None and len(sizes) > 1:
        raise UserError(f"{root} contains pictures of {len(sizes)} sizes: set `image_size`, such as 32 or 64")


def _table(path: Path, labels_from: Path, classes: Sequence[str] | None) -> dict[str, Row]:
    files = _relative(find_files(path).files, path)
    return labels_by_path(read_table(labels_from), table=labels_from, folder=path, files=files, classes=classes)


def _names(
    table: dict[str, Row] | None, path: Path, root: Path, listing: Listing, pictures: Sequence[Path]
) -> list[str | None]:
    """Return the name of each picture's class, None for a picture without one."""
    if table is None:
        return class_names(listing, root, pictures)
    read = _relative(pictures, path)
    others = set(_relative(listing.files, path)) - set(read)
    for place in sorted(others & table.keys()):
        raise UserError(f"`labels_from`: {place} in line {table[place].line} is not a picture: remove the line")
    return [table[place].label if place in table else None for place in read]


def _training_classes(table: dict[str, Row] | None, path: Path, root: Path) -> set[str]:
    """Return the classes of the training pictures without reading their pixels."""
    listing = find_files(root)
    pictures = [file for file in listing.files if looks_like_picture(file)]
    names = _names(table, path, root, listing, pictures)
    return {name for name in names if name is not None}


def _check_classes(known: set[str], of_training: set[str], root: Path) -> None:
    unknown = sorted(known - of_training)
    if of_training and unknown:
        raise UserError(
            f"{root} has {count(len(unknown), 'class', 'classes')} without training pictures: {listed(unknown)}: put "
            "some into train, or remove these"
        )


def _beside(path: Path, splits: dict[str, Path], labels_from: Path | None) -> list[str]:
    """Write what lies beside the folders of splits and belongs to none."""
    listing = _without(list_folder(path), labels_from)
    beside = left_out(listing, (), listing.files)
    if "val" in splits:
        files = count(len(find_files(splits["val"]).files), "file")
        beside.append(f"{files} in {splits['val'].name}/, as validation is not used")
    return beside


def _has_deeper(files: Iterable[Path], root: Path) -> bool:
    """Return whether there are pictures in folders of folders, which name no classes."""
    parts = [file.relative_to(root).parts for file in files]
    return any(len(each) > (3 if each[0].lower() in ("labelled", "labeled") else 2) for each in parts)


def _relative(files: Iterable[Path], path: Path) -> list[str]:
    return [file.relative_to(path).as_posix() for file in files]
