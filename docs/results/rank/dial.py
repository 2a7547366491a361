"""Turn the dial from the plain autoencoder to the lowest rank, and measure what codes are worth: dial.csv beside this.

    python -m docs.results.rank.dial

A place on the dial is a depth of the linear stack; a stack of depth 4 with weight decay, a smaller start, a larger
learning rate or twice as long a training; or a width of a plain autoencoder's code, which is the other way to fewer
dimensions. Every place is pretrained for five epochs on the development images of MNIST and of Fashion-MNIST from
three seeds, by `trial.py`. Places whose rows are in dial.csv are not run again. Test images are
not loaded.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docs.results.rank.trial import ROWS, Settings, run

DATASETS, SEEDS, EPOCHS = ("mnist", "fashion-mnist"), (0, 1, 2), 5
PLACES: dict[str, dict[str, Any]] = {
    "depth 8": {"depth": 8},
    "depth 4": {"depth": 4},
    "depth 2": {"depth": 2},
    "AE": {"depth": 0},
    "AE, 8 wide": {"method": "ae", "width": 8},
    "depth 4, decay 0.1": {"depth": 4, "decay": 0.1},
    "depth 4, decay 1": {"depth": 4, "decay": 1.0},
    "depth 4, half the start": {"depth": 4, "init_scale": 0.5},
    "depth 4, twice the rate": {"depth": 4, "lr": 1e-3},
    "depth 4, twice as long": {"depth": 4, "epochs": 2 * EPOCHS},
}
"""What is varied at each place, by the name that tables use."""


def settings(dataset: str, place: str, seed: int) -> Settings:
    """Return the settings of the trial of a place."""
    return Settings(dataset=dataset, **{"epochs": EPOCHS, **PLACES[place]}, schedule="tail", seed=seed)


def finished(c: Settings) -> dict[str, Any]:
    """Return what was measured at the end of a trial."""
    lines = [json.loads(line) for line in ROWS.read_text().splitlines()]
    return next(row for row in reversed(lines) if row["name"] == c.name and row["epoch"] == c.epochs)


def rows_of(dataset: str, place: str, seed: int) -> list[list[object]]:
    """Return the rows of a place, after running what is missing of its trial."""
    c = settings(dataset, place, seed)
    run(c)
    row = finished(c)
    return [
        [dataset, place, seed, row["rank"], row["mse"], readout, labels, subset, error]
        for readout, errors in (("linear", row["linear"]), ("poisson-prior", row["prior"]))
        for labels, each in errors.items()
        for subset, error in enumerate(each, start=200)
    ]


class Rows:
    """The rows of a CSV of this folder, by data set and place of the dial.

    Args:
        name: The file's name; its first two columns are the data set and the place.
    """

    def __init__(self, name: str) -> None:
        self.file = Path(__file__).with_name(name)
        with self.file.open(newline="", encoding="utf-8") as file:
            self.head, *stored = csv.reader(file)
        self.lines: dict[tuple[str, str], list[Sequence[object]]] = {}
        for line in stored:
            self.lines.setdefault((line[0], line[1]), []).append(line)

    def missing(self, dataset: str) -> list[str]:
        """Return the places of the dial that have no rows."""
        return [place for place in PLACES if (dataset, place) not in self.lines]

    def add(self, dataset: str, place: str, lines: Sequence[Sequence[object]]) -> None:
        """Add the rows of a place and write the file, in the order of the dial."""
        self.lines[dataset, place] = list(lines)
        ordered = [line for d in DATASETS for p in PLACES for line in self.lines.get((d, p), ())]
        with self.file.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out, lineterminator="\n").writerows([self.head, *ordered])


def main() -> None:
    """Run what is missing and write the rows."""
    rows = Rows("dial.csv")
    for dataset in DATASETS:
        for place in rows.missing(dataset):
            rows.add(dataset, place, [line for seed in SEEDS for line in rows_of(dataset, place, seed)])


if __name__ == "__main__":
    main()
