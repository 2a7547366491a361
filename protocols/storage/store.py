"""The store of finished trials: SQLite, one row a trial, written as it finishes."""

import contextlib
import json
import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.storage.rows import Kept, Row
from ssl_irmae.protocols.subsets import Subset

_APPLICATION_ID = 0x49524D41  # "IRMA": tells our files from other programs' databases
_SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    key TEXT PRIMARY KEY, row TEXT NOT NULL, seconds REAL, finished TEXT NOT NULL, environment TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS subsets (hash TEXT PRIMARY KEY, indices BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS mistakes (key TEXT PRIMARY KEY, wrong BLOB NOT NULL);
"""


class Store:
    """Finished trials in one file. Every row is committed as it is added, so that a kill loses none.

    Args:
        path: The file; made, with its folder, if it is not there.

    Raises:
        UserError: If the file is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connect() as connection:
            (owner,) = connection.execute("PRAGMA application_id").fetchone()
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if tables and owner != _APPLICATION_ID:
                raise UserError(f"{path} is another program's database: name another --store")
            if not tables >= {"trials", "subsets", "mistakes"}:  # a store that is only read is not written to
                connection.executescript(f"PRAGMA application_id = {_APPLICATION_ID}; {_SCHEMA}")

    def get(self, key: str) -> Kept | None:
        """Look a trial up, or return None if it has not been run."""
        found = self._read("WHERE key = ?", key)
        return found[0] if found else None

    def add(self, key: str, kept: Kept, subset: Subset) -> bool:
        """Keep a finished trial and its subset; a trial that is there already stays as it is.

        Returns:
            Whether it was not there.
        """
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO subsets VALUES (?, ?) ON CONFLICT DO NOTHING",
                (subset.hash, subset.indices.astype("<i8").tobytes()),
            )
            seconds = None if math.isnan(kept.seconds) else kept.seconds
            values = (key, kept.row.model_dump_json(), seconds, kept.finished, json.dumps(kept.environment))
            done = connection.execute("INSERT INTO trials VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)
            if done.rowcount == 1 and kept.wrong:
                connection.execute("INSERT INTO mistakes VALUES (?, ?)", (key, kept.wrong))
            return done.rowcount == 1

    def kept(self) -> list[Kept]:
        """Read every finished trial, in the order in which they finished."""
        return self._read("ORDER BY finished, trials.rowid")

    def rows(self) -> list[Row]:
        """Read the row of every finished trial, in the order in which they finished."""
        return [kept.row for kept in self.kept()]

    def indices(self, subset: str) -> list[int]:
        """Read the labelled indices of a subset by its hash.

        Raises:
            KeyError: If the store has no such subset.
        """
        with self._connect() as connection:
            found = connection.execute("SELECT indices FROM subsets WHERE hash = ?", (subset,)).fetchone()
        if found is None:
            raise KeyError(subset)
        return [int(i) for i in np.frombuffer(found[0], dtype="<i8")]

    def _read(self, which: str, *values: str) -> list[Kept]:
        columns = "row, seconds, finished, environment, wrong"
        query = f"SELECT {columns} FROM trials LEFT JOIN mistakes USING (key) {which}"  # noqa: S608 (all are ours)
        with self._connect() as connection:
            found = connection.execute(query, values).fetchall()
        return [
            Kept(
                Row.model_validate_json(row),
                math.nan if seconds is None else seconds,
                finished,
                json.loads(environment),
                wrong or b"",
            )
            for row, seconds, finished, environment, wrong in found
        ]

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        # a connection a call: nothing is held open between trials that another process would wait for
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=60)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise UserError(f"{self.path} cannot be used as a store ({error}): name another --store") from error
