"""The store of finished trials: an SQLite file, one row per trial, written as each finishes."""

import contextlib
import json
import math
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.storage.legacy import read_row
from ssl_irmae.protocols.storage.rows import IDENTITY, FinishedTrial, Row

if TYPE_CHECKING:
    from ssl_irmae.protocols.subsets import Subset

_APPLICATION_ID = 0x49524D41  # "IRMA": distinguishes our files from other programs' databases
_SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    key TEXT PRIMARY KEY, row TEXT NOT NULL, seconds REAL, finished TEXT NOT NULL, environment TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS subsets (hash TEXT PRIMARY KEY, indices BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS mistakes (key TEXT PRIMARY KEY, wrong BLOB NOT NULL);
"""
# not in the schema: a store from before is read without being written to
_DUPLICATES = "CREATE TABLE IF NOT EXISTS duplicates (training TEXT, scored TEXT, counts TEXT NOT NULL)"
_MEASURES = "CREATE TABLE IF NOT EXISTS measures (key TEXT PRIMARY KEY, found TEXT NOT NULL)"


class Store:
    """Finished trials in one file. Every row is committed as it is added, so a kill does not lose any.

    Args:
        path: The file; it is created, with its folder, if it does not exist. A store from before mistakes were kept
            gets an empty table for them.
        argument: The argument that errors name, as the caller calls it; empty if they should name the file alone.

    Raises:
        UserError: If the file is not a store, or one of a later version.
    """

    def __init__(self, path: Path, *, argument: str = "store") -> None:
        self.path = path
        self._name = f"`{argument}`: {path}" if argument else str(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connect() as connection:
            connection.execute("BEGIN")  # what follows is read as of one moment: another process may be creating it
            (owner,) = connection.execute("PRAGMA application_id").fetchone()
            (identity,) = connection.execute("PRAGMA user_version").fetchone()
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if tables and owner != _APPLICATION_ID:
                raise UserError(f"{self._name} is another program's database; name another file")
            if identity > IDENTITY:
                raise UserError(
                    f"{self._name} was written by a later ssl-irmae (keys of version {identity}, this one knows up to "
                    f"{IDENTITY}); update ssl-irmae or name another file"
                )
            if not tables >= {"trials", "subsets", "mistakes"}:
                fresh = "" if tables else f"PRAGMA user_version = {IDENTITY};"
                connection.executescript(f"PRAGMA application_id = {_APPLICATION_ID}; {fresh} {_SCHEMA}")
        self._keys_are_current = not tables or identity == IDENTITY

    def get(self, key: str) -> FinishedTrial | None:
        """Look a trial up by its key; None if it has not been run."""
        self._compute_keys_anew()
        found = self._read("WHERE key = ?", key)
        return found[0] if found else None

    def add(self, trial: FinishedTrial, subset: "Subset") -> bool:
        """Store a finished trial and its subset; a trial that is already there stays as it is.

        Returns:
            Whether the trial was new.
        """
        self._compute_keys_anew()
        key = trial.row.key
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO subsets VALUES (?, ?) ON CONFLICT DO NOTHING",
                (subset.hash, subset.indices.astype("<i8").tobytes()),
            )
            seconds = None if math.isnan(trial.seconds) else trial.seconds
            values = (key, trial.row.model_dump_json(), seconds, trial.finished, json.dumps(trial.environment))
            done = connection.execute("INSERT INTO trials VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)
            if done.rowcount == 1 and trial.wrong:
                connection.execute("INSERT INTO mistakes VALUES (?, ?)", (key, trial.wrong))
            return done.rowcount == 1

    def trials(self) -> list[FinishedTrial]:
        """Read every finished trial, in the order in which they finished."""
        return self._read("ORDER BY finished, trials.rowid")

    def add_duplicates(self, training: str, scored: str, counts: Mapping[str, int]) -> None:
        """Store how many images of a data set occur more than once, unless it is there.

        Args:
            training: Fingerprint of the training images, as rows have it.
            scored: That of the scored images.
            counts: Fields of ``Duplicates``.
        """
        if self.duplicates(training, scored) is None:
            with self._connect() as connection:
                connection.execute(_DUPLICATES)
                connection.execute("INSERT INTO duplicates VALUES (?, ?, ?)", (training, scored, json.dumps(counts)))

    def duplicates(self, training: str, scored: str) -> dict[str, int] | None:
        """Look up how many images of a data set occur more than once; None if that was not counted."""
        query = "SELECT counts FROM duplicates WHERE training = ? AND scored = ?"
        return self._extra("duplicates", query, training, scored)

    def add_measured(self, key: str, found: Mapping[str, object]) -> None:
        """Store what was measured of an encoder; what is already there stays as it is.

        Args:
            key: Identifies the encoder and what was measured of it.
            found: Plain values that JSON can hold.
        """
        with self._connect() as connection:
            connection.execute(_MEASURES)
            connection.execute("INSERT INTO measures VALUES (?, ?) ON CONFLICT DO NOTHING", (key, json.dumps(found)))

    def measured(self, key: str) -> dict[str, Any] | None:
        """Look up what was measured of an encoder; None if it was not."""
        return self._extra("measures", "SELECT found FROM measures WHERE key = ?", key)

    def _extra(self, table: str, query: str, *values: str) -> dict[str, Any] | None:
        """Look up a JSON object in a table that not every store has."""
        with self._connect() as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            found = connection.execute(query, values).fetchone() if table in tables else None
        try:
            return None if found is None else json.loads(found[0])
        except (ValueError, TypeError, RecursionError) as error:
            raise self._damaged(error) from error

    def _compute_keys_anew(self) -> None:
        """Give the trials of an older store today's keys; only what looks up keys needs this, and reading does not."""
        if self._keys_are_current:
            return
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            (identity,) = connection.execute("PRAGMA user_version").fetchone()
            if identity != IDENTITY:  # another process may have done it meanwhile
                wrong = dict(connection.execute("SELECT key, wrong FROM mistakes"))
                trials = connection.execute(
                    "SELECT key, row, seconds, finished, environment FROM trials ORDER BY finished, rowid"
                ).fetchall()
                connection.execute("DELETE FROM trials")
                connection.execute("DELETE FROM mistakes")
                for old, row, *rest in trials:
                    key = self._row(row).key
                    values = (key, row, *rest)
                    connection.execute("INSERT INTO trials VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)
                    if old in wrong:
                        mistakes = (key, wrong[old])
                        connection.execute("INSERT INTO mistakes VALUES (?, ?) ON CONFLICT DO NOTHING", mistakes)
                connection.execute(f"PRAGMA user_version = {IDENTITY}")
        self._keys_are_current = True

    def _read(self, which: str, *values: str) -> list[FinishedTrial]:
        columns = "row, seconds, finished, environment, wrong"
        query = f"SELECT {columns} FROM trials LEFT JOIN mistakes USING (key) {which}"  # noqa: S608 (both are literals of this file)
        with self._connect() as connection:
            found = connection.execute(query, values).fetchall()
        return [self._trial(*columns) for columns in found]

    def _trial(self, row: str, seconds: Any, finished: Any, environment: Any, wrong: Any) -> FinishedTrial:
        try:
            known = json.loads(environment)
            if not (isinstance(known, dict) and isinstance(finished, str) and isinstance(wrong, bytes | None)):
                raise TypeError("a column is of another kind")
            duration = math.nan if seconds is None else float(seconds)
            return FinishedTrial(self._row(row), duration, finished, known, wrong or b"")
        except (ValueError, TypeError, RecursionError) as error:
            if isinstance(error, UserError):
                raise
            raise self._damaged(error) from error

    def _row(self, text: str) -> Row:
        try:
            values = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise self._damaged(error) from error
        try:
            return read_row(values)
        except ValueError as error:
            contender = values.get("contender") if isinstance(values, dict) else None
            raise UserError(
                f"{self._name} holds a trial of {contender} that cannot be read ({error}); update "
                "ssl-irmae, if a later one wrote it, or name another file"
            ) from error

    def _damaged(self, error: Exception) -> UserError:
        return UserError(f"{self._name} is damaged ({error}); take its rows from a report of it, or name another file")

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        # one connection per call: between trials nothing stays open that another process would have to wait for
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=60)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise UserError(f"{self._name} cannot be used ({error}); name another file") from error
