"""The table that a person fills in, with the columns path and label, and which is never written over unread."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ssl_irmae._support.files import write_atomically
from ssl_irmae.datasets.label_table import columns_of, rows_of, same_form, text_of
from ssl_irmae.errors import UserError

_COLUMNS = ("path", "label")
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True)
class LabelSheet:
    """A table of labels as it was read, or one that does not exist yet.

    Args:
        file: Where it is.
        content: What the file held; None if it did not exist.
        labels: The labels that have been filled in, by ``plain_path``.
    """

    file: Path
    content: bytes | None
    labels: dict[str, str]

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read the table, which a spreadsheet may have saved with semicolons or tabs for commas.

        Raises:
            UserError: If it has other columns or rows that do not fit, since rewriting it would lose them.
        """
        if not file.exists():
            return cls(file, None, {})
        content = file.read_bytes()
        return cls(file, content, _labels(text_of(content, file), file))

    def replace(self, rows: Iterable[tuple[str, str]]) -> None:
        """Write rows of path and label in place of what was read.

        Raises:
            UserError: If somebody has changed the file since it was read.
        """
        if (self.file.read_bytes() if self.file.exists() else None) != self.content:
            raise UserError(
                f"{self.file} was changed while suggestions were sought, so it is left as it is: run the same again"
            )
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        # a spreadsheet would take such a name for a formula, and save its result in its place
        writer.writerows((f"./{path}" if path.startswith(_FORMULA) else path, label) for path, label in rows)
        write_atomically(self.file, text.getvalue())


def plain_path(path: str) -> str:
    """Write a path in the form in which paths are compared.

    >>> plain_path("./cat/1.png")
    'cat/1.png'
    """
    return same_form(path.strip().removeprefix("./"))


def _labels(text: str, file: Path) -> dict[str, str]:
    columns, delimiter = columns_of(text)
    if sorted(columns) != sorted(_COLUMNS):
        raise UserError(
            f"{file} has the columns {', '.join(columns) or 'of an empty file'}, not path and label, and would be "
            "written over: move it, or set `out` to another folder"
        )
    labels: dict[str, str] = {}
    for row in rows_of(text, columns, delimiter, file):
        path = plain_path(row.path)
        if not path:
            raise UserError(
                f"{file}: line {row.line} has the label {row.label!r} and no path: write the picture's path"
            )
        if row.label and labels.setdefault(path, row.label) != row.label:
            raise UserError(
                f"{file}: line {row.line}: {path} is {row.label!r} here and {labels[path]!r} above: keep one of them"
            )
    return labels
