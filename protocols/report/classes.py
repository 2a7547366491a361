"""What the classes of the scored images say beside the error of all: how common they are, and each class's error."""

from collections.abc import Sequence

from ssl_irmae.protocols.report.note import Note, on_columns, upper_first
from ssl_irmae.protocols.storage.rows import Row

_UNBALANCED = 1.5  # times as many images in the largest class as in the smallest
_MOST_CLASSES = 30  # columns that a page can show


def unbalanced(row: Row) -> bool:
    """Return whether some class has many more scored images than another; not where a row does not record it."""
    present = [n for n in (row.scored_classes or {}).values() if n]
    return bool(present) and max(present) > _UNBALANCED * min(present)


def class_notes(row: Row) -> list[Note]:
    """Say what a guess without learning achieves and, of unequal classes, what the balanced error is."""
    if row.scored_classes is None or row.constant_error is None:
        return []
    guess = f"always guessing the most common class makes {row.constant_error:.1f} % errors"
    if not unbalanced(row):
        return [Note("classes", f"{upper_first(guess)}.")]
    present = [n for n in row.scored_classes.values() if n]
    text = (
        f"The scored classes are unequal ({min(present):,} to {max(present):,} {row.noun}s): balanced % is the mean "
        f"over classes of each class's error, and {guess}."
    )
    return [
        on_columns(
            "classes",
            text,
            {"balanced %": "Classes are unequal: balanced % is the mean over classes", "error % ± SE": guess},
        )
    ]


def lay_out_classes(rows: Sequence[Row], contenders: Sequence[str]) -> list[list[str]]:
    """Lay mean errors of each class out as text: a head, then a line per contender and budget, percent.

    Args:
        rows: Rows of one protocol.
        contenders: Those that are shown.

    Returns:
        No line where rows do not record classes, or where there are too many for a page.
    """
    classes = rows[0].scored_classes
    if classes is None or len(classes) > _MOST_CLASSES:
        return []
    found: dict[tuple[str, int], list[tuple[float | None, ...]]] = {}
    for row in rows:
        if row.contender in contenders and row.class_errors is not None:
            found.setdefault((row.contender, row.budget), []).append(row.class_errors)
    head = ["contender", "labels", *(f"{name} ({n:,})" for name, n in classes.items())]
    return [head, *([name, f"{b:,}", *map(_mean, zip(*errors, strict=True))] for (name, b), errors in found.items())]


def _mean(errors: Sequence[float | None]) -> str:
    known = [error for error in errors if error is not None]
    return f"{sum(known) / len(known):.1f}" if known else "-"
