"""Rows of stored results, and the Markdown tables that are made from them."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from ssl_irmae.protocols.statistics.summary import mean_and_standard_error

RESULTS = Path(__file__).parent / "results"
Row = dict[str, str]


def read_rows(name: str, folder: str) -> list[Row]:
    """Read a CSV of a folder of docs/results."""
    with (RESULTS / folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def grouped(every: Iterable[Row], *columns: str) -> dict[tuple[str, ...], list[Row]]:
    """Group rows by columns, in order of first appearance."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in every:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return groups


def table(head: str, lines: Iterable[Iterable[str]]) -> str:
    """Lay out a Markdown table whose first column is text and whose others are numbers."""
    columns = head.count("|") + 1
    ruler = "|".join(["---", *["---:"] * (columns - 1)])
    return "\n".join([f"| {head} |", f"|{ruler}|", *(f"| {' | '.join(line)} |" for line in lines)])


def with_error(values: Sequence[float], digits: int = 2, sign: str = "") -> str:
    """Write the mean of values and its standard error, which one value does not have.

    >>> with_error([1.0, 2.0, 3.0]), with_error([1.0], 1, "+")
    ('2.00 ± 0.58', '+1.0')
    """
    mean, error = mean_and_standard_error(values)
    return f"{mean:{sign}.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")


def mean_error(group: Iterable[Row], column: str = "error") -> str:
    """Write the mean of a column and its standard error over the rows."""
    return with_error([float(row[column]) for row in group])
