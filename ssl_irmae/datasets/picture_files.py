"""The files of a folder: everything that a person can see in it, and a count of what was left out."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ssl_irmae.datasets.reading import count
from ssl_irmae.errors import UserError

_COMPANIONS = {"__macosx", "@eadir", "$recycle.bin", "desktop.ini", "icon\r", "thumbs.db"}
"""What file systems and their browsers leave beside pictures, in lower case; other such names begin with a dot."""

_KINDS = {
    "hidden files": ("hidden file", "hidden files"),
    "hidden folders": ("hidden folder", "hidden folders"),
    "empty": ("empty folder", "empty folders"),
    "links": ("link to a folder that is read already", "links to folders that are read already"),
    "broken": ("broken link or special file", "broken links or special files"),
}


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Args:
        folders: Visible folders directly inside it, sorted.
        links: Those of them that are links to folders.
        files: Visible files, sorted.
        left_out: How many files or folders of each kind were left out.
    """

    folders: tuple[Path, ...]
    links: frozenset[Path]
    files: tuple[Path, ...]
    left_out: Counter[str] = field(default_factory=Counter)


def list_folder(folder: Path) -> Listing:
    """List what is directly inside a folder.

    Raises:
        UserError: If the folder cannot be listed.
    """
    folders: list[Path] = []
    links: set[Path] = set()
    files: list[Path] = []
    left_out: Counter[str] = Counter()
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"{folder} cannot be listed ({error.strerror}): make it readable or remove it") from error
    for entry in entries:
        path = Path(entry.path)
        hidden = entry.name.startswith(".") or entry.name.lower() in _COMPANIONS
        if path.is_dir() if entry.is_symlink() else entry.is_dir():
            if hidden:
                left_out["hidden folders"] += 1
                continue
            folders.append(path)
            if entry.is_symlink():
                links.add(path)
        elif hidden:
            left_out["hidden files"] += 1
        elif path.is_file() if entry.is_symlink() else entry.is_file():
            files.append(path)
        else:
            left_out["broken"] += 1
    return Listing(tuple(folders), frozenset(links), tuple(files), left_out)


def find_files(root: Path) -> Listing:
    """List all files below a folder.

    Each real folder is visited once, so that links cannot loop: a link to a folder that is read under its own name, or
    that contains ``root``, is left out.

    Raises:
        UserError: If a folder cannot be listed.
    """
    top = list_folder(root)
    real = root.resolve()
    seen = {real, *real.parents}
    files, left_out = list(top.files), top.left_out
    folders = [f for f in top.folders if f not in top.links]
    links = sorted(top.links)
    skipped: set[Path] = set()
    while folders or links:  # links last: a folder keeps its own name where a link leads to it too
        folder = folders.pop() if folders else links.pop(0)
        target = folder.resolve()
        if target in seen:
            left_out["links"] += 1
            skipped.add(folder)
            continue
        seen.add(target)
        found = list_folder(folder)
        left_out["empty"] += not found.files and not found.folders
        files += found.files
        folders += [f for f in found.folders if f not in found.links]
        links += sorted(found.links)
        left_out += found.left_out
    return Listing(tuple(f for f in top.folders if f not in skipped), top.links, tuple(sorted(files)), left_out)


def describe(left_out: Counter[str]) -> list[str]:
    """Write counts of what was left out.

    >>> describe(Counter({"links": 1, "hidden files": 2}))
    ['2 hidden files', '1 link to a folder that is read already']
    """
    return [count(left_out[kind], *nouns) for kind, nouns in _KINDS.items() if left_out[kind]]
