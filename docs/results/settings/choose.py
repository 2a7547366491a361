"""Choose the fixed settings of every contender on a development set: 10,000 held-out MNIST training images.

    python docs/results/settings/choose.py

Four candidates for each contender, 100 labels, six subsets with seeds that no reported table uses; the lowest mean
error wins, and what `protocols/contenders.py` holds must be it. Test images are not loaded. The encoders were
pretrained on all 60,000 training images without labels, so of the held-out images only the labels are new. Rows go to
rows.csv beside this file; a second run uses the kept ones.

How it came about, since it bears on how far "fixed beforehand" goes. The number of steps (100, against 200) was
settled first, on IRMAE's joint training, `supervised` and `vib` only, with one IRMAE encoder; those rows were not
kept. A first round of this script had three subsets, and for `supervised` and `vib` other candidates (learning rate
3e-4; beta 1e-2, which collapsed), replaced where the winner lay on the edge. Then the test table was drawn once;
`supervised` had 23.79 +- 2.08 % there at learning rate 3e-3, unsteady enough that the subsets were raised to six,
for all contenders. That changed `supervised` (3e-3 to 2e-3) and `irmae-joint` (learning rate 3e-4, weight 1, to
1e-3, weight 10). The choice was made by the development means alone, but the decision to repeat it was prompted by
a look at test results.
"""

import csv
import dataclasses
import itertools
import statistics
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
    "linear_probe": {"C": [0.01, 0.1, 1.0, 10.0]},
    "joint": {"learning_rate": [3e-4, 1e-3], "reconstruction_weight": [1.0, 10.0]},
    "supervised": {"learning_rate": [1e-3, 2e-3, 3e-3, 5e-3]},
    "vib": {"learning_rate": [1e-3, 3e-3], "beta": [1e-4, 1e-3]},
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


def main() -> int:
    """Run all candidates, write the rows, print means and winners; return 1 if a winner is not the setting in force."""
    data = load_data("mnist", scored_on="development")
    cpu = torch.device("cpu")
    encoders = {
        method: encoder_of_method(method, data, dataset="mnist", device=cpu, data_dir=None, train=_refuse)
        for method in needed_methods(CONTENDERS.values())
    }
    spec = Spec(
        budgets=(100,),
        seeds=(100, 101, 102, 103, 104, 105),
        rule="balanced",
        scored_on="development",
        precision=find_precision("auto", cpu),
        device="cpu",
    )
    known = candidates()
    rows = [outcome.row for outcome in Grid(spec, data, known, encoders, Store(Path("runs/settings.sqlite"))).run()]
    with (HERE / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["candidate", "budget", "seed", "error", "n_scored", "subset", "encoder_hash", "computed_with"])
        for r in rows:
            encoder = r.encoder_hash or ""
            writer.writerow([r.contender, r.budget, r.seed, r.error, r.n_scored, r.subset, encoder, r.computed_with])
    wrong = 0
    for name, contender in CONTENDERS.items():
        means = {
            label: statistics.mean(row.error for row in rows if row.contender == label)
            for label in known
            if label.split()[0] == name
        }
        winner = min(means, key=means.__getitem__)
        for label, mean in means.items():
            sys.stdout.write(f"{mean:6.2f} %  {label}{'  <- lowest' if label == winner else ''}\n")
        if dict(known[winner].settings) != dict(contender.settings):
            sys.stdout.write(f"{name}: the settings in force are {dict(contender.settings)}\n")
            wrong = 1
    return wrong


def _refuse(*_: object) -> None:
    sys.exit("the bundled MNIST encoders are missing")


if __name__ == "__main__":
    sys.exit(main())
