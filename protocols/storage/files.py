"""Finished trials out of a file: a store, rows.csv, or the JSON that evaluate and report write."""

import csv
import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.storage.rows import Kept, Row
from ssl_irmae.protocols.storage.store import Store

_SQLITE = b"SQLite format 3\0"


def read_trials(path: Path) -> list[Kept]:
    """Read every trial, oldest first.

    Args:
        path: A store; a ``.csv`` as ``rows_csv`` writes it, its environments in
            ``environments.json`` and the images that were wrong in ``mistakes.npz`` beside it, if those are there; or a
            JSON document with a list ``rows``, which have all the environments that it lists. Seconds that are not
            known are NaN; a JSON document tells no times.

    Raises:
        UserError: If there is no such file, it is none of these, or it holds no trial.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}: name the --store of `ssl-irmae evaluate`, a rows.csv, or its --json")
    with path.open("rb") as file:
        is_store = file.read(len(_SQLITE)) == _SQLITE
    try:
        kept = Store(path).kept() if is_store else _read_text(path)
    except (ValidationError, ValueError, KeyError, TypeError, csv.Error) as error:
        if isinstance(error, UserError):
            raise
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else " ".join(str(error).split())
        raise UserError(
            f"{path} cannot be read as a store, rows.csv or JSON of `ssl-irmae evaluate` ({reason[:200]})"
        ) from error
    if not kept:
        raise UserError(f"{path} holds no finished trial: run `ssl-irmae evaluate --store {path}` first")
    return sorted(kept, key=lambda k: k.finished)  # those without a time stay in their order, first


def _read_text(path: Path) -> list[Kept]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        beside = path.with_name("environments.json")
        named = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
        if not isinstance(named, dict):
            raise TypeError(f"{beside.name} holds no object at the top")
        wrong = _mistakes(path.with_name("mistakes.npz"))
        return [_from_csv(cells, named, wrong) for cells in csv.DictReader(io.StringIO(text), strict=True)]
    document = json.loads(text)
    if not isinstance(document, dict):
        raise TypeError("no object at the top")
    environments = document.get("environments", [])
    # rows of such a document do not say which of several environments they come from
    environment = environments[0] if len(environments) == 1 else {"one of": environments} if environments else {}
    return [Kept(Row.model_validate(row), math.nan, "", environment) for row in document["rows"]]


def _mistakes(path: Path) -> dict[str, bytes]:
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(zip(arrays["predictions"].tolist(), map(bytes, arrays["wrong"]), strict=True))
    except (zipfile.BadZipFile, AttributeError) as error:
        raise TypeError(f"{path.name} is no .npz of this kind") from error


def _from_csv(cells: dict[str, str], environments: dict[str, dict[str, object]], mistakes: dict[str, bytes]) -> Kept:
    seconds, finished = float(cells.pop("seconds", "") or math.nan), cells.pop("finished", "")
    environment = environments.get(cells.pop("environment", ""), {})
    values: dict[str, Any] = {name: None if value == "" else value for name, value in cells.items()}
    values["settings"] = json.loads(values["settings"])
    row = Row.model_validate(values)
    return Kept(row, seconds, finished, environment, mistakes.get(row.predictions, b""))
