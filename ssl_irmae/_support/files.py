"""Files and folders that are either complete or absent."""

import contextlib
import glob
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ssl_irmae.errors import UserError

if sys.platform != "win32":  # there, what a killed process leaves behind stays
    import fcntl

_RANDOM = "????????"  # what tempfile appends to a prefix


def sha256(data: bytes | Path) -> str:
    """Hash bytes, or the contents of a file, to 64 hexadecimal digits."""
    return hashlib.sha256(data.read_bytes() if isinstance(data, Path) else data).hexdigest()


def is_file(path: Path) -> bool:
    """Return whether a file is there; one in a folder that may not be entered is not."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def obstacle(folder: Path) -> str | None:
    """Return why files cannot be written into a folder or, if it does not exist, why it cannot be made."""
    if folder.parts[:1] == ("~",):
        return "there is no home folder"
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


def check_folder(out: Path) -> None:
    """Check that files can be written into a folder, or that it can be made, before there is something to write.

    Raises:
        UserError: If it is a file, or nothing can be written there.
    """
    if is_file(out):
        raise UserError(f"`out`: {out} is a file: name a folder")
    if out.parts[:1] == ("~",):
        raise UserError(f"`out`: the shell has not replaced the ~ of {out}: write the folder in full")
    if reason := obstacle(out):
        raise UserError(f"`out`: {out} cannot be written to ({reason}): name another folder")


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file so that readers see the old contents or the new, even after a kill or with several writers.

    What a killed process left of this file, hidden beside it, is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    handle, temporary = _begin_file(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())  # mkstemp makes private files; these are ordinary ones
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that appears when the block ends without an error, and else not at all.

    Args:
        path: A folder that does not exist, or is empty.

    Yields:
        The folder to write into, hidden beside ``path``.

    Raises:
        UserError: If there is something in the folder, before the block or, put there by another process, after it; or
            if it cannot be made.
    """
    check_folder(path)
    _refuse_occupied(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    with _held(temporary):
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            try:
                temporary.replace(path)
            except OSError:
                _refuse_occupied(path)
                raise
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def _refuse_occupied(path: Path) -> None:
    if path.exists() and any(path.iterdir()):
        raise UserError(f"`out`: {path} exists already and is not empty: choose another folder")


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    if sys.platform == "win32":  # which opens no folders
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _begin_file(path: Path) -> tuple[int, Path]:
    """Create a hidden file beside a path, locked for as long as it is open: a lock ends with its process."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        _lock(handle)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # another process took it for abandoned before it was locked


def _remove_abandoned(path: Path) -> None:
    """Remove hidden files and folders of this name that no process holds."""
    if sys.platform == "win32":
        return
    for left in path.parent.glob(f".{glob.escape(path.name)}.{_RANDOM}"):
        with contextlib.suppress(OSError):
            handle = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where it is held, or cannot be
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            finally:
                os.close(handle)


def _lock(handle: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
