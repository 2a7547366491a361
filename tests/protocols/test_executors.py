"""Trials on any executor: the rows of one process, and what becomes of lost workers, failing trials and wrong names."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from ssl_irmae._support.home import home
from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.representations.pretrained import open_encoder
from ssl_irmae.protocols.running import workers
from ssl_irmae.protocols.running.engines import ENGINES
from ssl_irmae.protocols.running.executors import Factory, Pool, find_pool
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task
from tests.command_line import check_mistake, run
from tests.protocols.small_grids import Encoders, plan, stored_rows

SEEDS = (0, 1, 2, 3, 4, 5)
UNLUCKY = derive_seed("learner", 2)
Fate = Callable[[int], Exception | None]

ran: list[int] = []
"""The seed of every sample that was learned from in this process."""


class Here(Executor):
    """Runs calls at once in this process, or loses them with what ``fate`` returns for the number of the call."""

    def __init__(self, fate: Fate = lambda _: None) -> None:
        self.fate = fate
        self.calls = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.calls += 1
        error = self.fate(self.calls)
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def note(sample: Sample, kind: str = "", times: int = 0) -> Predictor:
    """Learn nothing, and for one seed fail so many times."""
    ran.append(sample.seed)
    if sample.seed == UNLUCKY and ran.count(UNLUCKY) <= times:
        raise {"user": UserError, "bug": RuntimeError}[kind]("no such luck")
    return lambda inputs: torch.zeros(len(inputs), dtype=torch.int64)


def grid_of(
    task: Task, store: Path, executor: str | Executor | Factory | None, said: list[str] | None = None, **settings: Any
) -> Grid:
    """Return a grid of trials that are noted in ``ran``."""
    known = {"noted": Contender("noted", note, "images", settings)}
    heard = [] if said is None else said
    some = plan(known, seeds=SEEDS, known=known)
    return Grid(some, task, {}, Store(store), 1, find_pool(executor, 2), lambda event: heard.append(str(event)))


@pytest.fixture(autouse=True)
def _none_ran() -> None:
    ran.clear()


def test_an_executor_gives_the_rows_of_one_process(task: Task, encoders: Encoders, tmp_path: Path) -> None:
    some = plan(("irmae-linear", "irmae-poisson", "irmae-joint", "supervised"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        expected = [o.row for o in Grid(some, task, encoders, Store(tmp_path / "one")).run()]
    finally:
        torch.set_num_threads(before)
    grid = Grid(some, task, encoders, Store(tmp_path / "two"), None, find_pool(Here(), 2))
    assert [o.row for o in sorted(grid.run(), key=lambda o: o.place)] == expected
    assert {row.threads for row in expected} == {1}
    assert not any(o.fresh for o in grid.run())
    assert torch.get_num_threads() == before


def test_nothing_stored_is_run_again_and_no_executor_is_built_for_it(task: Task, tmp_path: Path) -> None:
    list(grid_of(task, tmp_path / "s", Here()).run())
    assert len(ran) == len(SEEDS)

    def unwanted() -> Executor:
        raise AssertionError("nothing is missing")

    assert not any(o.fresh for o in grid_of(task, tmp_path / "s", unwanted).run())
    assert len(ran) == len(SEEDS)


def test_short_trials_are_submitted_in_groups(task: Task, tmp_path: Path) -> None:
    known = {"noted": Contender("noted", note, "images", {})}
    executor = Here()
    some = plan(known, seeds=tuple(range(40)), known=known)
    list(Grid(some, task, {}, Store(tmp_path / "s"), 1, find_pool(executor, 2)).run())
    assert len(ran) == 40
    assert executor.calls < 20


@pytest.mark.parametrize(("free", "processes"), [(2**30, 1), (5 * 2**30, 2), (2**40, 6), (None, 6)])
def test_no_more_processes_run_trials_than_fit_into_free_memory(
    free: int | None, processes: int, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = grid_of(task, tmp_path / "s", Here()).missing()[1]
    monkeypatch.setattr(workers, "free_memory", lambda: free)
    assert workers.number_of_processes(others, 100) == processes


@pytest.mark.parametrize("error", [BrokenExecutor("gone"), RuntimeError("killed worker"), None])
def test_a_lost_trial_is_run_again_and_this_is_said(error: Exception | None, task: Task, tmp_path: Path) -> None:
    """An engine may lose one call or all, or cancel what it was given."""
    built: list[Executor] = []
    said: list[str] = []

    def lose(call: int) -> Exception | None:
        return error if call == 2 and len(built) == 1 else None

    class Cancels(Here):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            if self.calls == 1:
                self.calls += 1
                future.cancel()
                future.set_running_or_notify_cancel()
                return future
            return super().submit(fn, *args, **kwargs)

    def factory() -> Executor:
        built.append(Cancels() if error is None else Here(lose))
        return built[-1]

    list(grid_of(task, tmp_path / "s", factory, said).run())
    assert len(read_trials(tmp_path / "s")) == len(SEEDS)
    assert len(ran) == len(SEEDS), "none but the lost one was run again"
    assert len(said) == 1
    assert "a worker was lost" in said[0]
    assert "run again" in said[0]
    assert len(built) == (2 if isinstance(error, BrokenExecutor) else 1), "what is broken is built again"


def test_a_trial_that_fails_for_a_time_is_run_again(task: Task, tmp_path: Path) -> None:
    list(grid_of(task, tmp_path / "s", Here(), kind="bug", times=2).run())
    assert len(read_trials(tmp_path / "s")) == len(SEEDS)
    assert ran.count(UNLUCKY) == 3


@pytest.mark.parametrize(("kind", "tries"), [("bug", 3), ("user", 1)])
def test_a_trial_that_always_fails_is_named_and_the_others_are_kept(
    kind: str, tries: int, task: Task, tmp_path: Path
) -> None:
    """What the user has to mend is not tried again: it would fail alike."""
    with pytest.raises((UserError, RuntimeError), match="no such luck") as raised:
        list(grid_of(task, tmp_path / "s", Here(), kind=kind, times=99).run())
    message = "".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert "1 of 6 trials failed, the others are kept; the first was noted at 20 labels, seed 2" in message
    assert sorted(row.seed for row in stored_rows(Store(tmp_path / "s"))) == [0, 1, 3, 4, 5]
    assert ran.count(UNLUCKY) == tries


class Shared(Executor):
    """Two workers of one pool, which breaks as a whole when one is given a certain trial."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1)
        self._pending: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._lock = threading.Lock()
        self._broken = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            if self._broken:
                raise BrokenExecutor("broken before")
            self._pending.append((future, lambda: fn(*args, **kwargs)))
        self._threads.submit(self._work)
        return future

    def _work(self) -> None:
        threading.Event().wait(0.05)  # until others are there
        with self._lock:
            pending, self._pending = self._pending, []
            for future, call in pending:
                before = len(ran)
                result = call()
                if UNLUCKY in ran[before:]:
                    self._broken = True
                    break
                future.set_result(result)
            for future, _ in pending if self._broken else ():
                if not future.done():
                    future.set_exception(BrokenExecutor("a worker died"))


def test_a_trial_that_breaks_a_whole_pool_takes_no_other_with_it(task: Task, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the first was noted at 20 labels, seed 2: lost 3 times with the worker"):
        list(grid_of(task, tmp_path / "s", Shared).run())
    assert sorted(row.seed for row in stored_rows(Store(tmp_path / "s"))) == [0, 1, 3, 4, 5]
    assert ran.count(UNLUCKY) == 3


def test_where_every_worker_dies_the_run_ends(task: Task, tmp_path: Path) -> None:
    built: list[Executor] = []

    def factory() -> Executor:
        built.append(Here(lambda _: BrokenExecutor("out of memory")))
        return built[-1]

    with pytest.raises(UserError, match=r"^6 of 6 trials failed") as raised:
        list(grid_of(task, tmp_path / "s", factory).run())
    assert "out of memory" in str(raised.value)
    assert ran == []
    assert len(built) < 20


@pytest.mark.parametrize(
    ("error", "lost"), [(BrokenExecutor("gone"), "lost 3 times"), (CancelledError(), "workers in a row were lost")]
)
def test_where_jobs_of_a_scheduler_die_their_logs_are_named(
    error: Exception, lost: str, task: Task, tmp_path: Path
) -> None:
    grid = grid_of(task, tmp_path / "s", None)
    grid.pool = Pool("jobs", lambda: contextlib.nullcontext(Here(lambda _: error)), 2, "/shared/jobs")
    with pytest.raises(UserError, match=f"{lost}.*; what workers printed is in /shared/jobs$"):
        list(grid.run())


def test_an_executor_that_breaks_cannot_be_built_again_where_it_was_given_itself(task: Task, tmp_path: Path) -> None:
    broken = Here(lambda call: BrokenExecutor("gone") if call > 1 else None)
    with pytest.raises(UserError, match="`executor`: it is broken, and cannot be built again: give the function"):
        list(grid_of(task, tmp_path / "s", broken).run())
    assert len(read_trials(tmp_path / "s")) == 1, "what was finished is kept"


def test_a_factory_is_given_the_number_of_workers_if_it_takes_it_and_what_it_opens_is_closed(
    task: Task, tmp_path: Path
) -> None:
    seen: list[object] = []

    @contextlib.contextmanager
    def opened(workers: int) -> Iterator[Executor]:
        seen.append(workers)
        yield Here()
        seen.append("closed")

    list(grid_of(task, tmp_path / "s", opened).run())
    assert seen == [2, "closed"]
    list(grid_of(task, tmp_path / "t", lambda: Here()).run())
    assert len(ran) == 2 * len(SEEDS)
    list(grid_of(task, tmp_path / "u", ThreadPoolExecutor).run())
    assert len(ran) == 3 * len(SEEDS)


@pytest.mark.parametrize("ends", ["whole", "early", "in error"])
def test_the_file_that_workers_read_goes_with_the_command(ends: str, task: Task, tmp_path: Path) -> None:
    def files() -> list[Path]:
        return list((home() / "tasks").iterdir())

    grid = grid_of(task, tmp_path / "s", Here(), kind="user", times=99 if ends == "in error" else 0)
    with contextlib.closing(grid.run()) as outcomes:
        next(outcomes)
        assert len(files()) == 1
        if ends != "early":
            with contextlib.suppress(UserError):
                list(outcomes)
    assert not files()


def test_a_worker_that_finds_no_data_or_others_ends_the_run_in_one_sentence(task: Task, tmp_path: Path) -> None:
    class Elsewhere(Here):
        """A worker whose cache is another, or not the one that was written."""

        def __init__(self, spoil: Callable[[Path], object]) -> None:
            super().__init__()
            self.spoil = spoil

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            for file in (home() / "tasks").iterdir():
                self.spoil(file)
            return super().submit(fn, *args, **kwargs)

    held_out = task.scored.images.flip(0)  # no process has kept this task
    other = Task(task.train, type(task.scored)("x", held_out, task.scored.labels, task.scored.classes), "s")
    for spoil, expected in ((Path.unlink, "cannot read"), (lambda p: p.write_bytes(b"other"), "finds other data")):
        with pytest.raises(UserError, match=f"^the worker on .* {expected}.*SSL_IRMAE_HOME"):
            list(grid_of(other, tmp_path / "s", Elsewhere(spoil)).run())
    assert ran == []


def test_an_encoder_is_found_by_its_weights_wherever_it_is(tiny_encoder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "mine"
    shutil.copytree(tiny_encoder, moved)
    encoder = open_encoder("mine", moved)
    assert encoder.found_here().folder == moved
    (home() / "encoders").mkdir(parents=True)
    moved.rename(home() / "encoders" / "mine")
    found = encoder.found_here()
    assert found.folder == home() / "encoders" / "mine"
    (found.folder / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(UserError, match="finds no encoder mine with the weights"):
        encoder.found_here()


DIGITS = "evaluate --dataset digits --contenders pixels-centroid --labels 20 --seeds 4 --quiet"
FOUR_LINES = """from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
def start(workers):
    return ProcessPoolExecutor(workers, get_context("spawn"))
"""


def test_four_lines_of_the_users_are_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    Path("four_lines.py").write_text(FOUR_LINES)
    run(f"{DIGITS} --executor four_lines:start --jobs 2")
    assert len(read_trials(Path("runs/results.sqlite"))) == 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dusk", "unknown executor 'dusk': known are dask, mpi, processes, ray, slurm; did you mean 'dask'?; your own"),
        ("nowhere:start", "--executor: the module nowhere cannot be imported (ModuleNotFoundError"),
        ("pools:begin", "--executor: the module pools has no function begin"),
        ("pools:number", "--executor: pools:number must return a concurrent.futures.Executor or a context manager of"),
        ("pools:broken", "--executor: pools:broken cannot be started (ZeroDivisionError"),
    ],
)
def test_what_is_no_executor_is_reported_in_one_sentence(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "pools", raising=False)
    Path("pools.py").write_text("def number():\n    return 3\n\ndef broken():\n    return 1 / 0\n")
    check_mistake(f"{DIGITS} --executor {name}", message)


@pytest.mark.parametrize("name", ["dask", "slurm", "mpi", "ray"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=rf"^`executor`: {name} needs .*pip install 'ssl-irmae\[{name}\]'"):
        find_pool(name, 2)


def test_what_runs_nothing_is_refused() -> None:
    number: Any = 3
    with pytest.raises(UserError, match="`executor`: a int runs no trials"):
        find_pool(number, 2)


def test_no_engine_is_imported_unless_it_is_asked_for() -> None:
    code = "import sys, ssl_irmae.protocols.evaluation; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"dask", "distributed", "dask_jobqueue", "mpi4py", "ray"}


@pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None, reason="mpi4py is not installed")
@pytest.mark.skipif(shutil.which("mpiexec") is None, reason="there is no MPI")
def test_mpi_says_how_its_processes_are_started() -> None:
    command = [sys.executable, "-m", "ssl_irmae.cli", *DIGITS.split(), "--executor", "mpi", "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "mpiexec -n 3 python -m mpi4py.futures -m ssl_irmae.cli evaluate" in done.stderr


ENGINE = """
import sys
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.running.executors import find_pool
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import load_task
from mine import fit
from pathlib import Path

if __name__ == "__main__":
    engine = sys.argv[1]
    known = {"mine": Contender("mine", fit, "images", {}), "pixels-linear": CONTENDERS["pixels-linear"]}
    plan = Plan((Part(contenders=tuple(known), budgets=(20,), seeds=tuple(range(6))),), known, "mine", dataset="digits")
    pool = None if engine == "none" else find_pool(engine, 2)
    list(Grid(plan, load_task("digits"), {}, Store(Path(engine)), 1, pool, lambda event: print(event)).run())
"""
MINE = """
import os, signal
from pathlib import Path
import torch
from ssl_irmae._support.seeding import derive_seed

def fit(sample):
    with open(os.environ["NOTES"], "a") as file:
        file.write(f"{sample.seed}\\n")
    killed = Path(os.environ["NOTES"] + ".killed")
    if os.environ["NOTES"].endswith("kill") and sample.seed == derive_seed("learner", 2) and not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return lambda inputs: torch.full((len(inputs),), sample.seed % 7)
"""


def installed(engine: str) -> bool:
    """Return whether an engine can be tried here."""
    programs = {"slurm": "squeue", "mpi": "mpiexec"}
    modules = {"dask": "distributed", "slurm": "dask_jobqueue", "mpi": "mpi4py", "ray": "ray"}
    there = engine not in programs or shutil.which(programs[engine]) is not None
    return there and (engine not in modules or importlib.util.find_spec(modules[engine]) is not None)


@pytest.mark.skipif(not installed("dask"), reason="dask is not installed")
def test_dask_is_silent_where_its_usual_port_is_taken() -> None:
    """Such as by a second command on this machine."""
    code = """
import contextlib, socket
from ssl_irmae.protocols.running import workers
from ssl_irmae.protocols.running.engines import dask

if __name__ == "__main__":
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # it is taken already
            taken.bind(("127.0.0.1", 8787))
            taken.listen()
        with dask(1) as executor:
            print(executor.submit(len, "abc").result())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert (done.stdout, done.stderr) == ("3\n", "")


@pytest.mark.skipif(importlib.util.find_spec("dask_jobqueue") is None, reason="dask-jobqueue is not installed")
def test_jobs_of_slurm_print_into_the_cache_and_ctrl_c_is_left_as_it_was(tmp_path: Path) -> None:
    """Importing dask-jobqueue makes Ctrl-C end the process without a word, as if it had succeeded."""
    programs = {"sbatch": f"cp $1 {tmp_path}/job; echo Submitted batch job 1", "squeue": "echo 1", "scancel": ""}
    for name, line in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    code = """
import signal, time
from pathlib import Path
from ssl_irmae.protocols.running import workers
from ssl_irmae.protocols.running.engines import slurm

if __name__ == "__main__":
    with slurm(1):
        while not Path("job").exists():
            time.sleep(0.1)
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SSL_IRMAE_HOME": "cache"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "True\n", done.stderr
    job = (tmp_path / "job").read_text()
    assert f"#SBATCH -e {tmp_path}/cache/slurm/" in job
    assert f"#SBATCH -o {tmp_path}/cache/slurm/" in job


@pytest.mark.skipif(shutil.which("sbatch") is not None, reason="there is a Slurm")
def test_without_slurm_its_engine_says_so(task: Task, tmp_path: Path) -> None:
    grid = grid_of(task, tmp_path / "s", None)
    grid.pool = Pool("slurm", lambda: ENGINES["slurm"].factory(1), 1)
    with pytest.raises(UserError, match="`executor`: slurm submits jobs by sbatch, which is not here"):
        list(grid.run())


@pytest.mark.parametrize("engine", ["dask", "slurm", "mpi", "ray"])
def test_an_engine_gives_the_rows_of_one_process_also_where_a_worker_is_killed(engine: str, tmp_path: Path) -> None:
    if not installed(engine):
        pytest.skip(f"{engine} is not installed")
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "script.py").write_text(ENGINE)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1"}
    environment |= {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1"}
    environment["RAY_worker_niceness"] = "0"  # they would wait for whatever else this machine does

    def start(name: str, notes: str) -> subprocess.CompletedProcess[str]:
        mpi = ["mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures"]
        command = [*(mpi if name == "mpi" else [sys.executable]), "script.py", name]
        here = {**environment, "NOTES": str(tmp_path / notes)}
        return subprocess.run(command, cwd=tmp_path, env=here, capture_output=True, text=True, check=False, timeout=300)

    assert start("none", "calm").returncode == 0
    done = start(engine, "kill")
    if engine == "mpi" and done.returncode != 0:  # MPI ends all processes of a job where one is lost
        done = start(engine, "kill")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kill.killed").exists()
    rows = {name: sorted(t.row.model_dump_json() for t in read_trials(tmp_path / name)) for name in ("none", engine)}
    assert rows[engine] == rows["none"]
    before = (tmp_path / "kill").read_text()
    assert start(engine, "kill").returncode == 0
    assert (tmp_path / "kill").read_text() == before, "nothing that is stored is run again"
