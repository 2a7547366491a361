"""Files that are either complete or absent."""

import hashlib
import os
import tempfile
from pathlib import Path


def sha256(data: bytes | Path) -> str:
    """Hash bytes, or the contents of a file, to 64 hexadecimal digits."""
    return hashlib.sha256(data.read_bytes() if isinstance(data, Path) else data).hexdigest()


def is_file(path: Path) -> bool:
    """Return whether a file is there; one in a folder that may not be entered is not."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file so that readers see the old contents or the new, even after a kill or with several writers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
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


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
