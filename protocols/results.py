"""The store of finished trials: SQLite, one row a trial, written as it finishes."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.subsets import Subset

_SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (key TEXT PRIMARY KEY, row TEXT NOT NULL, seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS subsets (hash TEXT PRIMARY KEY, indices BLOB NOT NULL);
"""


class Row(BaseModel):
    """One trial: one contender on one subset. The same trial gives the same row, bit for bit.

    Args:
        contender: Its name.
        budget: Number of labels.
        seed: Of the subset and of the learner.
        error: Percent of the scored images that were classified wrongly.
        n_scored: How many images that was over.
        scored_on: ``"test"``, or ``"development"`` for training images held out for tuning.
        rule: How the labelled subset was drawn.
        subset: SHA-256 of the labelled indices, which the store keeps.
        predictions: SHA-256 of the predicted labels.
        dataset: Its name.
        data_fingerprint: Of the training images and labels.
        scored_fingerprint: Of the scored images and labels.
        encoder: Name of the pretrained encoder, if there is one.
        encoder_hash: Of its weights and architecture.
        reads: What the readout was given: ``"code"``, ``"features"`` or ``"images"``.
        readout: Which.
        settings: Its fixed settings.
        precision: Arithmetic of networks that were trained.
        device: Where.
        version: Of ssl-irmae.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contender: str
    budget: int
    seed: int
    error: float
    n_scored: int
    scored_on: str
    rule: str
    subset: str
    predictions: str
    dataset: str
    data_fingerprint: str
    scored_fingerprint: str
    encoder: str | None
    encoder_hash: str | None
    reads: str
    readout: str
    settings: dict[str, str | int | float | bool]
    precision: str
    device: str
    version: str


class Store:
    """Finished trials in one file. Every row is committed as it is added, so that a kill loses none.

    Args:
        path: The file; made, with its folder, if it is not there.

    Raises:
        UserError: If the file is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._connect() as connection:
                connection.executescript(_SCHEMA)
        except (sqlite3.DatabaseError, OSError) as error:
            raise UserError(f"{path} cannot be used as a store of results ({error}): name another --store") from error

    def get(self, key: str) -> tuple[Row, float] | None:
        """Look a trial up: its row and the seconds it took, or None if it has not been run."""
        with self._connect() as connection:
            found = connection.execute("SELECT row, seconds FROM trials WHERE key = ?", (key,)).fetchone()
        return None if found is None else (Row.model_validate_json(found[0]), found[1])

    def add(self, key: str, row: Row, seconds: float, subset: Subset) -> None:
        """Keep a finished trial and its subset; a trial that is there already stays as it is."""
        with self._connect() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO subsets VALUES (?, ?)", (subset.hash, subset.indices.astype("<i8").tobytes())
            )
            connection.execute("INSERT OR IGNORE INTO trials VALUES (?, ?, ?)", (key, row.model_dump_json(), seconds))

    def rows(self) -> list[Row]:
        """Read every finished trial, in the order in which they finished."""
        with self._connect() as connection:
            found = connection.execute("SELECT row FROM trials ORDER BY rowid").fetchall()
        return [Row.model_validate_json(text) for (text,) in found]

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

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        # a connection a call: nothing is held open between trials that another process would wait for
        connection = sqlite3.connect(self.path, timeout=60)
        try:
            with connection:
                yield connection
        finally:
            connection.close()
