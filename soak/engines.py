"""Engines that lose a worker, their scheduler or the command, or are stopped, and the same command until it ends."""

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from soak import contents
from soak.commands import STORE, Command, prepare, run_twice
from soak.fault import Case, Fault
from soak.processes import Ended, Running
from soak.workshop import Workshop, explained
from ssl_irmae._support.extras import missing_packages
from ssl_irmae.protocols.running.engines import ENGINES, PROCESSES

WORKER, DRIVER, SCHEDULER, JOBS = "worker", "driver", "scheduler", "jobs"
"""What is killed: a worker that is busy, the command itself, what starts or queues workers, and all jobs of Slurm."""

STOPS = {"Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM}
"""What the command is sent instead, which it heeds."""

_TRIALS = Command(
    "evaluate on one process",
    "evaluate --dataset digits --labels 10,20 --seeds 8 --steps 200 --encoder @tiny "
    "--contenders supervised,tiny-finetune --precision fp32 --device cpu --store s.sqlite --jobs 1",
    has_store=True,
)
_PRETRAINING = Command(
    "pretrain on two processes",
    "pretrain --dataset @table.csv --recipe paper --batch-size 8 --latent-dim 8 --precision fp32 --device cpu "
    "--depth 2 --max-steps 2000 --out run",
    run_folder="run",
)
_STORED = (2, 12)  # trials, between which the moment of a fault is drawn
_COMMANDS = 4  # of one case, at most
_GRACE = 120.0  # seconds until what belonged to a killed command has ended; a worker of dask waits 60 for its scheduler
_AWAY = 3.0  # seconds for which there is no controller of Slurm
_LOOK = 0.2  # seconds between two looks at processes
_FIRST_NAMESPACE = 0xEFFFFFFC  # the number that Linux gives to the processes of a machine

# Ray gives its workers a low priority, and Open MPI refuses root and more processes than cores
_SETTINGS = {
    "RAY_worker_niceness": "0",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}
_FIRST = ("OMPI_COMM_WORLD_RANK=0", "PMI_RANK=0", "PMIX_RANK=0")  # of the processes of mpiexec: it submits trials
_SECOND = "RANK=1"  # of those of torchrun


@dataclass(frozen=True)
class _Engine:
    """An engine, and what can be killed of it.

    Args:
        kills: What is killed, or how it is stopped, one case each.
        program: Program that it needs beside its packages.
        launcher: What stands before the module of a command.
        survives: Whether a command goes on where a worker is killed.
    """

    kills: tuple[str, ...]
    program: str | None = None
    launcher: tuple[str, ...] = (sys.executable, "-m")
    survives: bool = True


_ENGINES = {
    PROCESSES: _Engine((WORKER, DRIVER)),
    "dask": _Engine((WORKER, DRIVER)),  # its scheduler is a part of the command
    "slurm": _Engine((WORKER, DRIVER, *STOPS, SCHEDULER, JOBS), "squeue"),
    "mpi": _Engine(
        (WORKER, DRIVER, SCHEDULER),
        "mpiexec",
        ("mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures", "-m"),
        survives=False,
    ),
    "ray": _Engine((WORKER, DRIVER)),
}
_TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m")


def cases(workshop: Workshop) -> Iterator[Case]:
    """Kill a worker, the command and the scheduler of every engine that is here; the others are named."""
    for name, engine in _ENGINES.items():
        if missing := _missing(name, engine):
            _skip(name, f"{missing} is not installed")
            continue
        for kill in engine.kills:
            if kill == SCHEDULER and name == "slurm" and not _may_kill_controller():
                _skip(f"{name} {kill}", "slurmctld is killed only where root has it in namespaces of its own")
                continue
            yield f"{name} {kill}", partial(_evaluated, workshop, name, engine, kill)
    yield f"torchrun {WORKER}", partial(_pretrained, workshop)


def _missing(name: str, engine: _Engine) -> str | None:
    if engine.program is not None and shutil.which(engine.program) is None:
        return engine.program
    return ", ".join(missing_packages(ENGINES[name].extra)) if name in ENGINES else None


def _skip(what: str, why: str) -> None:
    sys.stderr.write(f"  {what}: skipped, {why}\n")


def _evaluated(workshop: Workshop, name: str, engine: _Engine, kill: str) -> Fault:
    """Disturb trials on an engine once, and give the command until it succeeds: rows are those of one process."""
    expected = workshop.undisturbed(_TRIALS).files
    words = f"{_TRIALS.arguments.removesuffix(' --jobs 1')} --jobs 2 --executor {name}"
    command = dataclasses.replace(_TRIALS, name=f"{name} {kill}", arguments=words)
    folder = workshop.fresh(f"engine {command.name}")
    prepare(command, folder, workshop.inputs)
    moment = workshop.rng("engines", command.name).randint(*_STORED)
    disturb = partial(_kill, name, kill, folder)
    store = folder / STORE
    came = _disturbed(
        workshop, command, engine.launcher, folder, lambda: len(contents.stored(store)) >= moment, disturb
    )
    kept = came.kept - contents.stored(store)
    goes_on = engine.survives and kill != DRIVER and kill not in STOPS
    return _fault(
        command,
        folder,
        expected,
        came,
        lost=len(kept),
        twice=run_twice(store),
        goes_on=goes_on,
        launched=not engine.survives,
    )


def _pretrained(workshop: Workshop) -> Fault:
    """Kill one of two processes that train a run, and give the command again: files are those of an undisturbed run."""
    calm, folder = workshop.fresh("engine torchrun calm"), workshop.fresh("engine torchrun worker")
    prepare(_PRETRAINING, calm, workshop.inputs)
    prepare(_PRETRAINING, folder, workshop.inputs)
    ended = _start(workshop, _PRETRAINING, _TORCHRUN, calm).end()
    if ended.code != 0:
        raise RuntimeError(f"{_PRETRAINING.name} fails undisturbed: {ended.stderr[-2000:]}")
    checkpoint = folder / str(_PRETRAINING.run_folder) / "checkpoint.pt"
    disturb = partial(_kill, "torchrun", WORKER, folder)
    came = _disturbed(workshop, _PRETRAINING, _TORCHRUN, folder, checkpoint.is_file, disturb)
    begun = re.search(r"continuing .* at step (\d+)", came.ends[-1].stderr)
    lost = max(0, came.steps - (int(begun[1]) if begun else 0))
    command = dataclasses.replace(_PRETRAINING, name=f"torchrun {WORKER}")
    return _fault(command, folder, contents.of_folder(calm), came, lost=lost, twice=0, goes_on=False, launched=True)


@dataclass(frozen=True)
class _Came:
    """What came of a fault.

    Args:
        injected: Processes that were killed, or all jobs as one.
        ends: How the commands ended, one after the other.
        kept: Keys of the trials that were stored when the first of them had ended.
        steps: Steps of the checkpoint then, from which the next continues.
        torn: Files that were not whole then.
        left: Processes and jobs that were there long after the last.
    """

    injected: int
    ends: tuple[Ended, ...]
    kept: set[str]
    steps: int
    torn: list[str]
    left: int


def _disturbed(
    workshop: Workshop,
    command: Command,
    launcher: tuple[str, ...],
    folder: Path,
    is_time: Callable[[], bool],
    disturb: Callable[[Running, Path], int],
) -> _Came:
    home = folder.parent / "cache"
    process = _start(workshop, command, launcher, folder)
    injected = 0
    while not injected and process.code is None:
        if is_time():
            injected = disturb(process, home)
        time.sleep(_LOOK)
    ends = [process.end()]
    kept, torn = contents.stored(folder / STORE), contents.torn(folder)
    steps = contents.steps_of(folder / command.run_folder) if command.run_folder else 0
    while ends[-1].code != 0 and len(ends) < _COMMANDS:
        ends.append(_start(workshop, command, launcher, folder).end())
    return _Came(injected, tuple(ends), kept, steps, torn, _left(home, folder))


def _fault(
    command: Command,
    folder: Path,
    expected: Mapping[str, str],
    came: _Came,
    *,
    lost: int,
    twice: int,
    goes_on: bool,
    launched: bool,
) -> Fault:
    """Compare what is left with what should be, and judge how the commands ended."""
    counts: Counter[str] = Counter()
    first, last = came.ends[0], came.ends[-1]
    for ended in came.ends:
        counts["tracebacks"] += _tracebacks(ended)
        counts["unexplained"] += not launched and explained(ended)["unexplained"]
    counts["unexplained"] += last.code != 0  # it succeeds in the end
    counts["unexplained"] += goes_on and first.code != 0  # and at once, where only a worker was lost
    differ = contents.differing(contents.of_folder(folder), dict(expected))
    cache = folder.parent / "cache"
    hidden = [*contents.left_over(folder), *contents.left_over(cache), *map(str, (cache / "tasks").glob("*"))]
    lost_workers = [line for line in first.stderr.splitlines() if "a worker was lost" in line]
    notes = [
        "" if came.injected else "it ended before anything was killed",
        f"{len(came.ends)} commands" if len(came.ends) > 1 else "",
        *lost_workers[:1],
        *differ[:3],
        *hidden[:3],
        *came.torn,
        f"{came.left} processes or jobs left" if came.left else "",
        f"{first.code}: {first.stderr.strip()[-300:]}" if any(counts.values()) else "",
    ]
    return Fault(
        "engines",
        command.name,
        came.injected,
        compared=len(expected),
        differing=len(differ),
        lost=lost,
        twice=twice,
        torn=len(came.torn),
        left=len(hidden) + came.left,
        note="; ".join(note for note in notes if note),
        **counts,
    )


def _tracebacks(ended: Ended) -> int:
    """Count tracebacks, but not that with which torchrun itself reports that a process of its has died."""
    return (ended.stderr + ended.stdout).count("Traceback (most recent") - ("ChildFailedError:" in ended.stderr)


def _start(workshop: Workshop, command: Command, launcher: tuple[str, ...], folder: Path) -> Running:
    return Running(
        command.words(workshop.inputs),
        folder,
        home=folder.parent / "cache",
        logs=workshop.scratch / "logs",
        anew=True,
        launcher=launcher,
        environment=_SETTINGS,
    )


def _kill(name: str, kill: str, folder: Path, running: Running, home: Path) -> int:
    """Kill or stop one part of an engine that runs; return how many processes were, none if it is not there yet."""
    if kill in STOPS:
        return int(running.send(STOPS[kill]))
    if kill == JOBS:
        return int(_cancel(_jobs(folder)))
    if kill == SCHEDULER:
        return _restart_controller() if name == "slurm" else int(running.send(signal.SIGKILL))
    with_torch = _with_torch(home)
    if name == "torchrun":
        return _send([pid for pid, variables in with_torch.items() if _SECOND in variables])
    first = (
        [pid for pid, variables in with_torch.items() if set(_FIRST) & variables] if name == "mpi" else [running.pid]
    )
    if kill == DRIVER:
        return _send(first)
    return _send(_busiest(set(with_torch) - set(first)))


def _send(victims: Iterable[int]) -> int:
    killed = 0
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


def _ours(home: Path) -> dict[int, set[str]]:
    """List the processes whose caches are in a folder, with their variables; those of any engine on this machine."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            variables = set((process / "environ").read_bytes().decode(errors="replace").split("\0"))
            if f"SSL_IRMAE_HOME={home}" in variables:
                found[int(process.name)] = variables
    return found


def _with_torch(home: Path) -> dict[int, set[str]]:
    """List those that hold torch: workers, and whoever submits trials."""
    found = {}
    for pid, variables in _ours(home).items():
        with contextlib.suppress(OSError):
            if "libtorch_cpu" in Path(f"/proc/{pid}/maps").read_text():
                found[pid] = variables
    return found


def _busiest(pids: set[int]) -> list[int]:
    """Return the process that computes most over a moment; none if all of them wait."""
    before = {pid: _ticks(pid) for pid in pids}
    time.sleep(_LOOK)
    did = {pid: _ticks(pid) - ticks for pid, ticks in before.items()}
    busy = max(did, key=lambda pid: did[pid], default=None)
    return [] if busy is None or did[busy] <= 0 else [busy]


def _ticks(pid: int) -> int:
    """Read how long a process has computed, in ticks of the system."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _left(home: Path, folder: Path) -> int:
    """Wait until no process and no job of a case is there; count those that stay, and end them."""
    deadline = time.monotonic() + _GRACE
    while (_ours(home) or _jobs(folder)) and time.monotonic() < deadline:
        time.sleep(_LOOK)
    jobs = _jobs(folder)
    _cancel(jobs)
    return _send(_ours(home)) + len(jobs)


def _jobs(folder: Path) -> list[str]:
    """List the jobs that were submitted to Slurm from a folder; none where there is no Slurm."""
    if shutil.which("squeue") is None:
        return []
    words = ["squeue", "--noheader", "--format=%i %Z"]
    lines = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    return [job for job, _, place in (line.partition(" ") for line in lines) if place.strip() == str(folder)]


def _cancel(jobs: list[str]) -> bool:
    return bool(jobs) and subprocess.run(["scancel", *jobs], check=False).returncode == 0


def _controllers() -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "comm").read_text().strip() == "slurmctld":
                found.append(int(process.name))
    return found


def _may_kill_controller() -> bool:
    """Whether Slurm's controller is one that was started for this, in namespaces: never that of a site."""
    own = Path("/proc/self/ns/pid").stat().st_ino != _FIRST_NAMESPACE
    return own and os.geteuid() == 0 and len(_controllers()) == 1


def _restart_controller() -> int:
    (pid,) = _controllers()
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    killed = _send([pid])
    time.sleep(_AWAY)
    subprocess.run(words, check=True, capture_output=True)
    return killed
