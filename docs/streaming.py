"""The table of docs/results/streaming, from the rows beside it; docs/tables.py writes it into the document."""

from docs.markdown import Row, read_rows, table


def blocks() -> dict[str, str]:
    """Return the generated block by name."""
    measured = read_rows("streaming.csv", "streaming")
    head = (
        "images | images/s | relative to resident | encoded per s | seconds to load | most data, MB "
        "| most anonymous, MB | read while training, MB"
    )
    first = measured[0]
    what = (
        f"{int(first['images']):,} images, {int(first['bytes']) / 1e6:,.0f} MB in all; allowed are "
        f"{int(measured[1]['allowed']) / 1e6:,.0f} MB, a fifth of it."
    )
    return {"streaming": f"{what}\n\n{table(head, [_cells(row) for row in measured])}"}


def _cells(row: Row) -> list[str]:
    relative = f"{float(row['relative']):.2f} ({float(row['relative_least']):.2f} to {float(row['relative_most']):.2f})"
    return [
        row["form"],
        f"{float(row['images_per_second']):,.0f}",
        relative if row["allowed"] else "1",
        f"{int(row['encoded_per_second']):,}",
        row["seconds_to_load"],
        f"{int(row['data_mb']):,}",
        f"{int(row['anonymous_mb']):,}",
        f"{int(row['read_mb']):,}",
    ]
