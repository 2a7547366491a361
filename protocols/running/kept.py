"""What trials share in one process, up to a number of bytes."""

import contextlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from ssl_irmae._support.allocator import return_freed_memory

BYTES_OF_EACH = 2 * 2**30
"""Memory that each process which runs trials is reckoned to need, whatever the number of encoders."""

MOST_KEPT = BYTES_OF_EACH // 2
"""Bytes of codes and graphs that it keeps; a process that trains on MNIST uses about the other half."""

T = TypeVar("T")


class Kept:
    """Remembers what is slow to compute, and drops what was used least recently when that is more than some bytes.

    What the trials that are running use is never dropped. Whatever is dropped must be the same when it is computed
    again. Arrays that several values share count once.

    Args:
        most: Bytes that are kept, unless running trials use more.
        apart: Tensors that somebody else keeps, which do not count.
    """

    def __init__(self, most: int = MOST_KEPT, apart: Iterable[Tensor] = ()) -> None:
        self.most = most
        self.size = 0
        self._values: dict[Hashable, Any] = {}  # what was used last comes last
        self._arrays: dict[Hashable, dict[int, int]] = {}
        self._users = Counter(place for tensor in apart for place in _arrays_in(tensor))
        self._in_use: set[Hashable] = set()

    def __contains__(self, key: Hashable) -> bool:
        """Return whether a value is kept."""
        return key in self._values

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return the value that is kept under a key, or compute and keep it."""
        value: T = self._values.pop(key) if key in self._values else compute()
        self._values[key] = value
        self._in_use.add(key)
        if key not in self._arrays:
            self.measure(key)
        return value

    def make_room(self, size: int) -> None:
        """Drop what is too much beside so many bytes, which will be needed at once."""
        self._drop(self.most - size)

    def measure(self, key: Hashable) -> None:
        """Note that a value may have grown, and drop others if all are too many bytes now."""
        if key in self._values:
            self._uncount(key)
            self._arrays[key] = _arrays_in(self._values[key])
            for place, size in self._arrays[key].items():
                self.size += 0 if self._users[place] else size
                self._users[place] += 1
            self._drop(self.most)

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Drop nothing that is used within a block; what was used before it may be dropped."""
        self._in_use.clear()
        try:
            yield
        finally:
            for key in tuple(self._in_use):
                self.measure(key)

    def _drop(self, most: int) -> None:
        before = self.size
        for key in [key for key in self._values if key not in self._in_use]:
            if self.size <= most:
                break
            del self._values[key]
            self._uncount(key)
        if self.size < before:
            return_freed_memory()

    def _uncount(self, key: Hashable) -> None:
        for place, size in self._arrays.pop(key, {}).items():
            self._users[place] -= 1
            if not self._users[place]:
                del self._users[place]
                self.size -= size


def _arrays_in(value: object) -> dict[int, int]:
    """Return where the arrays that an object holds are in memory, with the bytes of each; several views are one."""
    found: dict[int, int] = {}
    seen: set[int] = set()
    left = [value]
    while left:
        each = left.pop()
        if id(each) in seen or isinstance(each, type | ModuleType):
            continue
        seen.add(id(each))
        if isinstance(each, Tensor):
            storage = each.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
        elif isinstance(each, np.ndarray):
            while isinstance(each.base, np.ndarray):
                each = each.base
            found.setdefault(each.ctypes.data, each.nbytes)
        elif isinstance(each, Mapping):
            left += each.values()
        elif isinstance(each, list | tuple | set | frozenset):
            left += each
        else:
            left += getattr(each, "__dict__", {}).values()
    return found
