"""Write and read finished trials as files: rows.csv and the files beside it, or one JSON document."""

import csv
import gzip
import hashlib
import io
import json
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ssl_irmae._support.formats import refuse_later
from ssl_irmae.datasets.archive import open_archive
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.storage.legacy import read_row
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row, mistakes
from ssl_irmae.protocols.storage.store import Store

FORMAT = 1
"""Version of rows.csv and of report.json; those of before it was recorded are of the first."""

_DAMAGED = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    csv.Error,
    gzip.BadGzipFile,
    EOFError,
    zlib.error,
)
_SQLITE = b"SQLite format 3\0"
_JSON_CELLS = (
    "settings",
    "given",
    "cross_validated",
    "pretraining",
    "plugins",
    "software",
    "scored_classes",
    "class_errors",
    "trouble",
)


def row_values(row: Row) -> dict[str, Any]:
    """Return what a file records of a row: the key, which identifies the trial, and every field."""
    return {"key": row.key, **row.model_dump(mode="json")}


def rows_csv(trials: Iterable[FinishedTrial]) -> str:
    """Write one line per trial, with everything that a store has except subsets, and the name of its environment.

    :func:`environments_json` has the environments and :func:`mistakes_npz` the images that were wrong; subsets are a
    function of the columns.
    """
    lines = []
    for trial in trials:
        values = row_values(trial.row)
        values |= {name: json.dumps(values[name]) for name in _JSON_CELLS if values[name] is not None}
        values["finished"] = trial.finished
        values["seconds"] = None if math.isnan(trial.seconds) else round(trial.seconds, 3)
        values["environment"] = name_environment(trial.environment) if trial.environment else None
        values["format"] = FORMAT
        lines.append(values)
    return csv_text(lines)


def environments_json(trials: Iterable[FinishedTrial]) -> str:
    """Write the environments that rows.csv names."""
    named = {name_environment(trial.environment): trial.environment for trial in trials if trial.environment}
    return json.dumps(named, indent=2, sort_keys=True) + "\n"


def name_environment(environment: dict[str, object]) -> str:
    """Name an environment by the first eight hexadecimal digits of its SHA-256."""
    return hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest()[:8]


def mistakes_npz(trials: Iterable[FinishedTrial]) -> bytes | None:
    """Write which scored images each trial got wrong; return None if this is not known of any trial.

    The arrays are ``predictions``, the hashes by which rows.csv names what was predicted, shape (p,); and ``wrong``,
    uint8, packed by ``numpy.packbits``, shape (p, ceil(n_scored / 8)).
    """
    wrong = mistakes(trials)
    if not wrong:
        return None
    buffer = io.BytesIO()
    packed = np.frombuffer(b"".join(wrong.values()), dtype=np.uint8).reshape(len(wrong), -1)
    np.savez_compressed(buffer, predictions=np.array(list(wrong)), wrong=packed)
    return buffer.getvalue()


def csv_text(lines: Sequence[dict[str, object]]) -> str:
    """Write dictionaries with the same keys as CSV."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()


def read_trials(path: Path) -> list[FinishedTrial]:
    """Read every trial, oldest first.

    Args:
        path: A store; a ``.csv`` as :func:`rows_csv` writes it, or that as ``.csv.gz``, with ``environments.json`` and
            ``mistakes.npz`` beside it if those exist; or a JSON document with a list ``rows``. If that document lists
            several environments, every row gets the whole list. Seconds that are not known are NaN; a JSON document
            has no times.

    Raises:
        UserError: If there is no such file, it is none of these, or it holds no trials.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}: name a store of `ssl-irmae evaluate`, a rows.csv, or its JSON")
    try:
        trials = Store(path, argument="").trials() if _is_store(path) else _read_text(path)
    except _DAMAGED as error:
        if isinstance(error, UserError):
            raise
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path} cannot be read as a store, rows.csv or JSON of `ssl-irmae evaluate` ({reason[:200]})"
        ) from error
    if not trials:
        raise UserError(f"{path} holds no finished trial: run `ssl-irmae evaluate` with this store first")
    # trials without a time come first, in the order of the file
    return sorted(trials, key=lambda trial: trial.finished)


def read_duplicates(path: Path, training: str, scored: str) -> dict[str, int] | None:
    """Read how many images of a data set occur more than once; None where a file does not tell, as a rows.csv does not.

    Args:
        path: A file that :func:`read_trials` reads.
        training: Fingerprint of the training images, as rows have it.
        scored: That of the scored images.
    """
    if _is_store(path):
        return Store(path, argument="").duplicates(training, scored)
    found = None if _is_csv(path) else json.loads(_text(path)).get("duplicates")
    return found if isinstance(found, dict) and all(isinstance(n, int) for n in found.values()) else None


def _is_store(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith((".csv", ".csv.gz"))


def _text(path: Path) -> str:
    content = path.read_bytes()
    # spreadsheets begin a file with a byte order mark
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")


def _read_text(path: Path) -> list[FinishedTrial]:
    text = _text(path)
    if _is_csv(path):
        beside = path.with_name("environments.json")
        named = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
        if not isinstance(named, dict) or not all(isinstance(each, dict) for each in named.values()):
            raise TypeError(f"{beside.name} holds no object of objects")
        wrong = _mistakes(path.with_name("mistakes.npz"))
        reader = csv.DictReader(io.StringIO(text, newline=None), strict=True)
        twice = [name for name, n in Counter(reader.fieldnames or ()).items() if n > 1]
        if twice:
            raise ValueError(f"there are several columns {twice[0]}")
        if "contender" not in (reader.fieldnames or ()):
            raise ValueError("line 1 names no column contender; columns must be separated by commas, as it was written")
        lines = list(reader)
        for number, cells in enumerate(lines, 1):
            if None in cells or None in cells.values():
                raise ValueError(f"row {number} has not one cell per column")
            refuse_later(f"{path}", _whole_number(cells.pop("format", "")), FORMAT)
        trials = [_from_csv(cells, named, wrong) for cells in lines]
        _check_keys(path, [trial.row for trial in trials], lines)
        return trials
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError("it is none of these") from error
    if not isinstance(document, dict):
        raise TypeError("no object at the top")
    refuse_later(f"{path}", document.get("format"), FORMAT)
    environments = document.get("environments", [])
    if not isinstance(environments, list) or not all(isinstance(each, dict) for each in environments):
        raise TypeError("environments: not a list of objects")
    # rows of such a document do not say which of several environments they come from
    environment = environments[0] if len(environments) == 1 else {"one of": environments} if environments else {}
    rows = [read_row(_without_key(values)) for values in document["rows"]]
    _check_keys(path, rows, document["rows"])
    return [FinishedTrial(row, math.nan, "", environment) for row in rows]


def _check_keys(path: Path, rows: Sequence[Row], recorded: Sequence[dict[str, Any]]) -> None:
    """Refuse a row whose recorded key is not that of its fields; rows from before version 0.1 have keys of their own.

    Raises:
        UserError: If there is one, which it names.
    """
    for number, (row, values) in enumerate(zip(rows, recorded, strict=True), 1):
        if values.get("key") and values["key"] != row.key and "computed_with" not in values:
            raise UserError(
                f"{path}: row {number} ({row.contender} at {row.budget:,} label{'s' * (row.budget != 1)}, seed "
                f"{row.seed}) was changed after it was written: its key is not that of its other fields; take the file "
                "as it was written, or write it again with `ssl-irmae report`"
            )


def _mistakes(path: Path) -> dict[str, bytes]:
    if not path.is_file():
        return {}
    arrays = open_archive(path)
    predictions, wrong = arrays["predictions"].read(), arrays["wrong"].read()
    if predictions.dtype.kind != "U" or wrong.dtype != np.uint8 or wrong.ndim != 2 or len(predictions) != len(wrong):
        raise TypeError(f"{path.name} is not an .npz of this kind")
    return dict(zip(predictions.tolist(), map(bytes, wrong), strict=True))


def _whole_number(cell: str) -> int | None:
    return int(cell) if cell.isdecimal() else None


def _from_csv(
    cells: dict[str, str], environments: dict[str, dict[str, object]], wrong: dict[str, bytes]
) -> FinishedTrial:
    seconds, finished = float(cells.pop("seconds", "") or math.nan), cells.pop("finished", "")
    environment = environments.get(cells.pop("environment", ""), {})
    values: dict[str, Any] = {name: None if value == "" else value for name, value in cells.items()}
    # in older rows only `settings` is JSON
    json_cells = ("settings",) if "computed_with" in values else _JSON_CELLS
    values |= {name: json.loads(values[name]) for name in json_cells if values.get(name) is not None}
    row = read_row(_without_key(values))
    return FinishedTrial(row, seconds, finished, environment, wrong.get(row.predictions, b""))


def _without_key(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "key"}
