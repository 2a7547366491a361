"""Run one grid on every engine, and kill a worker meanwhile: rows in engines.csv.

    python -m docs.results.engines.measure serial processes dask mpi ray own    # whose rows are replaced
    python -m docs.results.engines.measure slurm                                # where there is a Slurm

The grid is 60 trials on the digits, at one thread: three contenders, two budgets, ten seeds. Every engine has two
workers. When a few trials are stored, one of the processes that hold torch, apart from the command's own, is killed
with SIGKILL; if the command ends by that, it is given again, and `commands` counts. `run_again` is how many trials were
lost with the worker. `equal` says whether all rows are those of the run in one process in every field, and
`fresh_seconds` how long trials ran when the same command was given after the end: 0 if nothing was run twice.

For the overhead, 60 trials that sleep for 100 ms are run, without a kill: `first_seconds` is until the first of them
is back, with starting the engine; `overhead_ms` what each of the others took beyond its sleep, times the workers. Then
they are asked for again: `runs` is how often any of them ran.
"""

import csv
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from ssl_irmae._support.home import home
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.running.executors import find_pool
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import load_task

MEASURED = Path(__file__).with_name("engines.csv")
COLUMNS = (
    *("engine", "trials", "workers", "seconds", "killed", "commands", "run_again", "equal", "fresh_seconds"),
    *("first_seconds", "overhead_ms", "runs"),
)
MY_POOL = """from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
def start(workers):
    return ProcessPoolExecutor(workers, get_context("spawn"))
"""
MODULE = "docs.results.engines.measure"  # by this name, workers find what sleeps
ROOT = Path(__file__).parents[3]
ASLEEP = "asleep"
SERIAL = "serial"
OWN = "my_pool:start"
WORKERS = 2
SLEEP = 0.1
TRIALS = 60
KILL_AFTER = 8  # trials
MOST_COMMANDS = 4
ENCODER = "pretrain --dataset digits --max-steps 300 --latent-dim 16 --depth 2 --out runs/tiny"
REQUEST = (
    "evaluate --dataset digits --encoder runs/tiny --contenders tiny-linear,tiny-poisson-prior,supervised --steps 20 "
    "--labels 20,100 --seeds 10 --precision fp32 --json"
)
# Ray gives its workers a low priority, and Open MPI refuses root and more processes than cores
SETTINGS = {
    "RAY_worker_niceness": "0",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}

Line = dict[str, object]


def asleep(sample: Sample) -> Predictor:
    """Learn nothing for a tenth of a second, and note it."""
    with (home() / "asleep").open("a") as file:
        file.write(f"{sample.seed}\n")
    time.sleep(SLEEP)
    return lambda inputs: torch.zeros(len(inputs), dtype=torch.int64)


def python(engine: str) -> list[str]:
    """Return how a module is run on an engine; MPI starts its processes before."""
    if engine == "mpi":
        return ["mpiexec", "-n", str(WORKERS + 1), sys.executable, "-m", "mpi4py.futures", "-m"]
    return [sys.executable, "-m"]


def command(engine: str, folder: Path) -> list[str]:
    """Return the command that runs the grid on an engine."""
    how = ["--jobs", "1"] if engine == SERIAL else ["--jobs", str(WORKERS), "--executor", engine]
    return [*python(engine), "ssl_irmae.cli", *REQUEST.split(), *how, "--store", str(store_of(engine, folder))]


def store_of(engine: str, folder: Path) -> Path:
    """Return the store of an engine."""
    return folder / f"{engine.partition(':')[0]}.sqlite"


def start(engine: str, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start the command in a folder."""
    environment = {**os.environ, **SETTINGS, "SSL_IRMAE_HOME": str(folder / "home")}
    if engine == SERIAL:
        environment |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with (folder / "out.json").open("wb") as out, log.open("ab") as err:
        return subprocess.Popen(command(engine, folder), cwd=folder, env=environment, stdout=out, stderr=err)


def stored(store: Path) -> int:
    """Count the trials in a store."""
    try:
        return len(read_trials(store))
    except UserError:  # there is none yet
        return 0


def rows_of(store: Path) -> list[str]:
    """Return every row of a store as text, in one order whatever finished first."""
    return sorted(trial.row.model_dump_json() for trial in read_trials(store))


def workers_of(folder: Path, driver: int) -> list[int]:
    """List the processes of a run that hold torch, apart from the one that submits: those of any engine."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            ours = f"SSL_IRMAE_HOME={folder / 'home'}".encode() in (process / "environ").read_bytes()
            if ours and int(process.name) != driver and "libtorch_cpu" in (process / "maps").read_text():
                found.append(int(process.name))
        except OSError:  # it has ended
            continue
    return sorted(found)


def killed_run(engine: str, folder: Path) -> Line:
    """Run the grid, killing a worker, and say what came of it."""
    store, log = store_of(engine, folder), folder / f"{engine.partition(':')[0]}.log"
    began, commands, victims = time.perf_counter(), 1, 0
    process = start(engine, folder, log)
    while engine != SERIAL and process.poll() is None and not victims:
        if stored(store) >= KILL_AFTER:
            for worker in workers_of(folder, process.pid)[-1:]:
                os.kill(worker, signal.SIGKILL)
                victims += 1
        time.sleep(0.2)
    while process.wait() != 0 and commands < MOST_COMMANDS:
        commands += 1
        process = start(engine, folder, log)
    seconds = time.perf_counter() - began
    if start(engine, folder, log).wait() != 0:
        raise RuntimeError(f"{engine} does not end: {log.read_text()}")
    again = json.loads((folder / "out.json").read_text())
    lost = [line for line in log.read_text().splitlines() if "a worker was lost" in line]
    return {
        "engine": engine,
        "trials": stored(store),
        "workers": 1 if engine == SERIAL else WORKERS,
        "seconds": round(seconds, 1),
        "killed": victims,
        "commands": commands,
        "run_again": sum(int(line.split("): ")[-1].split()[0]) for line in lost),
        "equal": rows_of(store) == rows_of(store_of(SERIAL, folder)),
        "fresh_seconds": again["seconds"]["fresh_trials"],
    }


def overhead(engine: str, folder: Path) -> Line:
    """Time trials that sleep, in a process of its own."""
    environment = {**os.environ, **SETTINGS, "SSL_IRMAE_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    words = [*python(engine), MODULE, ASLEEP, engine]
    done = subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    line: Line = json.loads(done.stdout.splitlines()[-1])
    return line


def time_asleep(engine: str) -> Line:
    """Time trials that sleep, and count how often they ran."""
    part = Part(contenders=("asleep",), budgets=(20,), seeds=tuple(range(TRIALS)))
    contender = Contender("asleep", importlib.import_module(MODULE).asleep, "images", {})
    plan = Plan((part,), {"asleep": contender}, "asleep", dataset="digits")
    pool = None if engine == SERIAL else find_pool(engine, WORKERS)
    workers = 1 if engine == SERIAL else WORKERS
    store = Store(Path(f"asleep-{engine.partition(':')[0]}.sqlite"))
    grid = Grid(plan, load_task("digits"), {}, store, workers, pool)
    (home() / "asleep").write_text("")
    times = [time.perf_counter() for _ in [grid.jobs]]
    times += [time.perf_counter() for _ in grid.run()]
    list(grid.run())
    each = (times[-1] - times[1]) * workers / (TRIALS - 1)
    return {
        "first_seconds": round(times[1] - times[0], 1),
        "overhead_ms": round(1000 * (each - SLEEP), 1),
        "runs": len((home() / "asleep").read_text().split()),
    }


def main() -> None:
    """Measure and write."""
    if sys.argv[1] == ASLEEP:
        sys.stdout.write(json.dumps(time_asleep(sys.argv[2])) + "\n")
        return
    names = [OWN if name == "own" else name for name in sys.argv[1:]]
    kept: list[Line] = []
    if MEASURED.exists():
        with MEASURED.open(newline="") as file:
            kept = [dict(line) for line in csv.DictReader(file) if line["engine"] not in names]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "my_pool.py").write_text(MY_POOL)
        environment = {**os.environ, "SSL_IRMAE_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
        pretrain = [sys.executable, "-m", "ssl_irmae.cli", *ENCODER.split(), "--quiet"]
        subprocess.run(pretrain, cwd=folder, env=environment, check=True)
        if SERIAL not in names:
            start(SERIAL, folder, folder / "serial.log").wait()
        for engine in names:
            kept.append({**killed_run(engine, folder), **overhead(engine, folder)})
            with MEASURED.open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(kept)


if __name__ == "__main__":
    main()
