"""Which executor a user means: an engine that ships, a factory, or an executor itself."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import torch

from ssl_irmae._support.extras import require
from ssl_irmae._support.functions import import_function
from ssl_irmae.errors import UserError, unknown_name
from ssl_irmae.protocols.running.engines import ENGINES, PROCESSES
from ssl_irmae.protocols.running.lanes import Lane
from ssl_irmae.protocols.running.runner import Runner
from ssl_irmae.protocols.running.work import Batch, Work, kept_on_disk, run_batches
from ssl_irmae.protocols.running.workers import number_of_processes, one_process, threads_of_each

Factory = Callable[..., Executor | contextlib.AbstractContextManager[Executor]]
"""Returns an executor or a context manager of one; called with the number of workers if it takes an argument."""


@dataclass(frozen=True)
class Processes:
    """Processes of this machine that share its threads.

    Args:
        most: How many, at most.
    """

    most: int

    @contextlib.contextmanager
    def lanes(self, runner: Runner, batches: Sequence[Batch]) -> Iterator[list[Lane]]:
        """Yield a lane for each process."""
        build = functools.partial(one_process, runner, threads_of_each(self.most))
        count = number_of_processes(batches, self.most)
        run = functools.partial(run_batches, Work.of(None))
        yield [Lane(build, workers=1, single=True, run=run, title=PROCESSES) for _ in range(count)]


@dataclass(frozen=True)
class Pool:
    """An executor of any other kind, whose workers may be on other machines.

    Args:
        title: What errors call it.
        build: Returns it.
        workers: How many workers it has.
        logs: The folder with what workers printed, if there is one.
    """

    title: str
    build: Callable[[], contextlib.AbstractContextManager[Executor]]
    workers: int
    logs: str | None = None

    @contextlib.contextmanager
    def lanes(self, runner: Runner, batches: Sequence[Batch]) -> Iterator[list[Lane]]:
        """Yield its only lane, with a file of what workers need."""
        if not batches:
            yield []
            return
        with kept_on_disk(runner) as task:
            run = functools.partial(run_batches, Work.of(task))
            yield [Lane(self.build, workers=self.workers, single=False, run=run, title=self.title, logs=self.logs)]


def find_pool(executor: str | Executor | Factory | None, jobs: int | None) -> Pool | None:
    """Return the executor that a user means; None for processes of this machine.

    Args:
        executor: The name of an engine that ships, ``"MODULE:FACTORY"``, a factory, or an executor.
        jobs: How many workers it has; None for one per core of this machine.

    Raises:
        UserError: If there is no such engine or function, a package is missing, it is none of these, or has no worker.
    """
    if jobs is not None and jobs < 1:
        raise UserError(f"`jobs`: {jobs} is not a number of processes; use 1 or more, or None")
    if executor is None or executor == PROCESSES:
        return None
    workers = jobs or torch.get_num_threads()
    if isinstance(executor, Executor):
        return Pool("the executor", _Once(executor), workers)
    if isinstance(executor, str) and ":" not in executor:
        if executor not in ENGINES:
            error = unknown_name("executor", executor, [PROCESSES, *ENGINES])
            raise UserError(f"{error}; your own are named MODULE:FACTORY")
        engine = ENGINES[executor]
        require(engine.extra, f"`executor`: {executor}")
        logs = engine.logs() if engine.logs else None
        return Pool(executor, functools.partial(engine.factory, workers), workers, logs)
    if isinstance(executor, str):
        return Pool(
            executor, _built_by(import_function(executor, "executor", "my_pool:start"), executor, workers), workers
        )
    if not callable(executor):
        raise UserError(
            f"`executor`: a {type(executor).__name__} runs no trials; give a name, a concurrent.futures.Executor or a "
            "function that returns one"
        )
    title = getattr(executor, "__name__", type(executor).__name__)
    return Pool(title, _built_by(executor, title, workers), workers)


class _Once:
    """Gives an executor that was given as it is, which cannot be built again.

    Args:
        executor: The executor.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor: Executor | None = executor

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Executor]:
        if self._executor is None:
            raise UserError(
                "`executor`: it is broken, and cannot be built again: give the function that returns it instead; "
                "finished trials are kept"
            )
        executor, self._executor = self._executor, None
        yield executor


def _built_by(factory: Factory, title: str, workers: int) -> Callable[[], contextlib.AbstractContextManager[Executor]]:
    @contextlib.contextmanager
    def build() -> Iterator[Executor]:
        made: object = factory(workers) if _takes_workers(factory) else factory()
        with contextlib.ExitStack() as stack:
            if isinstance(made, Executor):
                stack.callback(made.shutdown, wait=False)
            elif isinstance(made, contextlib.AbstractContextManager):
                made = stack.enter_context(made)
            if not isinstance(made, Executor):
                raise UserError(
                    f"`executor`: {title} must return a concurrent.futures.Executor or a context manager of one, got "
                    f"{type(made).__name__}"
                )
            yield made

    return build


def _takes_workers(factory: Factory) -> bool:
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # such as of a built-in
        return False
    return any(parameter.kind in positional for parameter in parameters)
