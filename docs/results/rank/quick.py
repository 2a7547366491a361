"""Collect the trials on MNIST that look for the quality of the paper's recipe in less time: quick.csv beside this file.

    python -m docs.results.rank.quick

Runs those that are missing; settings that are not named are those of `trial.py`. Errors are means over ten subsets, in
percent. The first trials of the dial are among them.
"""

import csv
import json
from pathlib import Path
from typing import Any

from docs.results.rank.dial import finished
from docs.results.rank.trial import BUDGETS, SEEDS, WORK, Settings, measure, run
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.protocols.task import Task, load_task

TAIL: dict[str, Any] = {"schedule": "tail"}
NARROW: dict[str, Any] = {**TAIL, "method": "ae", "lr": 1e-3}
TRIALS: tuple[dict[str, Any], ...] = (
    {**TAIL, "epochs": 5},
    {**TAIL},
    {**TAIL, "depth": 4, "epochs": 5},
    {**TAIL, "depth": 2, "epochs": 5},
    {**TAIL, "depth": 2, "width": 10, "tail": 0.5},
    {**TAIL, "depth": 2, "width": 8, "lr": 1e-3, "tail": 0.5},
    {**TAIL, "init": "orthogonal", "tail": 0.5, "epochs": 5},
    {"ema": 0.999, "lr": 1e-3, "epochs": 5},
    {**NARROW, "width": 12, "tail": 0.5, "epochs": 5},
    {**NARROW, "width": 9, "tail": 0.7},
    {**NARROW, "width": 8, "tail": 0.5, "epochs": 5},
    {**NARROW, "width": 8, "tail": 0.7, "epochs": 8},
    {**NARROW, "width": 8},
    {**NARROW, "width": 8, "tail": 0.7, "batch": 16, "lr": 7e-4},
    *({**NARROW, "width": 8, "tail": 0.5, "seed": seed} for seed in range(3)),
)
REFERENCE = "the paper's recipe: 100 epochs, the bundled encoder"


def reference(task: Task) -> dict[str, Any]:
    """Measure the bundled encoder, once, as trials are measured; its pretraining saw the held-out images too."""
    kept = WORK / "reference.json"
    if not kept.exists():
        found = measure(Encoder.from_pretrained("mnist-irmae").autoencoder, task, graph=False)
        kept.write_text(json.dumps(found))
    measured: dict[str, Any] = json.loads(kept.read_text())
    return measured


def main() -> None:
    """Run what is missing and write the rows."""
    task = load_task("mnist", scored_on="development")
    measured = {REFERENCE: reference(task)}
    for trial in TRIALS:
        c = Settings(**trial, graph="never")
        run(c)
        measured[f"{c.name}, {c.epochs} epochs"] = finished(c)
    lines: list[list[object]] = [["settings", "rank", "mse", "labels", "subset", "error"]]
    for name, row in measured.items():
        for labels in BUDGETS:
            errors = row["linear"][str(labels)]
            lines += [[name, row["rank"], row["mse"], labels, s, e] for s, e in zip(SEEDS, errors, strict=True)]
    with Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main()
