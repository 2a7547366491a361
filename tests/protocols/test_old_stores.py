"""Stores from before version 0.1: their trials are read and found, and reading writes nothing."""

import hashlib
import json
import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.legacy import read_row
from ssl_irmae.protocols.storage.rows import IDENTITY, FinishedTrial, Row
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.subsets import Subset
from tests.protocols.small_grids import stored_indices, stored_rows

OLD_ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "old_rows.json").read_text())
ENVIRONMENT: dict[str, object] = {"python": "3.11.7", "commit": "e0acffc"}
SUBSET = Subset(np.arange(10), 0, "balanced")

_OLD_SCHEMA = """
PRAGMA application_id = 1230130497;
CREATE TABLE IF NOT EXISTS trials (
    key TEXT PRIMARY KEY, row TEXT NOT NULL, seconds REAL, finished TEXT NOT NULL, environment TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS subsets (hash TEXT PRIMARY KEY, indices BLOB NOT NULL);
"""
_MISTAKES = "CREATE TABLE IF NOT EXISTS mistakes (key TEXT PRIMARY KEY, wrong BLOB NOT NULL);"
# the fields of a trial, in their order, less the names of contender and encoder
_OLD_IDENTITY = (
    "budget", "seed", "subset", "rule", "reads", "readout", "settings", "encoder_hash", "data_fingerprint",
    "scored_fingerprint", "scored_on", "precision", "device", "computed_with", "transductive", "pretrain_seed", "looks",
)  # fmt: skip


def old_key(row: dict[str, Any]) -> str:
    identity = {name: row[name] for name in _OLD_IDENTITY}
    return hashlib.sha256(json.dumps(identity, separators=(",", ":")).encode()).hexdigest()


def wrong_of(place: int) -> bytes:
    """Made-up mistakes of the trial at that place; every third trial has none."""
    return b"" if place % 3 == 2 else bytes([place, 255 - place])


def finished_at(place: int) -> str:
    return f"2026-01-01T00:{place:02d}:00+00:00"


def write_old_store(path: Path, rows: Sequence[dict[str, Any]], *, with_mistakes: bool = True) -> None:
    """Write a store as the code of that time did."""
    connection = sqlite3.connect(path)
    connection.executescript(_OLD_SCHEMA + (_MISTAKES if with_mistakes else ""))
    connection.execute("INSERT INTO subsets VALUES (?, ?)", (SUBSET.hash, SUBSET.indices.astype("<i8").tobytes()))
    for place, row in enumerate(rows):
        seconds = None if place == 0 else float(place)
        values = (old_key(row), json.dumps(row), seconds, finished_at(place), json.dumps(ENVIRONMENT))
        connection.execute("INSERT INTO trials VALUES (?, ?, ?, ?, ?)", values)
        if with_mistakes and wrong_of(place):
            connection.execute("INSERT INTO mistakes VALUES (?, ?)", (old_key(row), wrong_of(place)))
    connection.commit()
    connection.close()


def expected(rows: Sequence[dict[str, Any]]) -> list[tuple[Row, str, bytes]]:
    return [(read_row(row), finished_at(place), wrong_of(place)) for place, row in enumerate(rows)]


def found(trials: Sequence[FinishedTrial]) -> list[tuple[Row, str, bytes]]:
    assert all(trial.environment == ENVIRONMENT for trial in trials)
    assert math.isnan(trials[0].seconds)
    assert [trial.seconds for trial in trials[1:]] == list(range(1, len(trials)))
    return [(trial.row, trial.finished, trial.wrong) for trial in trials]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "old.sqlite"
    write_old_store(path, OLD_ROWS)
    return path


def test_an_old_store_is_read_without_being_written_to(path: Path) -> None:
    before = path.read_bytes()
    path.chmod(0o400)
    store = Store(path)
    assert found(store.trials()) == expected(OLD_ROWS)
    assert stored_rows(store) == [read_row(row) for row in OLD_ROWS]
    assert stored_indices(store, SUBSET.hash) == list(range(10))
    assert found(read_trials(path)) == expected(OLD_ROWS)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["old.sqlite"]


def test_every_old_trial_is_found_by_its_new_key(path: Path) -> None:
    store = Store(path)
    trials = [store.get(read_row(row).key) for row in OLD_ROWS]
    assert found([trial for trial in trials if trial is not None]) == expected(OLD_ROWS)
    assert not any(Store(path).get(old_key(row)) for row in OLD_ROWS)


def test_nothing_is_lost_when_keys_are_computed_anew(path: Path) -> None:
    Store(path).get("no such key")
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (IDENTITY,)
        rows = [json.loads(row) for (row,) in connection.execute("SELECT row FROM trials ORDER BY finished")]
        (mistakes,) = connection.execute("SELECT count(*) FROM mistakes").fetchone()
    connection.close()
    assert rows == OLD_ROWS, "rows stay in the words they were written in"
    assert mistakes == sum(bool(wrong_of(place)) for place in range(len(OLD_ROWS)))
    assert found(Store(path).trials()) == expected(OLD_ROWS)


def test_a_trial_that_an_old_store_has_is_not_added_again(path: Path) -> None:
    row = read_row(OLD_ROWS[3])
    store = Store(path)
    assert not store.add(FinishedTrial(row, 9.0, "2026-02-02T00:00:00+00:00", {}, b"\1\2"), SUBSET)
    assert found(store.trials()) == expected(OLD_ROWS)


def test_a_new_trial_joins_the_old_ones(path: Path) -> None:
    row = read_row({**OLD_ROWS[3], "seed": 99})
    new = FinishedTrial(row, 9.0, "2026-02-02T00:00:00+00:00", {}, b"\1\2")
    store = Store(path)
    assert store.add(new, SUBSET)
    *old, last = Store(path).trials()
    assert found(old) == expected(OLD_ROWS)
    assert last == new
    assert store.get(row.key) == new


def test_a_readout_of_the_users_own_is_found_and_blocks_no_other(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    rows = [OLD_ROWS[0], {**OLD_ROWS[0], "contender": "irmae-mine", "readout": "mine"}]
    write_old_store(path, rows)
    store = Store(path)
    assert all(store.get(read_row(row).key) is not None for row in rows)
    assert found(store.trials()) == expected(rows)


def test_two_processes_may_compute_keys_anew(path: Path) -> None:
    first, second = Store(path), Store(path)
    for store in (first, second):
        assert store.get(read_row(OLD_ROWS[5]).key) is not None
    assert found(second.trials()) == expected(OLD_ROWS)


def test_of_trials_that_are_the_same_today_the_first_stays(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    # frozen codes were read in single precision, whatever was asked for
    both = [{**OLD_ROWS[0], "precision": precision} for precision in ("fp32", "bf16")]
    assert old_key(both[0]) != old_key(both[1])
    write_old_store(path, both)
    assert len(Store(path).trials()) == 2
    store = Store(path)
    trial = store.get(read_row(both[1]).key)
    assert trial is not None
    assert (trial.finished, trial.wrong) == (finished_at(0), wrong_of(0))
    assert len(store.trials()) == 1


def test_a_store_from_before_mistakes_were_kept_is_read_and_found(tmp_path: Path) -> None:
    path = tmp_path / "older.sqlite"
    write_old_store(path, OLD_ROWS, with_mistakes=False)
    assert stored_rows(Store(path)) == [read_row(row) for row in OLD_ROWS]
    store = Store(path)
    for row in OLD_ROWS:
        assert store.get(read_row(row).key) is not None


def test_a_new_store_has_current_keys_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    trial = FinishedTrial(read_row(OLD_ROWS[0]), 1.0, finished_at(0), ENVIRONMENT)
    assert Store(path).add(trial, SUBSET)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (IDENTITY,)
        assert connection.execute("SELECT key FROM trials").fetchall() == [(trial.row.key,)]
    connection.close()
    assert Store(path).get(trial.row.key) == trial
