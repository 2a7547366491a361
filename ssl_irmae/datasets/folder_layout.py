"""What the folders in a folder of pictures mean: splits, classes, labelled and unlabelled."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from ssl_irmae.datasets.label_table import same_form
from ssl_irmae.datasets.picture_files import Listing, list_folder
from ssl_irmae.datasets.picture_formats import looks_like_picture
from ssl_irmae.datasets.reading import listed
from ssl_irmae.errors import UserError

_SPLITS = {"train": "train", "test": "test", "val": "val", "valid": "val", "validation": "val"}
_LABELLED = {"labelled", "labeled"}
_UNLABELLED = {"unlabelled", "unlabeled"}


def find_splits(path: Path) -> dict[str, Path]:
    """Find the folders of splits: train, test and val; empty if there are none.

    Such names mean splits only where no other folder and no picture lies beside them: among others they are classes.

    Raises:
        UserError: If two folders stand for one split, or if unlabelled pictures lie beside the splits.
    """
    found = list_folder(path)
    names = [folder.name for folder in found.folders]
    splits = {_SPLITS[f.name.lower()]: f for f in found.folders if f.name.lower() in _SPLITS}
    if not {"train", "test"} & splits.keys() or any(looks_like_picture(file) for file in found.files):
        return {}
    others = [name for name in names if name.lower() not in _SPLITS]
    if others and set(others) <= _UNLABELLED:
        raise UserError(
            f"{path} has {others[0]}/ beside {listed(sorted(splits))}: move it into {path}/train, beside a folder "
            "labelled/ of the classes"
        )
    if others:
        return {}
    if len(splits) < len(names):
        raise UserError(f"{path} has several folders for one split ({listed(names)}): keep one")
    return splits


def class_names(listing: Listing, root: Path, pictures: Sequence[Path]) -> list[str | None]:
    """Return the class of each picture, which is the folder directly in ``root``; None for a picture without one.

    Beside each other and alone, ``labelled`` holds the folders of the classes and ``unlabelled`` the other pictures;
    ``unlabelled`` may also be there alone.

    Source: the layout of ``torchvision.datasets.ImageFolder``.

    Args:
        listing: What the folder of the split holds.
        root: That folder.
        pictures: Those of its files that are pictures.

    Raises:
        UserError: If pictures lie beside folders of pictures, or if a class would vanish as none of its files is a
            picture.
    """
    files, spelt = listing.files, {folder.name.lower(): folder.name for folder in listing.folders}
    top = spelt.keys()
    if len(top) == 1 and top <= _UNLABELLED and not any(picture.parent == root for picture in pictures):
        return [None] * len(pictures)
    partly = len(top) == 2 and bool(top & _LABELLED) and bool(top & _UNLABELLED)
    if partly and not any(picture.parent == root for picture in pictures):
        base = root / spelt[next(iter(top & _LABELLED))]
        inside = [base in picture.parents for picture in pictures]
        labelled = list(itertools.compress(pictures, inside))
        if any(picture.parent == base for picture in labelled):
            raise UserError(f"{base} contains pictures outside of any class: use one sub-folder per class in it")
        names = iter(_classes(base, [file for file in files if base in file.parents], labelled))
        return [next(names) if is_inside else None for is_inside in inside]
    return _classes(root, files, pictures)


def _classes(root: Path, files: Sequence[Path], pictures: Sequence[Path]) -> list[str | None]:
    def classes_of(some: Sequence[Path]) -> list[str | None]:
        return [None if file.parent == root else same_form(file.relative_to(root).parts[0]) for file in some]

    names = classes_of(pictures)
    with_pictures = set(names) - {None}
    if not with_pictures:
        return names  # flat: other folders hold no pictures, and their files are counted as left out
    if None in names:
        raise UserError(
            f"{root} contains pictures both beside and inside sub-folders: use one sub-folder per class; or "
            "labelled/, with those in it, beside unlabelled/; or, if these folders are no classes, a table of labels, "
            "`labels_from`, which may hold the line path,label alone"
        )
    empty = sorted({name for name in classes_of(files) if name is not None} - with_pictures)
    if empty:
        raise UserError(
            f"{root} has files but no picture in {listed(empty)}: put pictures there, or remove the folder, which "
            "would be a class"
        )
    return names
