"""Processes that torchrun has started meet, train one run, and end together, with one sentence for all."""

import contextlib
import functools
import itertools
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import FrameType

import torch
import torch.distributed
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from ssl_irmae._support.seeding import derive_seed
from ssl_irmae._support.torchrun import NEEDED, number_on_machine, process_count, process_number
from ssl_irmae.errors import LostProcessError, UserError, describe_exception
from ssl_irmae.pretraining.processes import ALONE, LostContactError, Processes

_PATIENCE = timedelta(
    minutes=30
)  # for one that loads or measures while the others wait; one that dies is noticed at once
_ASK_EVERY = 0.05  # seconds
_LOOK_FOR = 3.0  # seconds in which those that are left find out who has ended
_AGAIN = "the same command continues from the last checkpoint"

_meetings = itertools.count()  # a name of its own for each run that a script trains


@contextlib.contextmanager
def together(device: str) -> Iterator[Processes]:
    """Meet the other processes of a run before a block, and part after it; without torchrun there are none.

    Gradients are added up by NCCL on GPUs, of which each process has its own, and by gloo on processors. Dropout, whose
    draws cannot be those of one process, draws differently in each.

    Args:
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.

    Yields:
        This process among the others.

    Raises:
        UserError: If this process was not started as one of several, or ``device`` cannot be shared.
        LostProcessError: If another process has ended before this one; what it said is in the message.
    """
    if process_count() == 1:
        yield ALONE
        return
    on_gpu = _claim_device(device)
    meeting = _Meeting(process_number(), process_count())
    try:
        meeting.wait_for_all()
        meeting.connect(on_gpu)
        with torch.random.fork_rng(devices=[torch.cuda.current_device()] if on_gpu else []):
            if meeting.number:
                torch.manual_seed(derive_seed("process", meeting.number))
            yield Processes(meeting.number, meeting.count)
    except LostContactError as error:
        raise meeting.explain(error) from error
    except BaseException as error:
        meeting.say(error)
        raise
    finally:
        meeting.part()


class _Meeting:
    """What the processes of a run say to each other besides sums: who is there, and why one ends."""

    def __init__(self, number: int, count: int) -> None:
        self.number, self.count = number, count
        missing = [name for name in NEEDED if not os.environ.get(name)]
        if missing:
            raise UserError(
                f"WORLD_SIZE is {count}, without {', '.join(missing)}: start several processes with torchrun, or unset "
                "WORLD_SIZE to train in one"
            )
        self.address = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        try:
            store = _shared_store()
            attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
            self.store: Store = PrefixStore(f"ssl-irmae/{attempt}/{next(_meetings)}", store)
            self.store.set(f"here/{number}", f"{socket.gethostname()} {os.getpid()}")
        except (RuntimeError, ValueError) as error:
            raise UserError(
                f"the process of rank {number} cannot reach {self.address}, where {count} should meet "
                f"({describe_exception(error)})"
            ) from error
        self._ending = False
        self._in_main_thread = threading.current_thread() is threading.main_thread()
        if self._in_main_thread:
            self._before = signal.signal(signal.SIGTERM, self._told_to_stop)

    def wait_for_all(self) -> None:
        """Wait until every process has come, in small steps: a signal can end the waiting."""
        end = time.monotonic() + _PATIENCE.total_seconds()
        for other in range(self.count):
            while not self._has_come(other):
                if time.monotonic() > end:
                    raise UserError(f"the process of rank {other} has not come to {self.address} in {_PATIENCE}")
                time.sleep(_ASK_EVERY)

    def _has_come(self, other: int) -> bool:
        try:
            return bool(self.store.check([f"here/{other}"]))
        except RuntimeError as error:  # the process of rank 0, which held the store, has ended
            raise LostContactError(str(error)) from error

    def connect(self, on_gpu: bool) -> None:
        """Let the processes add up tensors."""
        try:
            torch.distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if on_gpu else "gloo",
                store=PrefixStore("sums", self.store),
                rank=self.number,
                world_size=self.count,
                timeout=_PATIENCE,
            )
        except RuntimeError as error:
            raise LostContactError(str(error)) from error

    def say(self, error: BaseException) -> None:
        """Tell the others, and torchrun, why this process ends."""
        text = str(error) if isinstance(error, UserError | OSError) else describe_exception(error)
        with contextlib.suppress(RuntimeError):  # the others may have taken the store with them
            self.store.set(f"end/{self.number}", text)
        _leave_note(text)

    def explain(self, cause: LostContactError) -> LostProcessError:
        """Find out which process has ended, and why."""
        self._ending = True
        reason = ""
        try:
            self.store.set(f"end/{self.number}", "")  # which is not the one that was lost
            end = time.monotonic() + _LOOK_FOR
            while not reason and time.monotonic() < end:
                reason = self._reason()
                time.sleep(_ASK_EVERY)
            speaks = self.store.add("speakers", 1) == 1 and not reason.startswith(_SAID.format(0))
        except RuntimeError:  # the process of rank 0 held the store, unless torchrun does
            reason, speaks = _LOST.format(0), True
        if not reason:
            reason = f"the processes have lost contact ({describe_exception(cause)}): {_AGAIN}"
        _leave_note(reason)
        return LostProcessError(reason, speaks=speaks)

    def _reason(self) -> str:
        others = [other for other in range(self.count) if other != self.number]
        gone = [other for other in others if self._is_gone(other)]
        ended = [other for other in others if self.store.check([f"end/{other}"])]
        for other in ended:
            if text := self.store.get(f"end/{other}").decode():
                return _SAID.format(other) + text
        for other in gone:
            if other not in ended:
                return _LOST.format(other)
        return _TOLD if len(ended) == len(others) else ""

    def _is_gone(self, other: int) -> bool:
        if not self.store.check([f"here/{other}"]):
            return False
        host, _, pid = self.store.get(f"here/{other}").decode().rpartition(" ")
        if host != socket.gethostname():
            return False
        try:
            os.kill(int(pid), 0)
        except OSError as error:
            return isinstance(error, ProcessLookupError)
        return False

    def _told_to_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Take the signal by which torchrun ends those that are left for a reason to look for the one that has ended.

        From then on it is ignored, so that what was found can be said: torchrun kills what has not ended half a minute
        later.
        """
        if not self._ending:
            self._ending = True
            raise LostContactError("SIGTERM")

    def part(self) -> None:
        """Leave, so that the same processes can meet again."""
        if self._in_main_thread and not self._ending:
            signal.signal(signal.SIGTERM, self._before)
        if torch.distributed.is_initialized():
            with contextlib.suppress(RuntimeError):
                torch.distributed.destroy_process_group()


@functools.cache
def _shared_store() -> Store:
    """Return what the processes share, which the one of rank 0 holds, at the address that torchrun has given them.

    It is kept for further runs of the same processes, whose address stays: one of its own for each would be gone while
    a process that is ahead waits there for the next run already.
    """
    store: Store
    store, _, _ = next(rendezvous("env://", timeout=_PATIENCE))
    return store


_SAID = "the process of rank {} has ended: "
_LOST = (
    "the process of rank {} has ended without a word, as when it is killed or out of memory, and all others with it: "
    + _AGAIN
)
_TOLD = f"all processes were told to stop: {_AGAIN}"


def _claim_device(name: str) -> bool:
    """Return whether to train on GPUs, and make that of this process the one that is called ``cuda``."""
    count, local = process_count(), number_on_machine()
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(
            f"`device` {name!r} is for one process: {count} take auto, cpu or cuda, which is a GPU for each"
        )
    if name == "cpu" or not torch.cuda.is_available():
        return False
    if local >= torch.cuda.device_count():
        raise UserError(
            f"the process of rank {process_number()} has no GPU of its own: start as many per machine as there are "
            f"GPUs, {torch.cuda.device_count()} here, or use `device` cpu"
        )
    torch.cuda.set_device(local)
    return True


def _leave_note(text: str) -> None:
    """Write why this process ends where torchrun looks for it, to end its own report with it."""
    if path := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        message = {"message": text, "extraInfo": {"timestamp": str(int(time.time()))}}
        with contextlib.suppress(OSError):
            Path(path).write_text(json.dumps({"message": message}))
