"""Work that one process does for all: the others wait for it, and say for what."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from ssl_irmae._support.progress import Listener, Message, Waiting, silent

_ASK_EVERY = 0.5  # seconds between two chances for the listener to stop the waiting


@contextlib.contextmanager
def wait_for(path: Path, what: str, progress: Listener = silent) -> Iterator[None]:
    """Hold a lock inside a block, waiting until no other process holds it.

    What the other process made meanwhile is there when the block begins: look before doing it again. The system frees
    the lock of a process that is killed.

    Args:
        path: The lock file; its folder must exist.
        what: What a process does that holds it, such as ``"fetching mnist"``.
        progress: Called with a ``Message`` and then ``Waiting`` events if there is another process; it may raise.
    """
    lock = filelock.FileLock(path)
    began = time.monotonic()
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        progress(Message(f"waiting for another process that is {what}"))
        while not lock.is_locked:
            with contextlib.suppress(filelock.Timeout):
                lock.acquire(timeout=_ASK_EVERY)
            progress(Waiting(what, time.monotonic() - began))
    try:
        yield
    finally:
        lock.release()
