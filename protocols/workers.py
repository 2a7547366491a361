"""Trials in several processes, each with its share of the threads."""

import itertools
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

import threadpoolctl
import torch

from ssl_irmae.protocols.results import Kept
from ssl_irmae.protocols.runner import Runner
from ssl_irmae.protocols.trials import Cell

_runner: Runner | None = None


def threads_of_each(jobs: int) -> int:
    """Divide the threads that torch would use among processes: more threads than cores slow each other many times."""
    return max(1, torch.get_num_threads() // jobs)


def in_processes(runner: Runner, batches: Sequence[Sequence[Cell]], jobs: int) -> Iterator[tuple[Cell, Kept]]:
    """Run trials in so many processes, and yield each as it finishes.

    Trials that share codes stay together in one process, which encodes once for them.

    Args:
        runner: Copied into each process.
        batches: The trials; those of one batch are run together.
        jobs: Number of processes.
    """
    groups = deque(list(group) for _, group in itertools.groupby(batches, key=_shared))
    context = multiprocessing.get_context("spawn")  # a forked copy of a process with threads may hang
    pools = [
        ProcessPoolExecutor(1, context, _start, (runner, threads_of_each(jobs))) for _ in range(min(jobs, len(groups)))
    ]
    running: dict[Future[list[Kept]], tuple[ProcessPoolExecutor, Sequence[Cell]]] = {}
    try:
        while groups or running:
            for pool in pools:
                if groups and all(busy is not pool for busy, _ in running.values()):
                    running |= {pool.submit(_run, batch): (pool, batch) for batch in groups.popleft()}
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                _, batch = running.pop(future)
                yield from zip(batch, future.result(), strict=True)
    finally:
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)


def _shared(batch: Sequence[Cell]) -> tuple[object, ...]:
    trial = batch[0].trial
    # what trains a network shares little: one trial at a time keeps every process busy to the end
    alone = trial.key if trial.reads == "images" else ""
    return trial.budget, trial.encoder_hash, trial.reads, trial.transductive, alone


def _start(runner: Runner, threads: int) -> None:
    global _runner
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    torch.set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads)  # those of numpy, scipy and scikit-learn
    _runner = runner


def _run(batch: Sequence[Cell]) -> list[Kept]:
    assert _runner is not None
    return _runner.run(batch)
