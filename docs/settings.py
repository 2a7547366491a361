"""The table of docs/results/settings, from the rows beside it; docs/tables.py writes it."""

from pathlib import Path

from docs.markdown import grouped, mean_error, read_rows, table, with_error

FOLDER = Path(__file__).parent / "results" / "settings"
BASELINE = "poisson-prior"


def blocks() -> dict[str, str]:
    """Return the generated blocks by name."""
    return {"cutssl": cutssl_table()}


def cutssl_table() -> str:
    """Lay out the errors of `cutssl` beside those of `poisson-prior`, and differences on the same subsets."""
    rows = read_rows("cutssl.csv", "settings")
    readouts = [readout for readout in dict.fromkeys(row["readout"] for row in rows) if readout != BASELINE]
    lines = []
    for (dataset, representation, labels), group in grouped(rows, "dataset", "representation", "labels").items():
        by = {readout: each for (readout,), each in grouped(group, "readout").items()}
        cells = [mean_error(by[BASELINE])]
        for readout in readouts:
            pairs = zip(by[readout], by[BASELINE], strict=True)
            differences = [float(a["error"]) - float(b["error"]) for a, b in pairs]
            cells += [mean_error(by[readout]), with_error(differences, sign="+")]
        lines.append((f"{dataset}, {representation}, {int(labels):,} labels", *cells))
    head = " | ".join(f"`cutssl`{readout.removeprefix('cutssl')} | Δ" for readout in readouts)
    return table(f"error % | `{BASELINE}` | {head}", lines)
