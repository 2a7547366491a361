"""The tables of docs/results/coverage, from the rows beside them; docs/tables.py writes them into the document."""

import statistics

from docs.markdown import Row, grouped, read_rows, table
from ssl_irmae.protocols.statistics.coverage import WORTH_FROM

FOLDER = "coverage"


def blocks() -> dict[str, str]:
    """Return the generated blocks by name."""
    measured = read_rows("coverage.csv", FOLDER)
    return {
        "differences": _kinds([row for row in measured if row["of"] == "difference"]),
        "errors": _kinds([row for row in measured if row["of"] == "error"]),
        "method": _kinds(read_rows("method.csv", FOLDER)),
        "worth": _worth_kinds(),
    }


def sentence() -> str:
    """Say how often intervals over ten subsets held the true value."""
    by = t_coverage()
    (difference, worst_difference), (error, worst_error) = by["difference"][10], by["error"][10]
    return (
        "- Tried on frozen readouts of ten MNIST labels, 95 % intervals over ten subsets held the true difference in "
        f"{difference} % of draws (worst pair: {worst_difference} %), but the true mean error in only {error} % "
        f"(worst readout: {worst_error} %), because a few readouts, rarely, fail badly "
        "([measured](docs/results/coverage/README.md)). The median and the worst subset stand next to such a mean."
    )


def t_coverage() -> dict[str, dict[int, tuple[int, int]]]:
    """Return how often t intervals covered, of differences and of errors, by n: percent on average, and at worst."""
    found: dict[str, dict[int, tuple[int, int]]] = {}
    measured = [row for row in read_rows("coverage.csv", FOLDER) if row["kind"] == "t"]
    for (of, n), group in grouped(measured, "of", "n").items():
        found.setdefault(of, {})[int(n)] = (round(_mean(group)), round(_worst(group)))
    return found


def worth_coverage() -> tuple[int, int]:
    """Return how often the printed intervals of worth covered: percent on average, and at worst."""
    measured = [
        row for row in read_rows("worth.csv", FOLDER) if row["kind"] == "expanded" and int(row["n"]) >= WORTH_FROM
    ]
    return round(_mean(measured)), round(_worst(measured))


def worth_coverage_at(labels: int) -> tuple[int, int]:
    """Return the same of contenders with so many labels."""
    rows = read_rows("worth.csv", FOLDER)
    measured = [row for row in rows if row["kind"] == "expanded" and int(row["labels"]) == labels]
    return round(_mean(measured)), round(_worst(measured))


def _worth_kinds() -> str:
    by_labels = grouped(read_rows("worth.csv", FOLDER), "labels")
    kinds = list(dict.fromkeys(row["kind"] for group in by_labels.values() for row in group))
    lines = []
    for labels in sorted(by_labels, key=lambda key: int(key[0])):
        cells = [[row for row in by_labels[labels] if row["kind"] == kind] for kind in kinds]
        lines.append([f"{int(labels[0]):,}", *map(_cell, cells)])
    return table(" | ".join(["labels", *kinds]), lines)


def _kinds(measured: list[Row]) -> str:
    kinds = list(dict.fromkeys(row["kind"] for row in measured))
    lines = []
    for (n,), group in grouped(measured, "n").items():
        cells = [[row for row in group if row["kind"] == kind] for kind in kinds]
        lines.append([n, *map(_cell, cells)])
    return table(" | ".join(["n", *kinds]), lines)


def _cell(group: list[Row]) -> str:
    return f"{_mean(group):.1f} ({_worst(group):.0f}; {_width(group)})"


def _mean(group: list[Row]) -> float:
    return 100 * statistics.mean(float(row["coverage"]) for row in group)


def _worst(group: list[Row]) -> float:
    return 100 * min(float(row["coverage"]) for row in group)


def _width(group: list[Row]) -> str:
    return f"{statistics.median(float(row['width']) for row in group):.2f}"
