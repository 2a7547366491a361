"""Stores that cannot be used are refused in one sentence, which names the file and what to do."""

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ssl_irmae._support.files import sha256
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.rows import IDENTITY, FinishedTrial
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.subsets import Subset
from tests.protocols.conftest import MakeRow


@pytest.fixture
def trial(make_row: MakeRow) -> FinishedTrial:
    return FinishedTrial(make_row("irmae-linear", 0, 5.0), 1.0, "2026-01-01T00:00:00+00:00", {})


@pytest.fixture
def path(tmp_path: Path, trial: FinishedTrial) -> Path:
    """A store with one trial."""
    path = tmp_path / "s.sqlite"
    assert Store(path).add(trial, Subset(np.arange(3), 0, "balanced"))
    return path


def execute(path: Path, statement: str, *values: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def write_to_row(path: Path, trial: FinishedTrial, **fields: object) -> None:
    row = {**trial.row.model_dump(mode="json"), **fields}
    execute(path, "UPDATE trials SET row = ?", json.dumps(row))


def test_errors_name_the_argument_that_the_file_was_given_by(tmp_path: Path) -> None:
    path = tmp_path / "others.db"
    execute(path, "CREATE TABLE songs (number INTEGER)")
    openings: dict[str, Callable[[], object]] = {
        f"`store`: {path} is another": lambda: Store(path),
        f"`results`: {path} is another": lambda: Store(path, argument="results"),
        f"{path} is another": lambda: read_trials(path),
    }
    for beginning, opening in openings.items():
        with pytest.raises(UserError) as caught:
            opening()
        assert str(caught.value).startswith(beginning)


def test_a_row_of_a_later_version_is_named_with_its_contender(path: Path, trial: FinishedTrial) -> None:
    write_to_row(path, trial, later=1)
    for reading in (lambda: Store(path).get(trial.row.key), lambda: Store(path).trials(), lambda: read_trials(path)):
        with pytest.raises(UserError, match=r"holds a trial of irmae-linear .*\(later: .*update ssl-irmae") as caught:
            reading()
        assert str(path) in str(caught.value)


def test_a_store_of_a_later_version_is_refused_and_left_alone(path: Path) -> None:
    execute(path, f"PRAGMA user_version = {IDENTITY + 1}")
    before = sha256(path)
    for opening in (Store, read_trials):
        with pytest.raises(UserError, match=r"written by a later ssl-irmae .*update ssl-irmae"):
            opening(path)
    assert sha256(path) == before


def test_one_row_that_cannot_be_read_leaves_an_older_store_as_it_is(path: Path, trial: FinishedTrial) -> None:
    write_to_row(path, trial, later=1)
    execute(path, "PRAGMA user_version = 0")
    before = sha256(path)
    with pytest.raises(UserError, match="holds a trial of irmae-linear"):
        Store(path).get(trial.row.key)
    assert sha256(path) == before
