"""Processes of this machine that run trials, each with its share of the threads."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar

import threadpoolctl
import torch

from ssl_irmae._support.allocator import keep_freed_memory
from ssl_irmae._support.memory import free_memory
from ssl_irmae.networks.registry import Networks
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.running.jobs import Job
from ssl_irmae.protocols.running.kept import BYTES_OF_EACH
from ssl_irmae.protocols.running.runner import Runner
from ssl_irmae.protocols.running.work import give

_STEPS_TO_PAY = 500  # starting a process takes about as long as 100 steps of `supervised`

P = ParamSpec("P")
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


def number_of_processes(batches: Sequence[Sequence[Job]], processes: int) -> int:
    """Return how many processes run some trials: at most as many as have work and fit into the machine's memory."""
    return min(processes, len(groups_of(batches)), _room_in_memory())


def in_each_process(work: Callable[[], T], processes: int, threads: int) -> list[T]:
    """Do the same in several processes at the same time, each with so many threads; return what each returns."""
    with contextlib.ExitStack() as stack:
        pools = [stack.enter_context(one_process(None, threads)) for _ in range(processes)]
        for begun in [pool.submit(int) for pool in pools]:
            begun.result()  # none begins before all have started
        return [done.result() for done in [pool.submit(work) for pool in pools]]


@contextlib.contextmanager
def one_process(runner: Runner | None, threads: int) -> Iterator[Executor]:
    """Prepare a process, which starts with its first work and ends with the block, or with this process.

    Args:
        runner: Runs trials there; None where the work is another.
        threads: Its number of threads.
    """
    context = multiprocessing.get_context("spawn")  # a forked copy of a process with threads may hang
    watched, held = context.Pipe(duplex=False)
    pool = _OneProcess(1, context, _start, (runner, threads, watched))
    try:
        yield pool
    finally:
        held.close()  # closing the pipe makes the worker exit
        pool.shutdown(cancel_futures=True)


class _OneProcess(ProcessPoolExecutor):
    """A pool whose process is out of reach of Ctrl-C, and does not run the caller's script."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        with no_interrupt(), _no_main_module():
            return super().submit(fn, *args, **kwargs)


def groups_of(batches: Sequence[Sequence[Job]]) -> list[list[Sequence[Job]]]:
    """Group batches that share codes and graphs, in order of first appearance: each is best run by one process."""
    groups: dict[tuple[object, ...], list[Sequence[Job]]] = {}
    for batch in batches:
        groups.setdefault(_shared(batch), []).append(batch)
    return list(groups.values())


@contextlib.contextmanager
def no_interrupt() -> Iterator[None]:
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
    """Return how many processes fit into the memory that is free here."""
    free = free_memory()
    return sys.maxsize if free is None else max(1, free // BYTES_OF_EACH)


def _shared(batch: Sequence[Job]) -> tuple[object, ...]:
    trial = batch[0].trial
    # trained networks share little: one trial at a time keeps every process busy to the end
    alone = trial.key if trial.reads == "images" else ""
    return trial.budget, trial.encoder_hash or trial.representation, trial.reads, trial.transductive, alone


def _start(runner: Runner | None, threads: int, watched: Connection) -> None:
    threading.Thread(target=_end_with_parent, args=(watched,), daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # both are the parent's to handle
    keep_freed_memory()
    torch.set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads)  # numpy, scipy and scikit-learn
    if runner is not None:
        give(runner)


def _end_with_parent(watched: Connection) -> None:
    watched.poll(None)  # nothing is ever sent: this returns when the other end is closed, even by a kill
    os._exit(1)
