"""Turn the dial from the plain autoencoder to the lowest rank, and measure what codes are worth: dial.csv beside this.

    python -m docs.results.rank.dial

A place on the dial is a depth of the linear stack, or a width of a plain autoencoder's code, which is the other way to
fewer dimensions. Every place is pretrained for five epochs on the development images of MNIST and of Fashion-MNIST from
three seeds, by `trial.py`; a second run uses what is stored. `linear` at ten labels is measured here once more,
because its rule changed after the first trials had run. Test images are not loaded.
"""

import csv
import json
from pathlib import Path
from typing import Any

from docs.results.rank.trial import ROWS, WORK, Settings, errors_of, load, run
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.protocols.task import Task, load_task

FILE = Path(__file__).with_suffix(".csv")
DATASETS, SEEDS, EPOCHS = ("mnist", "fashion-mnist"), (0, 1, 2), 5
PLACES: dict[str, dict[str, Any]] = {
    "depth 8": {"depth": 8},
    "depth 4": {"depth": 4},
    "depth 2": {"depth": 2},
    "AE": {"depth": 0},
    "AE, 8 wide": {"method": "ae", "width": 8},
}
"""What is varied at each place, by the name that tables use."""


def settings(dataset: str, place: str, seed: int) -> Settings:
    """Return the settings of the trial of a place."""
    return Settings(dataset=dataset, **PLACES[place], epochs=EPOCHS, schedule="tail", seed=seed)


def finished(c: Settings) -> dict[str, Any]:
    """Return what was measured at the end of a trial."""
    lines = [json.loads(line) for line in ROWS.read_text().splitlines()]
    return next(row for row in reversed(lines) if row["name"] == c.name and row["epoch"] == c.epochs)


def linear_errors(c: Settings, task: Task) -> dict[str, list[float]]:
    """Return the errors of `linear`, those at ten labels measured anew, once."""
    kept = WORK / "lab" / c.name / "linear-10.json"
    if not kept.exists():
        ae = load(c)
        z, scored = (encode(ae, images.images, reads="code") for images in (task.train, task.scored))
        kept.write_text(json.dumps(errors_of(z, scored, task, graph=False, budgets=(10,))["linear"]))
    found: dict[str, list[float]] = {**finished(c)["linear"], **json.loads(kept.read_text())}
    return found


def main() -> None:
    """Run what is missing and write the rows."""
    lines: list[list[object]] = [
        ["dataset", "place", "pretrain_seed", "rank", "mse", "readout", "labels", "subset", "error"]
    ]
    for dataset in DATASETS:
        task = load_task(dataset, scored_on="development")
        for place in PLACES:
            for seed in SEEDS:
                c = settings(dataset, place, seed)
                run(c)
                row = finished(c)
                for readout, errors in (("linear", linear_errors(c, task)), ("poisson-prior", row["prior"])):
                    for labels, each in errors.items():
                        for subset, error in enumerate(each, start=200):
                            lines.append(
                                [dataset, place, seed, row["rank"], row["mse"], readout, labels, subset, error]
                            )
    with FILE.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main()
