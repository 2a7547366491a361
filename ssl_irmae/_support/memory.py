"""How much memory this process may still use, so that what is larger is left on disk."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ssl_irmae.errors import UserError

SHARE = 0.25
"""Share of the free memory up to which images are held in it. What is made of them, such as a copy of another size, is
as large again."""

_GB = 1e9
_CGROUPS = Path("/sys/fs/cgroup")


def free_memory() -> int | None:
    """Return how many bytes this process can still use: what the machine has, or limits on process or container leave.

    Limits are those of ``ulimit -d`` and ``ulimit -v`` and of control groups. Returns None where none of it is known:
    outside Linux.
    """
    return min(_free(), default=None)


def fits(size: int) -> bool:
    """Return whether so many bytes are at most a quarter of the free memory, or that is unknown."""
    free = free_memory()
    return free is None or size <= SHARE * free


def require_memory(size: int, what: str, remedy: str) -> None:
    """Check that so many bytes can be had.

    Args:
        size: Bytes.
        what: What needs them; the message begins with it.
        remedy: What to do.

    Raises:
        UserError: If they are more than the free memory.
    """
    free = free_memory()
    if free is not None and size > free:
        raise UserError(f"{what} take {size / _GB:,.1f} GB of memory, and {free / _GB:,.1f} GB are free: {remedy}")


def _free() -> Iterator[int]:
    if available := _kilobytes("/proc/meminfo", "MemAvailable"):
        yield available
    with contextlib.suppress(ImportError):
        import resource

        for limit, used in ((resource.RLIMIT_DATA, "VmData"), (resource.RLIMIT_AS, "VmSize")):
            most = resource.getrlimit(limit)[0]
            if most != resource.RLIM_INFINITY:
                yield max(0, most - (_kilobytes("/proc/self/status", used) or 0))
    yield from _free_in_groups()


def _free_in_groups() -> Iterator[int]:
    """Yield what each limited control group leaves; pages of files count as free, since they can be read again."""
    for line in _lines("/proc/self/cgroup"):
        _, controllers, name = line.split(":", 2)
        version_2 = not controllers
        if not version_2 and "memory" not in controllers.split(","):
            continue
        root = _CGROUPS if version_2 else _CGROUPS / "memory"
        limit_in, used_in = ("memory.max", "anon") if version_2 else ("memory.limit_in_bytes", "total_rss")
        group = root / name.lstrip("/")
        for folder in (group, *group.parents):
            if not folder.is_relative_to(root):
                break
            limit = next(iter(_lines(folder / limit_in)), "max")
            used = dict(line.split(maxsplit=1) for line in _lines(folder / "memory.stat")).get(used_in)
            if limit.isdecimal() and used is not None:
                yield max(0, int(limit) - int(used))


def _kilobytes(path: str, name: str) -> int | None:
    found = (line.split() for line in _lines(path) if line.startswith(f"{name}:"))
    return next((int(words[1]) * 1024 for words in found), None)


def _lines(path: str | Path) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:  # not on this system, or not visible in this container
        return []
