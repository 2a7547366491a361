"""The codes that a user brings: files and arrays by name, and objects among the encoders."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssl_irmae.datasets.arrays import Array
from ssl_irmae.datasets.registry import Dataset
from ssl_irmae.errors import UserError
from ssl_irmae.methods import METHODS
from ssl_irmae.plugins.lookup import registered
from ssl_irmae.protocols.contenders.fused import FUSED
from ssl_irmae.protocols.contenders.registry import CONTENDERS, contenders_of, contenders_of_codes
from ssl_irmae.protocols.presets import PUBLISHED
from ssl_irmae.protocols.representations.codes_file import CodesFile
from ssl_irmae.protocols.representations.codes_object import METHODS_OF_OBJECTS, CodesObject
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.representations.given_codes import CodesSource, GivenCodes
from ssl_irmae.protocols.task import Task

GivenAs = str | Path | Sequence[str | Path] | Mapping[str, str | Path | Mapping[str, Array]]
"""Files as ``"mine=embeddings.npz"``, or by name, or arrays by name."""

_NAME = re.compile(r"\w[\w.+-]*")
_SCRATCH = "scratch"  # under which tables and figures list networks that are trained from scratch


@dataclass(frozen=True)
class UserCodes:
    """Codes that a user brings.

    Args:
        sources: Where they come from, by the name that contenders use.
        dataset: What they are codes of: the data set that the user named or, if none is named, the labels in the first
            file; None for the usual data set.
    """

    sources: Mapping[str, CodesSource]
    dataset: Dataset | CodesFile | None

    def of(self, task: Task) -> dict[str, tuple[GivenCodes, ...]]:
        """Return the codes of a task as representations."""
        return {
            name: (GivenCodes(name, task.codes[name].hash, source.codes_from),) for name, source in self.sources.items()
        }


def user_codes(
    codes: GivenAs,
    encoders: object,
    *,
    dataset: Dataset | None,
    preset: str | None,
    taken: Iterable[str],
) -> UserCodes:
    """Open the codes that the user names, and the objects among the encoders that make codes.

    Args:
        codes: Files, by name or as ``"mine=embeddings.npz"``; without a name, the file's name without its ending. In a
            mapping also arrays by their names, as ``numpy.load`` returns them.
        encoders: What ``evaluate`` is given: of a mapping, what is neither text nor a path is an object.
        dataset: The data set that the user names. Without it, and without a preset, files are the data set themselves.
        preset: The preset, which names a data set unless it is ``PUBLISHED``.
        taken: Names of the user's encoders.

    Raises:
        UserError: If a file cannot be read, an object has none of ``encode``, ``transform`` and ``forward``, a name is
            taken or cannot be used, or an encoder is given and no images.
    """
    files: dict[str, CodesFile] = {}
    for name, given in _named(codes):
        title = f"`codes`: {name}={given}" if isinstance(given, str | Path) else f"`codes`: {name}"
        _check_name(name, title, [*taken, *files])
        files[name] = _open(given, title)
    objects: dict[str, CodesObject] = {}
    for name, model in encoders.items() if isinstance(encoders, Mapping) else ():
        if not isinstance(model, str | Path):
            title = f"`encoders`: {name}"
            _check_name(name, title, [*taken, *files, *objects])
            objects[name] = CodesObject(title, model, _method(model, title), dataset)
    alone = bool(files) and dataset is None and preset in (None, PUBLISHED)
    if alone and (others := [*taken, *objects]):
        raise UserError(
            f"`encoders`: {others[0]} encodes images, and of {next(iter(files))} there are codes alone: give the "
            "`dataset` that these are codes of, or leave `encoders` out"
        )
    return UserCodes({**files, **objects}, next(iter(files.values())) if alone else dataset)


def _open(given: object, title: str) -> CodesFile:
    if isinstance(given, Mapping):
        return CodesFile.of_arrays(given, title)
    if isinstance(given, str | Path):
        return CodesFile.open(Path(given), title)
    raise UserError(
        f"{title} is of type {type(given).__name__}: give a file, or a mapping of arrays such as "
        "{'code': ..., 'labels': ...}"
    )


def _named(codes: GivenAs) -> Iterable[tuple[str, str | Path | Mapping[str, Array]]]:
    if isinstance(codes, Mapping):
        return codes.items()
    return [_split(path) for path in ([codes] if isinstance(codes, str | Path) else codes)]


def _split(text: str | Path) -> tuple[str, str | Path]:
    """Read ``"mine=embeddings.npz"``, or name a file by its own name."""
    name, equals, path = str(text).partition("=")
    return (name, path) if equals else (Path(text).stem, text)


def _check_name(name: str, title: str, others: Sequence[str]) -> None:
    if not _NAME.fullmatch(name):
        raise UserError(f"{title}: {name!r} is not a name; use letters, digits, '-', '_' and '.', as in mine=FILE.npz")
    contenders = {c for other in others for c in contenders_of(other)} | CONTENDERS.keys()
    if (
        name in (*METHODS, *registered("method"), *FLOORS, *FUSED, _SCRATCH, *others)
        or contenders & contenders_of_codes(name).keys()
    ):
        raise UserError(f"{title}: the name {name!r} is taken; choose another")


def _method(model: Any, title: str) -> str:
    if isinstance(model, type):
        raise UserError(f"{title} is the class {model.__name__}: give an object of it, which is ready to encode")
    for method in METHODS_OF_OBJECTS:
        if callable(getattr(model, method, None)):
            return method
    raise UserError(
        f"{title} is of type {type(model).__name__}, which has neither encode, transform nor forward: give an object "
        "that has one of them, or the folder of an encoder"
    )
