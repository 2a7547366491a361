"""Choose the fixed settings of every contender on a development set: the last 10,000 MNIST training images.

    python docs/results/settings/choose.py

Four candidates for each contender, 100 labels, three subsets with seeds that no reported table uses; the lowest mean
error wins. Test images are not loaded. Rows go to rows.csv beside this file, and a second run uses the kept ones.
"""

import csv
import dataclasses
import itertools
import sys
from pathlib import Path

import torch

from ssl_irmae.compute import find_precision
from ssl_irmae.protocols.contenders import CONTENDERS, Contender
from ssl_irmae.protocols.data import load_data
from ssl_irmae.protocols.grid import Grid, Spec
from ssl_irmae.protocols.pretrained import encoder_of_method, needed_methods
from ssl_irmae.protocols.results import Store

HERE = Path(__file__).parent
CANDIDATES: dict[str, dict[str, list[float]]] = {
    "linear_probe": {"C": [0.1, 1.0, 10.0, 100.0]},
    "joint": {"learning_rate": [3e-4, 1e-3], "reconstruction_weight": [1.0, 10.0]},
    "supervised": {"learning_rate": [3e-4, 1e-3, 2e-3, 3e-3]},
    "vib": {"learning_rate": [3e-4, 1e-3], "beta": [1e-3, 1e-2]},
}


def candidates() -> dict[str, Contender]:
    """Name every candidate by contender and settings."""
    found = {}
    for name, contender in CONTENDERS.items():
        grid = CANDIDATES[contender.readout.__name__]
        for values in itertools.product(*grid.values()):
            chosen = dict(zip(grid, values, strict=True))
            label = " ".join([name, *(f"{key}={value:g}" for key, value in chosen.items())])
            found[label] = dataclasses.replace(contender, settings={**contender.settings, **chosen})
    return found


def main() -> None:
    """Run all candidates, print the mean errors, write the rows."""
    data = load_data("mnist", scored_on="development")
    encoders = {
        method: encoder_of_method(
            method,
            dataset="mnist",
            fingerprint=data.source_fingerprint,
            device="cpu",
            data_dir=None,
            train=lambda *_: sys.exit("the bundled MNIST encoders are missing"),
        )
        for method in needed_methods(CONTENDERS.values())
    }
    spec = Spec(
        budgets=(100,),
        seeds=(100, 101, 102),
        rule="balanced",
        scored_on="development",
        precision=find_precision("auto", torch.device("cpu")),
        device="cpu",
    )
    grid = Grid(spec, data, candidates(), encoders, Store(Path("runs/settings.sqlite")))
    rows = []
    for outcome in grid.run():
        row = outcome.row
        rows.append([row.contender, row.budget, row.seed, row.error, row.n_scored, row.subset, row.encoder_hash])
        sys.stdout.write(f"{row.contender:55} seed {row.seed}: {row.error:6.2f} %  {outcome.seconds:5.1f} s\n")
        sys.stdout.flush()
    with (HERE / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["candidate", "budget", "seed", "error", "n_scored", "subset", "encoder_hash"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
