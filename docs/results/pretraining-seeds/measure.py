"""Pretrain IRMAE, AE and VAE from three seeds, and cross the three encoders of each with labelled subsets.

    python docs/results/pretraining-seeds/measure.py mnist irmae     # pretrains one method's, in one thread
    python docs/results/pretraining-seeds/measure.py mnist           # pretrains what is missing, then runs trials

The recipe is `short`. By it the bundled encoders of Fashion-MNIST were made, which are those of seed 0 here, so that
their trials are taken from the stored grid. MNIST's were made by the paper's recipe, which has ten times the steps:
here its three are by `short` too. All are stored at half the size, and do not ship. Trials are those of all inductive
readouts of frozen codes and of two learners, on ten subsets of 10, 100 and 1,000 labels of the test protocol.
The learners are `irmae-propagate` and `fused-propagate-prior`: of the networks that both grids have, those with the
lowest means at 10 and 1,000 labels of MNIST. This was decided before any encoder of another seed had been pretrained.
The second takes over three minutes a trial, and so has five subsets: decided before any trial of another seed.

Every command is printed. Whatever was stopped goes on where it was: a pretraining after its last checkpoint, trials
after the last one. The rows are written beside this file, as DATASET.csv.gz.
"""

import gzip
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ssl_irmae._support.files import write_atomically
from ssl_irmae.encoders.encoder import read_config
from ssl_irmae.encoders.files import BUNDLED
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.representations.pretrained import open_encoder
from ssl_irmae.protocols.storage.files import read_trials, rows_csv

HERE = Path(__file__).parent
RESULTS = HERE.parent
WORK = Path("runs/pretraining-seeds")
METHODS = ("irmae", "ae", "vae")
RECIPE = "short"
SEEDS = (0, 1, 2)
BUDGETS = "10,100,1000"
FROZEN = [
    name
    for name, c in CONTENDERS.items()
    if c.frozen and not c.transductive and c.reads == "code" and c.representation in (*METHODS, "fused")
]
LEARNERS = {"irmae-propagate": (600, 10), "fused-propagate-prior": (2000, 5)}
"""With the steps that they have in the grids, and the number of subsets."""

PRECISION = {"mnist": "fp32", "fashion-mnist": "bf16"}
"""Fashion-MNIST's is that of its bundled encoders; fp32, which every processor has, takes about twice as long."""

STORED = {"fashion-mnist": ("fashion-mnist-label-budgets/rows.csv.gz", "fused/fashion-mnist/rows.csv")}
"""Rows of the bundled encoders, where these are the ones of seed 0."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def run(*words: str, one_thread: bool) -> None:
    """Print a command of ssl-irmae and run it, in one thread or in as many as there are cores."""
    sys.stderr.write(f"{shlex.join(['ssl-irmae', *words])}\n")
    environment = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    environment |= ONE_THREAD if one_thread else {}
    subprocess.run([sys.executable, "-m", "ssl_irmae.cli", *words], check=True, env=environment)


def pretrain(dataset: str, method: str) -> None:
    """Pretrain what is missing of a method's encoders, and put all of them where trials find them.

    Raises:
        RuntimeError: If one was made in another way than that of seed 0.
    """
    for seed in SEEDS:
        folder = WORK / f"{dataset}-{method}-{seed}"
        if not (folder / "config.json").exists():
            source = BUNDLED / f"{dataset}-{method}"
            if seed or dataset not in STORED:
                source = WORK / "whole" / folder.name
                of = ("--dataset", dataset, "--method", method, "--recipe", RECIPE, "--seed", str(seed))
                run("pretrain", *of, "--precision", PRECISION[dataset], "--out", str(source), one_thread=True)
            run("encoders", "copy", str(source), "--out", str(folder), "--half", one_thread=True)
        first, made = (open_encoder(method, WORK / f"{dataset}-{method}-{n}").pretraining for n in (0, seed))
        if made != first or read_config(folder).card.get("seed") != seed:
            raise RuntimeError(f"{folder}: {made} is not how the one of seed 0 was made, {first}")


def evaluate(dataset: str) -> None:
    """Run the trials, and write the rows of those contenders that are complete whenever there are more of them."""
    store = WORK / f"{dataset}.sqlite"
    crossed = ["--dataset", dataset, "--pretrain-seeds", ",".join(map(str, SEEDS)), "--precision", PRECISION[dataset]]
    crossed += ["--labels", BUDGETS, "--store", str(store)]
    crossed += [word for name in STORED.get(dataset, ()) for word in ("--import-trials", str(RESULTS / name))]
    crossed += ["--jobs", "2"]
    encoders = {m: ("--encoder", f"{m}={WORK / f'{dataset}-{m}'}-{{seed}}") for m in METHODS}
    every = [word for given in encoders.values() for word in given]
    run("evaluate", *crossed, *every, "--seeds", "10", "--contenders", ",".join(FROZEN), one_thread=False)
    complete = list(FROZEN)
    write(dataset, store, complete)
    for name, (steps, subsets) in LEARNERS.items():
        given = encoders.get(CONTENDERS[name].representation or "", every)
        trained = ("--contenders", name, "--steps", str(steps), "--seeds", str(subsets))
        run("evaluate", *crossed, *given, *trained, one_thread=False)
        complete.append(name)
        write(dataset, store, complete)


def write(dataset: str, store: Path, complete: Sequence[str]) -> None:
    """Write the rows of some contenders beside this file, unless it has those of others, which would be lost."""
    path = HERE / f"{dataset}.csv.gz"
    if path.exists() and not {trial.row.contender for trial in read_trials(path)} <= set(complete):
        return
    trials = [trial for trial in read_trials(store) if trial.row.contender in complete]
    write_atomically(path, gzip.compress(rows_csv(trials).encode(), mtime=0))


def main() -> None:
    """Pretrain one method's encoders, or all of a data set's and run its trials."""
    dataset, *methods = sys.argv[1:]
    for method in methods or METHODS:
        pretrain(dataset, method)
    if not methods:
        evaluate(dataset)


if __name__ == "__main__":
    main()
