"""A CSV or TSV file of rows of numbers, one of whose columns may hold labels."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ssl_irmae.datasets.arrays import ArraySource, from_arrays
from ssl_irmae.datasets.image_set import ImageSet, Split
from ssl_irmae.datasets.reading import count, listed
from ssl_irmae.errors import NoTestSplitError, UserError

SUFFIXES = (".csv", ".tsv")
LABEL_COLUMNS = ("label", "labels")

_DELIMITERS = "\t;,"
_LIKELY_LABELS = ("target", "class")
_MISSING = ("", "na", "n/a", "null", "none", "?")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")  # longer ones are names: no array of whole numbers holds them


def is_table(path: Path) -> bool:
    """Return whether the name of a file is that of a table."""
    return path.suffix.lower() in SUFFIXES


def load(path: Path, split: Split) -> ImageSet:
    """Load rows of numbers from a table in UTF-8, its columns separated by tabs, semicolons or commas.

    Line 1 is a header if any of its fields is not a number; it names the columns then. A column ``label`` or
    ``labels`` of the header holds class names or numbers, empty or -1 for a row without one, and is not among the
    numbers; where one is written in another way than numbers are, such as 007, all are names. All other fields must be
    finite numbers, with a point before decimals.

    Args:
        path: The table, ``.csv`` or ``.tsv``.
        split: ``"train"``: a table has no test split.

    Raises:
        NoTestSplitError: If the test split is asked for.
        UserError: If it is not such a table.
    """
    if split == "test":
        raise NoTestSplitError(f"{path} has no test rows: give an .npz with rows, labels, test_rows and test_labels")
    lines = _read(path)
    first = lines[0][1]
    has_header = not all(_number(field) is not None for field in first)
    names = [field.strip() for field in first] if has_header else []
    if has_header:
        _refuse_row_as_header(path, first)
        _check_header(path, names)
    body = lines[1:] if has_header else lines
    if not body:
        raise UserError(f"{path} has a header and no rows: give at least two rows of numbers")
    label = next((i for i, name in enumerate(names) if name.lower() in LABEL_COLUMNS), None)
    if label is not None and len(names) == 1:
        raise UserError(f"{path} has the column {names[label]!r} alone: give columns of numbers beside it")
    columns = [i for i in range(len(first)) if i != label]
    titles = [f"column {names[i]!r}" if names else f"column {i + 1}" for i in columns]
    rows = np.array([_numbers(path, line, [fields[i] for i in columns], titles) for line, fields in body])
    sources = {"images": ArraySource(f"{path}: rows", lambda: rows)}
    if label is not None:
        labels = _labels([fields[label].strip() for _, fields in body])
        sources["labels"] = ArraySource(f"{path}: labels", lambda: labels)
    return from_arrays(sources, split, name=path.stem, columns=tuple(names[i] for i in columns) if names else ())


def _refuse_row_as_header(path: Path, first: Sequence[str]) -> None:
    missing = next((field.strip() for field in first if field.strip().lower() in _MISSING), None)
    if missing is not None and any(_number(field) is not None for field in first):
        raise UserError(
            f"{path}: line 1 holds numbers and {missing!r}: fill that in if it is a row, or name every column in words "
            "if it is the header"
        )


def _read(path: Path) -> list[tuple[int, list[str]]]:
    """Return the fields of every line that is not empty, with its number, from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: save it as CSV in UTF-8") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): give a CSV or TSV file") from error
    header = text.lstrip().partition("\n")[0]
    delimiter = next((each for each in _DELIMITERS if each in header), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [(reader.line_num, fields) for fields in reader if any(field.strip() for field in fields)]
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num} cannot be read ({error}): correct it") from error
    if not lines:
        raise UserError(f"{path} is empty: give rows of numbers, separated by commas")
    (at, first), width = lines[0], len(lines[0][1])
    for line, fields in lines:
        if len(fields) != width:
            raise UserError(
                f"{path}: line {line} has {count(len(fields), 'field')} and line {at} has {len(first)}: give every row "
                "as many"
            )
    return lines


def _check_header(path: Path, names: Sequence[str]) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise UserError(
            f"{path}: line 1 names {listed([repr(name) for name in twice])} twice: give every column a name"
        )
    found = [name for name in names if name.lower() in LABEL_COLUMNS]
    if len(found) > 1:
        raise UserError(f"{path}: {' and '.join(map(repr, found))} could both be the labels: rename or leave out one")
    likely = [name for name in names if name.lower() in _LIKELY_LABELS]
    if likely and not found:  # labels among the numbers would reach the encoder
        raise UserError(
            f"{path}: column {likely[0]!r} may hold the labels: name it 'label', or something else if it is a "
            "measurement"
        )


def _numbers(path: Path, line: int, fields: Sequence[str], titles: Sequence[str]) -> list[float]:
    found = []
    for field, title in zip(fields, titles, strict=True):
        number = _number(field)
        if number is None:
            what = f"holds {field.strip()!r}, which is not a number" if field.strip() else "is empty"
            comma = ", with a point before decimals" if _number(field.replace(",", ".")) is not None else ""
            raise UserError(
                f"{path}: line {line}, {title} {what}: put a number there{comma}, or leave the row or the column out; "
                "only a column named label may hold names"
            )
        found.append(number)
    if not all(map(np.isfinite, found)):
        place = next(i for i, number in enumerate(found) if not np.isfinite(number))
        raise UserError(
            f"{path}: line {line}, {titles[place]} holds {fields[place].strip()}, which is not a finite number: fill "
            "it in, or leave the row or the column out"
        )
    return found


def _number(field: str) -> float | None:
    try:
        return None if "_" in field else float(field)  # Python would read 1_000
    except ValueError:
        return None


def _labels(names: Sequence[str]) -> npt.NDArray[Any]:
    """Return labels as whole numbers where all of them are, as in arrays; else as names."""
    given = [name for name in names if name]
    if given and all(_WHOLE.fullmatch(name) for name in given):
        return np.array([int(name) if name else -1 for name in names])
    # 007 and 7 are two names, and -1 is none
    return np.array(["" if name == "-1" else name for name in names], dtype=str)
