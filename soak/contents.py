"""What files hold, apart from when and how fast it came about; and whether they are whole."""

import csv
import hashlib
import io
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from PIL import Image

_TIMES = {"seconds", "finished", "minutes", "images_per_second", "images/s", "commit"}
_CARD_TIME = re.compile(r"^(\| minutes of training \||It took about ).*$", re.MULTILINE)
_HIDDEN_ALLOWED = {".lock", ".pretraining.lock"}
"""Locks stay: the system frees what a killed process held, and who deletes a lock file could free that of another."""


def of_folder(folder: Path) -> dict[str, str]:
    """Hash what every visible file below a folder holds, by its path."""
    return {str(file.relative_to(folder)): _hash(file) for file in _files(folder) if not _is_hidden(file, folder)}


def differing(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """List the files that differ or are on one side alone."""
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def torn(folder: Path) -> list[str]:
    """List the visible files below a folder that are not whole."""
    bad = []
    for file in _files(folder):
        if not _is_hidden(file, folder) and not file.name.endswith(("-journal", ".out", ".err")):
            try:
                whole(file)
            except Exception as error:  # whatever a reader of ours or of others raises
                bad.append(f"{file.relative_to(folder)}: {type(error).__name__}")
    return bad


def left_over(folder: Path) -> list[str]:
    """List hidden files and folders below a folder that are not locks."""
    return [
        str(file.relative_to(folder))
        for file in sorted(folder.rglob(".*"))
        if file.name not in _HIDDEN_ALLOWED and not file.name.endswith(".lock")
    ]


def whole(path: Path) -> object:
    """Return what a file holds, without times, as something that can be hashed.

    Raises:
        Exception: If it is cut short or damaged.
    """
    match path.suffix:
        case ".sqlite":
            return _store(path)
        case ".json":
            return _without_times(json.loads(path.read_text()))
        case ".jsonl":
            return [_without_times(json.loads(line)) for line in path.read_text().splitlines()]
        case ".csv":
            return _table(path.read_text())
        case ".npz":
            with np.load(path) as arrays:
                return {name: _array(arrays[name]) for name in sorted(arrays)}
        case ".safetensors":
            return {name: _tensor(x) for name, x in sorted(safetensors.torch.load(path.read_bytes()).items())}
        case ".pt":
            return _checkpoint(torch.load(path, weights_only=True))
        case ".png":
            with Image.open(path) as picture:
                picture.load()
            return path.read_bytes()
        case ".html":
            return _ending(path, "</html>")
        case ".md":
            return _CARD_TIME.sub("", _ending(path, ""))
        case _:
            return path.read_bytes()


def stored(path: Path) -> set[str]:
    """Read the keys of the trials in a store; none before it is made."""
    if not path.is_file():
        return set()
    try:
        with sqlite3.connect(path, timeout=60) as connection:
            return {key for (key,) in connection.execute("SELECT key FROM trials")}
    except sqlite3.OperationalError:
        return set()
    finally:
        connection.close()


def steps_of(folder: Path) -> int:
    """Read how many steps the checkpoint of a run has; 0 without one."""
    path = folder / "checkpoint.pt"
    return int(torch.load(path, weights_only=True)["step"]) if path.is_file() else 0


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _hash(path: Path) -> str:
    held = whole(path)
    data = held if isinstance(held, bytes) else repr(held).encode()
    return hashlib.sha256(data).hexdigest()


def _store(path: Path) -> object:
    connection = sqlite3.connect(path, timeout=60)
    try:
        (state,) = connection.execute("PRAGMA integrity_check").fetchone()
        if state != "ok":
            raise ValueError(state)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "trials" not in tables:
            return []
        trials = connection.execute("SELECT key, row FROM trials ORDER BY key").fetchall()
        others = [
            connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()  # noqa: S608 (names of ours)
            for name in ("subsets", "mistakes", "duplicates")
            if name in tables
        ]
        measured = connection.execute("SELECT key, found FROM measures ORDER BY key") if "measures" in tables else ()
        return [trials, others, [(key, _without_times(json.loads(found))) for key, found in measured]]
    finally:
        connection.close()


def _table(text: str) -> object:
    lines = list(csv.reader(io.StringIO(text), strict=True))
    if not text.endswith("\n") or any(len(line) != len(lines[0]) for line in lines):
        raise ValueError("cut short")
    kept = [i for i, name in enumerate(lines[0]) if name not in _TIMES]
    return [[line[i] for i in kept] for line in lines]


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(each) for name, each in sorted(value.items()) if name not in _TIMES}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


def _checkpoint(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return _tensor(value)
    if isinstance(value, dict):
        texts = {name: json.loads(value[name]) for name in ("history", "continued") if name in value}
        return {k: _checkpoint(v) for k, v in {**value, **texts}.items() if k not in _TIMES}
    return [_checkpoint(each) for each in value] if isinstance(value, list | tuple) else value


def _tensor(x: torch.Tensor) -> object:
    x = x.contiguous()
    return str(x.dtype), tuple(x.shape), hashlib.sha256(x.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()


def _array(x: np.ndarray[Any, Any]) -> object:
    return str(x.dtype), x.shape, hashlib.sha256(x.tobytes()).hexdigest()


def _ending(path: Path, end: str) -> str:
    text = path.read_text()
    if not text.rstrip().endswith(end) or not text:
        raise ValueError("cut short")
    return text
