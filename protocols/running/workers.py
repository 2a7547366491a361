"""Trials in several processes, each with its share of the threads."""

import contextlib
import itertools
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import types
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import TypeVar

import threadpoolctl
import torch

from ssl_irmae._support.allocator import keep_freed_memory
from ssl_irmae.errors import UserError
from ssl_irmae.networks.registry import Networks
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.running.jobs import Job
from ssl_irmae.protocols.running.runner import Runner
from ssl_irmae.protocols.storage.rows import FinishedTrial

_STEPS_TO_PAY = 500  # starting a process takes about as long as 100 steps of `supervised`
_BYTES_OF_EACH = 2 * 2**30  # a process that trains on MNIST uses about half of this

_runner: Runner | None = None

T = TypeVar("T")


def threads_of_each(processes: int) -> int:
    """Divide torch's threads among processes: more threads than cores slow each other down badly."""
    return max(1, torch.get_num_threads() // processes)


def threads_by_default(contender: Contender, device: str) -> int:
    """Return how many threads a contender's trials use if the user has not chosen a number of processes.

    Small networks gain little from a second thread: one process per thread trains more of them than one process with
    all threads. Encoding all images with a frozen encoder keeps every thread busy.
    """
    return 1 if device == "cpu" and not contender.frozen else torch.get_num_threads()


def pays_to_start(jobs: Sequence[Job]) -> bool:
    """Return whether there is enough training to make up for the time it takes to start processes."""
    steps = [int(job.trial.settings.get("steps", 0)) for job in jobs if job.trial.reads == "images"]
    return sum(steps) >= _STEPS_TO_PAY


@contextlib.contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Run a block with that many threads in torch, numpy, scipy and scikit-learn, and restore the numbers after it."""
    before = torch.get_num_threads()
    if threads == before:
        yield
        return
    with threadpoolctl.threadpool_limits(threads):
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def in_processes(
    runner: Runner,
    batches: Sequence[Sequence[Job]],
    processes: int,
    failed: Callable[[Sequence[Job], Exception], None],
) -> Generator[list[tuple[Job, FinishedTrial]]]:
    """Run trials in several processes, fewer if memory is short, and yield all that have finished since the last time.

    Trials that share codes stay together in one process, which encodes once for all of them. When the generator is
    closed, or this process ends for any reason, the others end at once.

    Args:
        runner: Runs the trials; each process gets a copy.
        batches: The trials; those of one batch are run together.
        processes: Number of processes, at most.
        failed: Called with every batch that raises, and its exception; the others are still run.

    Raises:
        UserError: If one of the processes is killed.
    """
    # trials with many labels take longest: they go first, so that no process ends up alone with a long one
    groups = deque(sorted(_groups(batches), key=lambda group: group[0][0].trial.budget, reverse=True))
    running: dict[Future[list[FinishedTrial]], tuple[ProcessPoolExecutor, Sequence[Job]]] = {}
    with _pools(runner, number_of_processes(batches, processes), threads_of_each(processes)) as pools:
        while groups or running:
            for pool in pools:
                if groups and all(busy is not pool for busy, _ in running.values()):
                    running |= {_submit(pool, _run, batch): (pool, batch) for batch in groups.popleft()}
            finished: list[tuple[Job, FinishedTrial]] = []
            killed: BrokenProcessPool | None = None
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                _, batch = running.pop(future)
                try:
                    finished += zip(batch, future.result(), strict=True)
                except BrokenProcessPool as error:
                    killed = error
                except Exception as error:  # as where trials run in this process
                    failed(batch, error)
            yield finished
            if killed is not None:
                raise UserError(
                    "a process that ran trials was killed, most likely because memory ran out; try fewer `jobs`; "
                    "finished trials are kept"
                ) from killed


def number_of_processes(batches: Sequence[Sequence[Job]], processes: int) -> int:
    """Return how many processes run some trials: at most as many as have work and fit into the machine's memory."""
    return min(processes, len(_groups(batches)), _room_in_memory())


def in_each_process(work: Callable[[], T], processes: int, threads: int) -> list[T]:
    """Do the same in several processes at the same time, each with so many threads; return what each returns."""
    with _pools(None, processes, threads) as pools:
        for begun in [_submit(pool, int) for pool in pools]:
            begun.result()  # none begins before all have started
        return [done.result() for done in [_submit(pool, work) for pool in pools]]


@contextlib.contextmanager
def _pools(runner: Runner | None, processes: int, threads: int) -> Iterator[list[ProcessPoolExecutor]]:
    """Prepare processes, which start with their first work and end with the block, or with this process."""
    context = multiprocessing.get_context("spawn")  # a forked copy of a process with threads may hang
    watched, held = context.Pipe(duplex=False)
    pools = [ProcessPoolExecutor(1, context, _start, (runner, threads, watched)) for _ in range(processes)]
    try:
        yield pools
    finally:
        held.close()  # closing the pipe makes the workers exit
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, work: Callable[..., T], *arguments: object) -> Future[T]:
    with _no_interrupt(), _no_main_module():
        return pool.submit(work, *arguments)


def _groups(batches: Sequence[Sequence[Job]]) -> list[list[Sequence[Job]]]:
    """Group batches that share codes; each group is run by one process."""
    return [list(group) for _, group in itertools.groupby(batches, key=_shared)]


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Start processes out of reach of Ctrl-C and SIGTERM, even while they import; this process has them a moment later.

    A scheduler sends SIGTERM to all processes of a job, a terminal Ctrl-C: to stop is this process's decision.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _no_main_module() -> Iterator[None]:
    """Start processes that do not run the caller's script again, which a spawned process does by default.

    A script without ``if __name__ == "__main__"`` would start an evaluation in each of them. joblib's loky does so too.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def can_be_sent(what: Contender | Networks) -> bool:
    """Return whether another process can load it: not what a script or a notebook defines itself."""
    try:
        return b"__main__" not in pickle.dumps(what)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False


def _room_in_memory() -> int:
    """Return how many processes fit into the machine's memory."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system reports them
        return sys.maxsize
    return max(1, total // _BYTES_OF_EACH)


def _shared(batch: Sequence[Job]) -> tuple[object, ...]:
    trial = batch[0].trial
    # trained networks share little: one trial at a time keeps every process busy to the end
    alone = trial.key if trial.reads == "images" else ""
    return trial.budget, trial.encoder_hash, trial.reads, trial.transductive, alone


def _start(runner: Runner | None, threads: int, watched: Connection) -> None:
    global _runner
    threading.Thread(target=_end_with_parent, args=(watched,), daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # both are the parent's to handle
    keep_freed_memory()
    torch.set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads)  # numpy, scipy and scikit-learn
    _runner = runner


def _end_with_parent(watched: Connection) -> None:
    watched.poll(None)  # nothing is ever sent: this returns when the other end is closed, even by a kill
    os._exit(1)


def _run(batch: Sequence[Job]) -> list[FinishedTrial]:
    assert _runner is not None
    return _runner.run(batch)
