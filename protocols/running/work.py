"""Trials as they are sent to a worker, which finds what they need by identity, and not by being the right process.

What is sent are plain values and bytes, and bytes come back: no engine's own way of pickling has a part in it, and
whatever an engine raises is about the worker, never about a trial.
"""

import contextlib
import pickle
import platform
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import threadpoolctl
import torch

from ssl_irmae._support.environment import versions
from ssl_irmae._support.files import sha256
from ssl_irmae._support.home import home, make_folder
from ssl_irmae._support.shared_files import remove_left, shared_file
from ssl_irmae.errors import UserError, describe_exception
from ssl_irmae.plugins.lookup import find_registered
from ssl_irmae.protocols.representations.fused import found_here
from ssl_irmae.protocols.representations.representation import Representation
from ssl_irmae.protocols.running.jobs import Job
from ssl_irmae.protocols.running.runner import Runner
from ssl_irmae.protocols.storage.rows import FinishedTrial

Batch = Sequence[Job]
"""Trials that are run together."""

Found = dict[int, Representation | None]
"""Representations as this worker finds them, by the id of what was sent."""

_kept: tuple[str, Runner] | None = None
_one_at_a_time = threading.Lock()  # a process has one number of threads, and one runner


class UnfitWorkerError(UserError):
    """A worker cannot run any trial of a task."""


class TaskOnDisk(NamedTuple):
    """Images, labels, given codes and how networks are trained, as a file.

    Args:
        hash: SHA-256 of the file, by which workers know it.
        path: Where it is.
    """

    hash: str
    path: str


class Work(NamedTuple):
    """What batches are run with.

    Args:
        task: What a worker reads, or has kept since it last did; None if it was given the task when it started.
        versions: Versions by package, which rows name.
        folders: Where the caller's modules are.
    """

    task: TaskOnDisk | None
    versions: dict[str, str]
    folders: tuple[str, ...]

    @classmethod
    def of(cls, task: TaskOnDisk | None) -> "Work":
        """Return what batches of this process are run with."""
        return cls(task, versions(), tuple(sys.path))

    def find_modules(self) -> None:
        """Let this process find the caller's modules."""
        sys.path.extend(folder for folder in self.folders if folder not in sys.path)

    def check_versions(self) -> None:
        """Check that this process has the caller's versions, which results are stored under.

        Raises:
            UnfitWorkerError: If it has others.
        """
        differing = [name for name, version in self.versions.items() if versions()[name] != version]
        if differing:
            ours, theirs = (
                ", ".join(f"{name} {known[name]}" for name in differing) for known in (versions(), self.versions)
            )
            raise UnfitWorkerError(
                f"{_here()} has {ours}, and {theirs} was expected: let workers use the same environment"
            )


@contextlib.contextmanager
def kept_on_disk(runner: Runner) -> Iterator[TaskOnDisk]:
    """Keep what a runner needs in the user's cache within a block, for workers and for other commands with the same.

    Raises:
        UserError: If the cache cannot be written to.
    """
    data = pickle.dumps(runner)
    path = home().absolute() / "tasks" / sha256(data)
    make_folder(path.parent)
    remove_left(path.parent)
    with shared_file(path, data):
        yield TaskOnDisk(path.name, str(path))


def give(runner: Runner) -> None:
    """Give this process its task before any work comes, and its threads with it."""
    global _kept
    _kept = ("", runner)


def run_batches(work: Work, batches: bytes) -> bytes:
    """Run batches in a worker.

    Args:
        work: What they are run with.
        batches: A pickled list of them.

    Returns:
        A pickled list: of each batch its finished trials, or what it raised. A worker that cannot run any of them
        returns a pickled ``UnfitWorkerError``.
    """
    work.find_modules()
    results: list[list[FinishedTrial] | Exception] = []
    found: Found = {}
    with _one_at_a_time:
        try:
            runner = _runner(work)
            sent: list[Batch] = pickle.loads(batches)  # noqa: S301 (ours)
        except UnfitWorkerError as error:
            return pickle.dumps(error)
        except Exception as error:  # modules of the user's may raise anything
            return pickle.dumps(
                UnfitWorkerError(
                    f"{_here()} cannot load what it is sent ({describe_exception(error)}): let it find the same "
                    "modules as this command, installed or in its folder"
                )
            )
        for batch in sent:
            try:
                results.append(_run(runner, work, batch, found))
            except Exception as error:  # whatever a readout raises, the others are run
                results.append(_as_sent(error))
    return pickle.dumps(results)


def _run(runner: Runner, work: Work, batch: Batch, found: Found) -> list[FinishedTrial]:
    _check_plugins(batch)
    if work.task is None:  # the process was started with the threads that it needs
        return runner.run(batch)
    threads, before = batch[0].trial.threads, torch.get_num_threads()
    with threadpoolctl.threadpool_limits(threads):
        torch.set_num_threads(threads)
        try:
            for sent in (job.representation for job in batch):
                if id(sent) not in found:  # the files of an encoder are read to be checked
                    found[id(sent)] = found_here(sent)
            return runner.run([job._replace(representation=found[id(job.representation)]) for job in batch])
        finally:
            torch.set_num_threads(before)


def _check_plugins(batch: Batch) -> None:
    """Check that this process has loaded the code of plug-ins that identities of trials name.

    Raises:
        UserError: If a file was changed since the caller loaded it.
    """
    for used in {used for job in batch for used in job.trial.plugins if used.distribution and used.kind != "dataset"}:
        if find_registered(used.kind, used.name, ()).origin.source != used.source:
            raise UserError(
                f"{used.name} of {used.origin} was changed since this command began: give it again; finished trials "
                "are kept"
            )


def _runner(work: Work) -> Runner:
    """Return the runner of a task: the one that this process has kept, or one that is read."""
    global _kept
    name = "" if work.task is None else work.task.hash
    if _kept is None or _kept[0] != name:
        assert work.task is not None  # a process that is given its task has no other
        work.check_versions()
        _kept = (name, _read(work.task))
    return _kept[1]


def _read(task: TaskOnDisk) -> Runner:
    here = _here()
    remedy = "let SSL_IRMAE_HOME name a folder that all workers reach"
    try:
        data = Path(task.path).read_bytes()
    except OSError as error:
        raise UnfitWorkerError(f"{here} cannot read {task.path} ({error.strerror or error}): {remedy}") from error
    if sha256(data) != task.hash:
        raise UnfitWorkerError(f"{here} finds other data in {task.path} than were written there: {remedy}")
    runner: Runner = pickle.loads(data)  # noqa: S301 (the hash came with the work)
    return runner


def _here() -> str:
    return f"the worker on {platform.node()}"


def _as_sent(error: Exception) -> Exception:
    """Return an exception that can be sent, with the lines that raised it where these are not the user's to read."""
    if not isinstance(error, UserError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (ours)
    except Exception:  # it can hold anything
        return RuntimeError(describe_exception(error))
    return error
