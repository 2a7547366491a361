"""The table of docs/results/engines, from the rows beside it; docs/tables.py writes it into the document."""

from docs.markdown import read_rows, table


def engines() -> str:
    """Lay out what came of each engine."""
    lines = [
        (
            f"`{row['engine']}`" if row["engine"] != "serial" else "one process",
            f"{row['trials']} on {row['workers']}",
            "yes" if row["equal"] == "True" else "no",
            row["killed"],
            row["run_again"] if row["commands"] == "1" else "the command was given again",
            row["fresh_seconds"],
            row["seconds"],
            row["first_seconds"],
            row["overhead_ms"],
            row["runs"],
        )
        for row in read_rows("engines.csv", "engines")
    ]
    head = "engine | trials on workers | rows equal | workers killed | trials run again | afterwards, s | whole run, s"
    return table(f"{head} | first trial, s | overhead per trial, ms | 60 trials ran", lines)
