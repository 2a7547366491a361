"""The tables of docs/results/coverage, from the rows beside them; docs/tables.py writes them into the document."""

import statistics

from docs.few_labels import Row, grouped, rows, table

FOLDER = "coverage"


def blocks() -> dict[str, str]:
    """Return the generated blocks by name."""
    measured = rows("coverage.csv", FOLDER)
    return {
        "differences": _kinds([row for row in measured if row["of"] == "difference"]),
        "errors": _kinds([row for row in measured if row["of"] == "error"]),
        "method": _kinds(rows("method.csv", FOLDER)),
    }


def sentence() -> str:
    """Say how often intervals over ten subsets held the true value."""
    by = t_coverage()
    (difference, _), (error, _) = by["difference"][10], by["error"][10]
    return (
        f"- 95 % intervals over ten subsets, of ten labels each, held the true difference in {difference} % of draws "
        f"and the true mean error in {error} %, because some readouts, rarely, fail badly "
        "([measured](docs/results/coverage/README.md)). The median and the worst subset are shown beside such a mean."
    )


def t_coverage() -> dict[str, dict[int, tuple[int, int]]]:
    """Return how often t intervals covered, of differences and of errors, by n: percent on average, and at worst."""
    found: dict[str, dict[int, tuple[int, int]]] = {}
    measured = [row for row in rows("coverage.csv", FOLDER) if row["kind"] == "t"]
    for (of, n), group in grouped(measured, "of", "n").items():
        found.setdefault(of, {})[int(n)] = (round(_mean(group)), round(_worst(group)))
    return found


def _kinds(measured: list[Row]) -> str:
    kinds = list(dict.fromkeys(row["kind"] for row in measured))
    lines = []
    for (n,), group in grouped(measured, "n").items():
        cells = [[row for row in group if row["kind"] == kind] for kind in kinds]
        lines.append([n, *(f"{_mean(cell):.1f} ({_worst(cell):.0f}; {_width(cell)})" for cell in cells)])
    return table(" | ".join(["n", *kinds]), lines)


def _mean(group: list[Row]) -> float:
    return 100 * statistics.mean(float(row["coverage"]) for row in group)


def _worst(group: list[Row]) -> float:
    return 100 * min(float(row["coverage"]) for row in group)


def _width(group: list[Row]) -> str:
    return f"{statistics.median(float(row['width']) for row in group):.2f}"
