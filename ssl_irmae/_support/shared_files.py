"""Files that several processes use, and that go when none of them needs them any more."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ssl_irmae._support.files import sha256, write_atomically

if sys.platform != "win32":  # there, the files stay
    import fcntl

_LEFT_AFTER = 7 * 24 * 3600  # seconds without use, after which a file was left by a command that was killed


@contextlib.contextmanager
def shared_file(path: Path, data: bytes) -> Iterator[None]:
    """Keep a file within a block; whoever needs it last removes it.

    Where a file system has no locks, it stays.

    Args:
        path: The file, whose name is the SHA-256 of its contents, in a folder that exists.
        data: Its contents.
    """
    handle = _hold(path, data)
    try:
        yield
    finally:
        _remove_unless_held(path, handle)
        os.close(handle)


def remove_left(folder: Path) -> None:
    """Remove files that nobody has used for a week, and that no process holds."""
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFT_AFTER:
                handle = _open(path)
                try:
                    _remove_unless_held(path, handle)
                finally:
                    os.close(handle)


def _hold(path: Path, data: bytes) -> int:
    while True:
        if not path.is_file() or sha256(path) != path.name:
            write_atomically(path, data)
        with contextlib.suppress(FileNotFoundError):  # another process has just removed it
            handle = _open(path)
            if sys.platform != "win32":
                with contextlib.suppress(OSError):  # some network file systems have no locks
                    fcntl.flock(handle, fcntl.LOCK_SH)
            if _is_open(path, handle):
                with contextlib.suppress(OSError):  # it is another user's
                    os.utime(path)
                return handle
            os.close(handle)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR)  # which network file systems need for a lock that is not shared
    except PermissionError:
        return os.open(path, os.O_RDONLY)


def _remove_unless_held(path: Path, handle: int) -> None:
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):  # raised where it is held, or cannot be
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_open(path, handle):
            path.unlink()


def _is_open(path: Path, handle: int) -> bool:
    """Return whether a path still leads to the file that is open."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except OSError:
        return False
