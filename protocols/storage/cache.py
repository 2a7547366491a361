"""The cache of tensors that take long to compute and do not depend on any label."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from ssl_irmae._support.environment import processor, versions
from ssl_irmae._support.files import sha256, write_atomically
from ssl_irmae._support.home import home, make_folder
from ssl_irmae.errors import UserError

_DIGEST = 64


def cached(kind: str, *parts: object, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return tensors from the cache, computing and keeping them if they are not there.

    Whatever can change a bit is part of the file's name: versions, processor and number of threads. A damaged file
    counts as absent, and a failure to write one is ignored; all of them can be deleted at any time.

    Args:
        kind: Folder below ``home()``.
        *parts: Everything that the tensors are a function of; together they name the file.
        compute: Returns the tensors, on the CPU.
    """
    path = _path(kind, parts)
    with contextlib.suppress(OSError):
        found = path.read_bytes()
        if found[:_DIGEST].decode(errors="replace") == sha256(found[_DIGEST:]):
            return safetensors.torch.load(found[_DIGEST:])
    tensors = compute()
    data = safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()})
    with contextlib.suppress(OSError, UserError):
        make_folder(path.parent)
        write_atomically(path, sha256(data).encode() + data)
    return tensors


def is_cached(kind: str, *parts: object) -> bool:
    """Return whether ``cached`` would find a file, which may be damaged."""
    return _path(kind, parts).is_file()


def _path(kind: str, parts: tuple[object, ...]) -> Path:
    where = (tuple(versions().items()), processor(), torch.get_num_threads())
    return home() / kind / sha256(repr((*parts, *where)).encode())
