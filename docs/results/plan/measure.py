"""Measure what trials cost on MNIST, on one thread: rows in measured.csv.

    export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
    python -m docs.results.plan.measure
    python -m docs.results.plan.measure supervised irmae-poisson    # some contenders, whose rows are replaced

Each line is one piece of work: wall-clock and processor seconds, and the processor seconds of the piece of
``ssl_irmae.protocols.forecast.speed`` that it is counted in, measured within the last minute. Processor seconds leave
out what else the machine does meanwhile. `work` is

- `codes`: all images are encoded with what this contender reads;
- `cold`: its first trial in a process, when no graph is in the user's cache;
- `kept`: its first trial in a process, when the graph is in the cache;
- `first`: its first trial at this budget, of a contender that divides the graph from random starts if labels are few;
- `trial`: trials on `subsets` subsets together, when the process has run one before. Of `start` this is a whole
  command that has nothing to run, of `pretraining` the steps of an encoder that is pretrained on the spot.

Not every contender is measured: a readout costs about the same on codes of one width, and a learner from any encoder.
"""

import csv
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from ssl_irmae._support.allocator import keep_freed_memory
from ssl_irmae._support.compute import Precision
from ssl_irmae.pretraining.loop import Pretraining
from ssl_irmae.pretraining.recipes import find_recipe
from ssl_irmae.protocols.contenders.contender import Family
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.forecast.speed import Piece, time_piece
from ssl_irmae.protocols.forecast.stored_costs import PRETRAINING, START
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.representations.brief_pretraining import brief_architecture
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.representations.fused import fuse
from ssl_irmae.protocols.representations.pretrained import encoder_of_method, needed_methods
from ssl_irmae.protocols.representations.representation import Representation
from ssl_irmae.protocols.running.jobs import Job, list_jobs
from ssl_irmae.protocols.running.runner import Runner
from ssl_irmae.protocols.task import Task, load_task

MEASURED = Path(__file__).with_name("measured.csv")
COLUMNS = (
    *("contender", "budget", "work", "subsets", "steps", "seconds", "processor_seconds"),
    *("piece", "precision", "piece_seconds"),
)
DEVICE = torch.device("cpu")
PRECISION: Precision = "bf16"
FROZEN = (100, 10, 1_000, 10_000, None)
TRAINED = (100, 10, 10_000)
FEW, MORE = 20, 120  # steps
SUBSETS = 4
MINUTE = 60.0

Line = dict[str, object]


def usual() -> list[str]:
    """List the contenders that are measured."""
    every = {name: c for name, c in CONTENDERS.items() if c.representation in ("irmae", "pixels", "fused", None)}
    names = [name for name, c in every.items() if not (c.transductive and c.representation == "pixels")]
    names = [name for name in names if "-features-" not in name]
    names += ["irmae-features-linear", "irmae-features-poisson-prior"]
    for representation in ("ae", "vae", "pca", "random"):
        names += [f"{representation}-{readout}" for readout in ("linear", "self-training", "poisson", "poisson-prior")]
    return names


class Clock:
    """Times work in processor seconds beside the pieces that it is counted in."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[Piece, Precision], tuple[float, float]] = {}

    def piece(self, piece: Piece, precision: Precision) -> float:
        """Return a piece's seconds, measured again if they are older than a minute."""
        when, seconds = self._pieces.get((piece, precision), (-MINUTE, 0.0))
        if time.monotonic() - when > MINUTE:
            seconds = time_piece(piece, precision=precision).processor_seconds
            self._pieces[piece, precision] = (time.monotonic(), seconds)
        return seconds

    def time(self, work: Callable[[], object], piece: Piece, precision: Precision, about: Line) -> Line:
        """Do some work and return its line."""
        unit = self.piece(piece, precision)
        wall, processor = time.perf_counter(), time.process_time()
        work()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        seconds = {"seconds": round(wall, 4), "processor_seconds": round(processor, 4)}
        return {**about, **seconds, "piece": piece, "precision": precision, "piece_seconds": round(unit, 5)}


def piece_of(family: Family) -> Piece:
    """Return the piece of work that a readout or learner is most like."""
    if family == "graph":
        return "graph"
    return "network" if family.startswith("network") else "regression"


def lines_of(name: str, task: Task, clock: Clock, encoded: set[tuple[str, str]], cache: Path) -> Iterator[Line]:
    """Measure a contender."""
    contender = CONTENDERS[name]
    encoders = {
        method: (encoder_of_method(method, task, dataset="mnist", device=DEVICE, data_dir=None),)
        for method in needed_methods([contender])
    }
    representations: dict[str, tuple[Representation, ...]] = {**encoders, **fuse(encoders)}
    representations |= {floor: (each,) for floor, each in FLOORS.items()}
    piece, precision = piece_of(contender.family), "fp32" if contender.frozen else PRECISION

    def jobs(budget: int | None, seeds: range, steps: int | None = None) -> list[Job]:
        part = Part(contenders=(name,), budgets=(budget,), seeds=tuple(seeds), steps=steps)
        plan = Plan((part,), {name: contender}, name, precision=PRECISION)
        return list(list_jobs(plan, task, representations, {name: 1}))

    def line(runner: Runner, work: str, some: list[Job], steps: int | None) -> Line:
        about: Line = {
            "contender": name,
            "budget": some[0].trial.budget,
            "work": work,
            "subsets": len(some),
            "steps": steps,
        }
        return clock.time(lambda: runner.run(some), piece, precision, about)

    reads = contender.reads
    if reads != "images":
        assert contender.representation is not None
        representation = representations[contender.representation][0]
        if (representation.name, reads) not in encoded:
            encoded.add((representation.name, reads))
            codes = Runner(task, device="cpu", precision=PRECISION).codes
            about: Line = {"contender": name, "work": "codes"}
            yield clock.time(lambda: codes.of(representation, reads), "network", "fp32", about)
    shutil.rmtree(cache / "neighbours", ignore_errors=True)
    for work in ("cold", "kept"):
        runner = Runner(task, device="cpu", precision=PRECISION)
        if reads != "images":
            runner.codes.of(representation, reads)  # from the cache
        yield line(runner, work, jobs(100, range(1), FEW), FEW if not contender.frozen else None)
    for budget in (FROZEN if contender.frozen else TRAINED)[1:]:
        if "starts" in contender.settings:
            yield line(runner, "first", jobs(budget, range(9, 10), FEW), None if contender.frozen else FEW)
    if contender.frozen:
        for budget in FROZEN:
            once = budget is None and contender.deterministic_at_full_set  # a second time it would be remembered
            long = budget in (None, 10_000) and not contender.several
            yield line(runner, "trial", jobs(budget, range(1, 2)), None)
            if not once and not long:
                yield line(runner, "trial", jobs(budget, range(2, 2 + SUBSETS)), None)
    else:
        for budget in TRAINED:
            for steps in (FEW, MORE):
                yield line(runner, "trial", jobs(budget, range(1, 2), steps), steps)


def start(clock: Clock, cache: Path) -> Iterator[Line]:
    """Measure a command whose only trial is in the store."""
    options = {"dataset": "digits", "contenders": "pixels-knn", "labels": "10", "seeds": "1"}
    given = [word for name, value in options.items() for word in (f"--{name}", value)]
    command = [sys.executable, "-m", "ssl_irmae.cli", "evaluate", *given, "--store", str(cache / "start.sqlite")]
    subprocess.run(command, check=True, capture_output=True)
    unit = clock.piece("regression", "fp32")
    began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    seconds, now = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    about: Line = {"contender": START, "work": "trial", "subsets": 1}
    about |= {"seconds": round(seconds, 4), "processor_seconds": round(processor, 4)}
    yield {**about, "piece": "regression", "precision": "fp32", "piece_seconds": round(unit, 5)}


def pretraining(task: Task, clock: Clock) -> Iterator[Line]:
    """Measure steps of the pretraining on the spot."""
    recipe = find_recipe("short")
    state = Pretraining(
        brief_architecture("irmae", images=1, channels=1, image_size=32).build(0),
        task.train.images[: MORE * recipe.batch_size],  # an epoch, with what ends it
        seed=0,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        precision=PRECISION,
        device=DEVICE,
    )
    list(state.run(max_steps=FEW))
    about: Line = {"contender": PRETRAINING, "work": "trial", "subsets": 1, "steps": MORE}
    yield clock.time(lambda: list(state.run(max_steps=FEW + MORE)), "network", PRECISION, about)


def main() -> None:
    """Measure and write."""
    keep_freed_memory()  # as the command line does
    task, clock = load_task("mnist"), Clock()
    names = sys.argv[1:] or [START, PRETRAINING, *usual()]
    kept: list[Line] = []
    if sys.argv[1:] and MEASURED.exists():
        with MEASURED.open(newline="") as file:
            kept = [dict(line) for line in csv.DictReader(file) if line["contender"] not in names]
    encoded: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory() as cache, MEASURED.open("w", newline="") as file:
        os.environ["SSL_IRMAE_HOME"] = cache  # nothing is encoded yet
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        for name in names:
            if name == START:
                lines = start(clock, Path(cache))
            elif name == PRETRAINING:
                lines = pretraining(task, clock)
            else:
                lines = lines_of(name, task, clock, encoded, Path(cache))
            for line in lines:
                writer.writerow(line)
                file.flush()


if __name__ == "__main__":
    main()
