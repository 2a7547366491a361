"""Run networks on Fashion-MNIST with settings chosen on it, beside those chosen on MNIST: travel.csv beside this file.

    python docs/results/settings/choose.py --dataset fashion-mnist GROUP ...
    python -m docs.results.settings.travel

A contender of the preset fashion-mnist-full whose best candidate on Fashion-MNIST's development images is not the
setting in force is run again with it, on the same subsets of the test protocol and with as many steps. Where the best
candidate is the setting in force there is nothing to run. A second run uses the stored trials. What networks make of
MNIST's settings is in docs/results/fashion-mnist-label-budgets.
"""

import csv
import json
import sys
from pathlib import Path

import torch

from docs.results.settings.choose import winners
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS, SETTING_GROUPS
from ssl_irmae.protocols.plan import Plan
from ssl_irmae.protocols.presets import find_preset
from ssl_irmae.protocols.representations.pretrained import encoder_of_method, needed_methods
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import load_task

ROWS = Path(__file__).with_name("travel.csv")
STORE = Path("runs/travel.sqlite")
COLUMNS = (
    "contender",
    "given",
    "budget",
    "seed",
    "error",
    "n_scored",
    "subset",
    "encoder_hash",
    "computed_with",
    "key",
)


def own_settings(dataset: str) -> dict[str, Contender]:
    """Return the networks whose best candidate on a data set is not the setting in force, with that candidate."""
    found = {}
    for group, best in winners(dataset).items():
        for name in SETTING_GROUPS[group]:
            contender = CONTENDERS[name].with_settings(**best)
            if contender.given and not contender.frozen:
                found[name] = contender
    return found


def main() -> None:
    """Run what is missing and write the rows."""
    preset = find_preset("fashion-mnist-full")
    assert preset.precision is not None
    own = own_settings(preset.dataset)
    shared = [(part, tuple(name for name in part.contenders if name in own)) for part in preset.parts]
    parts = tuple(part.model_copy(update={"contenders": names}) for part, names in shared if names)
    run = {name: own[name] for part in parts for name in part.contenders}
    task, cpu = load_task(preset.dataset, scored_on="test"), torch.device("cpu")
    encoders = {
        method: (encoder_of_method(method, task, dataset=preset.dataset, device=cpu, data_dir=None),)
        for method in needed_methods(run.values())
    }
    plan = Plan(parts, run, next(iter(run)), preset.dataset, scored_on="test", precision=preset.precision)
    lines = []
    for outcome in Grid(plan, task, encoders, Store(STORE), processes=2).run():
        row = outcome.row
        given = json.dumps({name: row.settings[name] for name in own[row.contender].given})
        columns = {**{name: getattr(row, name) for name in COLUMNS if name != "given"}, "given": given}
        lines.append({**columns, "encoder_hash": row.encoder_hash or ""})
        sys.stderr.write(f"{row.error:6.2f} %  {row.contender} {given}, {row.budget} labels, seed {row.seed}\n")
    with ROWS.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


if __name__ == "__main__":
    main()
