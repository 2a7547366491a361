"""What docs/results/several-devices says, from its rows."""

import csv
from pathlib import Path

_ROWS = Path(__file__).parent / "results" / "several-devices" / "losses.csv"


def table() -> str:
    """Compare the losses of one and of two processes, by method."""
    rows = list(csv.DictReader(_ROWS.read_text().splitlines()))
    lines = [
        "| method | steps | loss after the first | after the last | largest relative difference | s, one | s, two |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for method in dict.fromkeys(row["method"] for row in rows):
        one, two = ([r for r in rows if (r["method"], r["processes"]) == (method, n)] for n in ("1", "2"))
        a, b = ([float(row["loss"]) for row in of] for of in (one, two))
        largest = max(abs(x - y) / x for x, y in zip(a, b, strict=True))
        cells = (
            method,
            len(a),
            f"{a[0]:.4f}",
            f"{a[-1]:.4f}",
            f"{largest:.1e}",
            one[-1]["seconds"],
            two[-1]["seconds"],
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
