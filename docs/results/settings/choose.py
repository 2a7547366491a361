"""Choose the fixed settings of every contender on a development set: 10,000 held-out training images, of MNIST.

    python docs/results/settings/choose.py [GROUP ...]
    python docs/results/settings/choose.py --dataset fashion-mnist GROUP ...

A group shares its settings: a readout on all representations, a learner from all pretrained encoders, or one learner
from scratch. Each has four candidates (`protocols/contenders/candidates.py`). Readouts are judged on six subsets of 10
and of 100 labels; networks, which take ten to a hundred times as long, on two subsets of 100 with 300 steps (mnist-full
has 600 and more). The subsets have seeds that no reported table uses. The lowest mean error over representations,
budgets and subsets wins, and `protocols/contenders/settings.py` must hold it: one setting per group, so that no
representation is tuned more than another. Test images are not loaded. The encoders were pretrained on all 60,000
training images without labels, so of the held-out images only the labels are new. Transductive readouts take the
settings of the inductive ones, and propagate-prior those of propagate and of poisson-prior; centroid and poisson have
none to choose (10 neighbours, as in Calder et al., 2020). The rows replace those of the same groups in rows.csv beside
this file; a second run uses the stored trials. With another data set the same is done on its images, and its rows are
in a file of its name: they change no setting, but tell what its own would be.

How the candidates came about, and what had been seen by then, is in docs/results/LOG.md: ranges were narrowed by hand
first, on subsets 100 to 105 of the same development images and mostly with the IRMAE encoder, and some were shifted
once for a winner at the edge. Set by hand and not among the candidates: the neighbours of graphs; C, rounds and
unlabelled images of self-training; k and images per class of metric; the weight 0 of reconstructions in
consistency and propagate; and how the layers of supervised-irmae start (supervised_irmae.py).
"""

import argparse
import csv
import itertools
import json
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

import torch

from ssl_irmae._support.compute import find_precision
from ssl_irmae.protocols.contenders.candidates import CANDIDATES, CHOSEN_ON
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS, SETTING_GROUPS
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.representations.pretrained import encoder_of_method, needed_methods
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.storage.rows import Row
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import load_task

HERE = Path(__file__).parent
STORE = Path("runs/settings.sqlite")
STEPS = 300
COLUMNS = ("contender", "tried", "budget", "seed", "error", "n_scored", "subset", "encoder_hash", "computed_with")


class Candidate(NamedTuple):
    """A contender with settings that are tried.

    Args:
        name: The contender's name.
        tried: The settings that distinguish it from the other candidates of its group.
        contender: The contender with these settings.
    """

    name: str
    tried: dict[str, float]
    contender: Contender


def candidates(group: str) -> list[Candidate]:
    """List every candidate of a group."""
    grid = CANDIDATES[group]
    combinations = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return [
        Candidate(name, tried, CONTENDERS[name].with_steps(STEPS).with_settings(**tried))
        for name in SETTING_GROUPS[group]
        for tried in combinations
    ]


def main() -> int:
    """Run the groups named, write their rows, print means; return 1 if a winner is not the setting in force."""
    parser = argparse.ArgumentParser(description="Choose settings on held-out training images.")
    parser.add_argument("--dataset", default=CHOSEN_ON)
    parser.add_argument("groups", nargs="*", metavar="GROUP", default=list(CANDIDATES))
    asked = parser.parse_args()
    groups, dataset = asked.groups, asked.dataset
    task = load_task(dataset, scored_on="development")
    cpu = torch.device("cpu")
    # rows carry a label each, so that two candidates of one contender are not mistaken for each other
    labelled = {f"{c.name} {i}": c for i, c in enumerate(c for group in groups for c in candidates(group))}
    contenders = {label: candidate.contender for label, candidate in labelled.items()}
    encoders = {
        method: (encoder_of_method(method, task, dataset=dataset, device=cpu, data_dir=None),)
        for method in needed_methods(contenders.values())
    }
    frozen = tuple(label for label, c in contenders.items() if c.frozen)
    trained = tuple(label for label, c in contenders.items() if not c.frozen)
    plan = Plan(
        parts=(
            Part(contenders=frozen, budgets=(10, 100), seeds=(100, 101, 102, 103, 104, 105)),
            Part(contenders=trained, budgets=(100,), seeds=(100, 101)),
        ),
        contenders=contenders,
        baseline=next(iter(contenders)),
        dataset=dataset,
        scored_on="development",
        precision=find_precision("auto", cpu),
    )
    judged = []
    for outcome in Grid(plan, task, encoders, Store(STORE), processes=None).run():
        candidate = labelled[outcome.row.contender]
        judged.append((candidate, outcome.row))
        sys.stderr.write(f"{outcome.row.error:6.2f} %  {candidate.name} {candidate.tried}, seed {outcome.row.seed}\n")
    _write(judged, groups, rows_of(dataset))
    differ = [_judge(group, judged) for group in groups]
    return int(dataset == CHOSEN_ON and any(differ))


def winners(dataset: str) -> dict[str, dict[str, float]]:
    """Return the settings with the lowest mean error by group, from the stored rows of a data set."""
    with rows_of(dataset).open(newline="") as file:
        rows = list(csv.DictReader(file))
    best = {}
    for group, names in SETTING_GROUPS.items():
        errors: dict[str, list[float]] = {}
        for row in rows:
            if row["contender"] in names:
                errors.setdefault(row["tried"], []).append(float(row["error"]))
        if errors:
            best[group] = json.loads(_lowest(errors))
    return best


def rows_of(dataset: str) -> Path:
    """Return where the rows of a data set are."""
    return HERE / ("rows.csv" if dataset == CHOSEN_ON else f"{dataset}.csv")


def _lowest(errors: dict[str, list[float]]) -> str:
    return min(errors, key=lambda tried: statistics.mean(errors[tried]))


def _judge(group: str, judged: list[tuple[Candidate, Row]]) -> bool:
    """Print the mean error of each of a group's candidates; return whether the best is not the setting in force."""
    errors: dict[str, list[float]] = {}
    for candidate, row in judged:
        if candidate.name in SETTING_GROUPS[group]:
            errors.setdefault(json.dumps(candidate.tried), []).append(row.error)
    winner = _lowest(errors)
    for tried, values in errors.items():
        mark = "  <- lowest" if tried == winner else ""
        sys.stdout.write(f"{statistics.mean(values):6.2f} %  {group}: {tried}{mark}\n")
    in_force = CONTENDERS[SETTING_GROUPS[group][0]].settings
    wrong = any(in_force[setting] != value for setting, value in json.loads(winner).items())
    if wrong:
        sys.stdout.write(f"{group}: the settings in force are {dict(in_force)}\n")
    return wrong


def _write(judged: list[tuple[Candidate, Row]], groups: list[str], path: Path) -> None:
    """Replace the groups' rows in the file; rows of other groups stay."""
    names = {name for group in groups for name in SETTING_GROUPS[group]}
    others = []
    if path.exists():
        with path.open(newline="") as file:
            others = [row for row in csv.DictReader(file) if row["contender"] not in names]
    new = [
        {
            "contender": candidate.name,
            "tried": json.dumps(candidate.tried),
            "budget": row.budget,
            "seed": row.seed,
            "error": row.error,
            "n_scored": row.n_scored,
            "subset": row.subset,
            "encoder_hash": row.encoder_hash or "",
            "computed_with": row.computed_with,
        }
        for candidate, row in judged
    ]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*others, *new])


if __name__ == "__main__":
    sys.exit(main())
