"""A table of labels beside pictures: a CSV or TSV file with the columns path and label."""

import csv
import difflib
import io
import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssl_irmae.datasets.near_labels import near_labels
from ssl_irmae.datasets.reading import count, listed
from ssl_irmae.errors import UserError

_DELIMITERS = "\t;,"
_MOST_NAMED = 3
_ALIKE = 0.8  # of names of pictures: others are hardly slips
NO_LABEL = frozenset({"-1", "?"})
"""What people write where they know no label."""


@dataclass(frozen=True)
class Row:
    """A row of a label table.

    Args:
        line: Number of its line in the file, from 1.
        path: Path of a picture, as written.
        label: Name of its class; empty if it has none yet.
    """

    line: int
    path: str
    label: str


def same_form(text: str) -> str:
    """Return a name in the one Unicode form in which names are compared (NFC)."""
    return unicodedata.normalize("NFC", text)


def read_table(file: Path) -> tuple[Row, ...]:
    """Read a table in UTF-8, its columns separated by tabs, semicolons or commas, whichever its header has.

    Args:
        file: The table; its header names the columns ``path`` and ``label``, and others do not matter.

    Raises:
        UserError: If it is not such a table.
    """
    try:
        text = text_of(file.read_bytes(), file)
    except OSError as error:
        raise UserError(f"`labels_from`: {file} cannot be read ({error.strerror}): give a CSV or TSV file") from error
    columns, delimiter = columns_of(text)
    if not {"path", "label"} <= set(columns):
        header = text.partition("\n")[0]
        raise UserError(
            f"{file}: line 1 must name the columns, got {header[:80]!r}: put a line 'path,label' above the others"
        )
    if "confidence" in columns:
        raise UserError(
            f"{file} has the column confidence, as predictions do, and these are no labels: leave the lines that you "
            "have checked, with the columns path and label alone"
        )
    return rows_of(text, columns, delimiter, file)


def text_of(content: bytes, file: Path) -> str:
    """Decode a table, with every line ending as a line feed.

    Raises:
        UserError: If it is not in UTF-8.
    """
    try:
        return io.IncrementalNewlineDecoder(None, translate=True).decode(content.decode("utf-8-sig"), final=True)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(
            f"{file}: line {line} is not UTF-8 text: save the table as CSV in UTF-8 (Excel: 'CSV UTF-8')"
        ) from error


def columns_of(text: str) -> tuple[list[str], str]:
    """Return the names in the first line, in lower case, and the mark that separates them."""
    header = text.partition("\n")[0].strip("\r")
    split = {mark: [name.strip(' "').lower() for name in header.split(mark)] for mark in _DELIMITERS}
    delimiter = next((mark for mark, names in split.items() if {"path", "label"} <= set(names)), ",")
    return split[delimiter], delimiter


def rows_of(text: str, columns: Sequence[str], delimiter: str, file: Path) -> tuple[Row, ...]:
    """Read the lines below the header, but for empty ones.

    Args:
        text: The whole table.
        columns: Names of its columns, ``path`` and ``label`` among them.
        delimiter: What separates them.
        file: The file, for messages.

    Raises:
        UserError: If a line has another number of values, or quotes that do not close.
    """
    path, label = columns.index("path"), columns.index("label")
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for fields in reader:
            if reader.line_num == 1 or not any(field.strip() for field in fields):
                continue
            if len(fields) < len(columns) or any(fields[len(columns) :]):
                raise UserError(
                    f"{file}: line {reader.line_num} has {count(len(fields), 'column')} and the header "
                    f"{len(columns)}: put values that contain the separator into double quotes"
                )
            rows.append(Row(reader.line_num, fields[path], same_form(fields[label].strip())))
    except csv.Error as error:
        raise UserError(f"{file}: line {reader.line_num} cannot be read ({error}): correct it") from error
    return tuple(rows)


def labels_by_path(
    rows: Iterable[Row], *, table: Path, folder: Path, files: Sequence[str], classes: Sequence[str] | None = None
) -> dict[str, Row]:
    """Find the row of each file that a table labels.

    Args:
        rows: Rows of the table.
        table: Its file, for messages and for paths that are relative to its own folder.
        folder: The folder of the pictures.
        files: Paths of all files in it, relative to it, with forward slashes.
        classes: The labels that are meant; None takes all that do not look like slips of others.

    Returns:
        Rows with a label, by path in ``files``.

    Raises:
        UserError: If a path is not in the folder, is labelled in two ways, or has a label that is not meant.
    """
    known = {same_form(path): path for path in files}
    found: dict[str, Row] = {}
    missing: list[Row] = []
    for row in rows:
        place = next((known[path] for path in _places(row.path, table, folder) if path in known), None)
        if place is None:
            missing.append(row)
        elif row.label:
            before = found.setdefault(place, row)
            if before.label != row.label:
                raise UserError(
                    f"{table}: {place} is {before.label!r} in line {before.line} and {row.label!r} in line {row.line}: "
                    "keep one of the two"
                )
    if missing:
        named = [f"line {row.line} {row.path!r}{_nearest(row.path, known)}" for row in missing[:_MOST_NAMED]]
        more = f" and {len(missing) - len(named):,} more" if len(missing) > len(named) else ""
        raise UserError(
            f"{table}: {count(len(missing), 'path')} cannot be found in {folder}: {', '.join(named)}{more}; write "
            "paths relative to that folder"
        )
    _check_labels(found.values(), table, classes)
    return found


def _places(path: str, table: Path, folder: Path) -> Iterable[str]:
    """Yield what a path may mean, relative to the folder of the pictures."""
    for text in dict.fromkeys((path, path.strip(), path.strip().replace("\\", "/"))):
        if not text.strip():
            continue
        if Path(text).is_absolute():
            for base in dict.fromkeys((folder.absolute(), folder.resolve())):
                yield same_form(posixpath.normpath(os.path.relpath(text, base)))
            continue
        yield same_form(posixpath.normpath(text))
        yield same_form(Path(os.path.relpath(table.parent / text, folder)).as_posix())


def _nearest(path: str, known: dict[str, str]) -> str:
    """Offer the file whose name is the same, whatever its folder and capitals, or nearly so."""

    def name_of(text: str) -> str:
        return posixpath.basename(same_form(text).strip().replace("\\", "/")).casefold()

    name = name_of(path)
    by_name = {name_of(each): each for each in known}
    # other digits make another picture
    alike = [each for each in by_name if re.findall(r"\d", each) == re.findall(r"\d", name)]
    near = [by_name[each] for each in difflib.get_close_matches(name, alike, n=1, cutoff=_ALIKE)]
    return f" (did you mean {known[near[0]]!r}?)" if near else ""


def _check_labels(rows: Iterable[Row], table: Path, classes: Sequence[str] | None) -> None:
    lines: dict[str, list[int]] = {}
    for row in rows:
        lines.setdefault(row.label, []).append(row.line)

    def where(label: str) -> str:
        several = "lines" if len(lines[label]) > 1 else "line"
        return f"{label!r} ({several} {listed([str(n) for n in sorted(lines[label])], most=3)})"

    if classes is not None:
        meant = [same_form(name.strip()) for name in classes]
        others = [label for label in sorted(lines) if label not in meant]
        if others:
            near = [difflib.get_close_matches(label.casefold(), meant, n=1) for label in others]
            hints = [f"; did you mean {n[0]!r}?" if n else "" for n in near]
            named = [where(label) + hint for label, hint in zip(others, hints, strict=True)]
            raise UserError(f"{table}: {listed(named, most=3)}: `classes` has only {listed(meant, most=20)}")
        return
    if unknown := [where(label) for label in sorted(NO_LABEL & lines.keys())]:
        raise UserError(
            f"{table}: {listed(unknown)}: leave the label empty where it is not known or, if a class has this name, "
            "name all classes in `classes`"
        )
    pairs = near_labels(Counter({label: len(found) for label, found in lines.items()}))
    if pairs:
        named = [f"{where(rare)} looks like {frequent!r}" for rare, frequent in pairs]
        raise UserError(
            f"{table}: {listed(named, most=3)}: correct the table or, if both are meant, name all classes in `classes`"
        )
