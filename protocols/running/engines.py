"""The engines that ship: each function returns an executor of so many workers, as a context manager.

One's own engine is such a function too, in any module: ``MODULE:FACTORY``.
"""

import contextlib
import io
import logging
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, NamedTuple

from ssl_irmae._support.home import home
from ssl_irmae._support.shared_files import remove_left
from ssl_irmae.errors import UserError

PROCESSES = "processes"
"""Processes of this machine, the default; see ``workers``."""

_LOOK_EVERY = 10.0  # seconds between two looks at the queue of Slurm
# dask's scheduler serves pages in any case: to this machine alone, and not on its usual port, which may be taken
_ANY_PORT = "127.0.0.1:0"
_MEMORY = "4GB"  # of a Slurm job, unless it is configured; a worker uses about 2 GB with MNIST


@contextlib.contextmanager
def dask(workers: int) -> Iterator[Executor]:
    """Start dask's workers on this machine."""
    import dask.config
    from distributed import Client, LocalCluster

    quiet = {"silence_logs": logging.CRITICAL, "dashboard_address": _ANY_PORT, "scheduler_kwargs": {"dashboard": False}}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),  # trials are repeated by whoever submits them
        LocalCluster(n_workers=workers, threads_per_worker=1, **quiet) as cluster,
        Client(cluster) as client,
    ):
        yield client.get_executor(pure=False)


@contextlib.contextmanager
def slurm(workers: int) -> Iterator[Executor]:
    """Submit Slurm jobs of one worker each; partition, memory and time are those of dask-jobqueue's configuration.

    What jobs print is in ``slurm_logs()``.
    """
    if shutil.which("sbatch") is None:
        raise UserError(
            "`executor`: slurm submits jobs by sbatch, which is not here: give the command where they are submitted"
        )
    import dask.config
    from distributed import Client

    with _ctrl_c_as_before():
        from dask_jobqueue import SLURMCluster

    asked = {
        "cores": 1,
        "processes": 1,
        "memory": dask.config.get("jobqueue.slurm.memory", None) or _MEMORY,
        "log_directory": slurm_logs(),
    }
    remove_left(_logs_unless_configured())
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        SLURMCluster(**asked, scheduler_options={"dashboard": False, "dashboard_address": _ANY_PORT}) as cluster,
        Client(cluster) as client,
    ):
        cluster.scale(jobs=workers)
        executor = client.get_executor(pure=False)
        ended = threading.Event()
        watch = threading.Thread(target=_watch_jobs, args=(cluster, client, executor, ended), daemon=True)
        watch.start()
        try:
            yield executor
        finally:
            ended.set()


def slurm_logs() -> str:
    """Return the folder of what jobs of Slurm print: one in the user's cache, unless another is configured."""
    import dask.config

    return str(dask.config.get("jobqueue.slurm.log-directory", None) or _logs_unless_configured())


def _logs_unless_configured() -> Path:
    return home().absolute() / "slurm"


@contextlib.contextmanager
def _ctrl_c_as_before() -> Iterator[None]:
    """Undo what importing dask-jobqueue does: Ctrl-C would end this process without a word, and with exit code 0."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is not before:
            signal.signal(signal.SIGINT, before)


def _watch_jobs(cluster: Any, client: Any, executor: Executor, ended: threading.Event) -> None:
    """Cancel everything when no worker is there and none is queued: their time is over, or none could start."""
    while not ended.wait(_LOOK_EVERY):
        jobs = [worker.job_id for worker in list(cluster.workers.values()) if worker.job_id]
        if jobs and not client.scheduler_info()["workers"] and not _in_queue(jobs):
            executor.shutdown(wait=False)  # as of a broken pool, all that was submitted is lost
            return


def _in_queue(jobs: list[str]) -> bool:
    queue = subprocess.run(["squeue", "--noheader", "--format=%i"], capture_output=True, text=True, check=False)
    return queue.returncode != 0 or not set(jobs).isdisjoint(queue.stdout.split())


@contextlib.contextmanager
def mpi(workers: int) -> Iterator[Executor]:
    """Use the processes that ``mpiexec`` has started; where one is lost, MPI ends all of them.

    Processes that are spawned by another leave it waiting for ever where one is lost.
    """
    from mpi4py import MPI
    from mpi4py.futures import MPIPoolExecutor

    if MPI.COMM_WORLD.Get_size() == 1:
        raise UserError(
            "`executor`: mpi runs on the processes that mpiexec starts: give the command as `mpiexec -n "
            f"{workers + 1} python -m mpi4py.futures -m ssl_irmae.cli evaluate ...`, one process more than workers"
        )
    with MPIPoolExecutor(workers, main=False) as pool:
        yield pool


@contextlib.contextmanager
def ray(workers: int) -> Iterator[Executor]:
    """Start Ray on this machine, or join the cluster that ``RAY_ADDRESS`` names."""
    import ray

    size = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
    # it prints that a worker has died, which is said anyway, and not beside the results
    with contextlib.redirect_stdout(io.StringIO()):
        ray.init(**size, log_to_driver=False, logging_level=logging.CRITICAL)
        try:
            yield _RayExecutor(ray.remote(max_retries=0)(_call))
        finally:
            ray.shutdown()


class _RayExecutor(Executor):
    """Ray's tasks as an executor, which Ray has not (its issue 29456).

    Args:
        remote: A remote function that calls what it is given.
    """

    def __init__(self, remote: Any) -> None:
        self._remote = remote

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a call."""
        future: Future[Any] = self._remote.remote(fn, *args, **kwargs).future()
        return future


def _call(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return fn(*args, **kwargs)


class Engine(NamedTuple):
    """An engine that ships.

    Args:
        factory: Called with the number of workers.
        extra: The extra with its packages, under which ``pip`` installs them.
        logs: Returns the folder with what workers printed, if there is one.
    """

    factory: Callable[[int], contextlib.AbstractContextManager[Executor]]
    extra: str
    logs: Callable[[], str] | None = None


ENGINES = {
    "dask": Engine(dask, "dask"),
    "slurm": Engine(slurm, "slurm", slurm_logs),
    "mpi": Engine(mpi, "mpi"),
    "ray": Engine(ray, "ray"),
}
"""By the name that ``evaluate`` takes; those that need a package beyond the usual ones."""
