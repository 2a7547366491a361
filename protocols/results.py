"""The store of finished trials: SQLite, one row a trial, written as it finishes."""

import contextlib
import json
import math
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.subsets import Subset

_APPLICATION_ID = 0x49524D41  # "IRMA": tells our files from other programs' databases
_SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    key TEXT PRIMARY KEY, row TEXT NOT NULL, seconds REAL, finished TEXT NOT NULL, environment TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS subsets (hash TEXT PRIMARY KEY, indices BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS mistakes (key TEXT PRIMARY KEY, wrong BLOB NOT NULL);
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
        computed_with: Versions of software, and the number of threads: what can change a bit.
        transductive: Whether the readout looked at the scored images, without labels, before it predicted them.
        pretrain_seed: Seed of the encoder's pretraining, if there is an encoder and it tells.
        looks: How often the scored labels were looked at; above 1 the error is the smallest of so many, which leaks.
        pretraining: How the encoder was pretrained, in words without the seed, if there is one and its card tells.
        quick: Whether that was a few steps on the spot.
        classes_predicted: How many classes the predictions hold: 1 tells of training that never got going or diverged.
            None in rows from before this was kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contender: str
    budget: int = Field(ge=1)
    seed: int
    error: float = Field(ge=0, le=100, allow_inf_nan=False)
    n_scored: int = Field(ge=1)
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
    settings: dict[str, int | float | str]
    precision: str
    device: str
    computed_with: str
    transductive: bool = False
    pretrain_seed: int | None = None
    looks: int = 1
    pretraining: str | None = None
    quick: bool = False
    classes_predicted: int | None = None


@dataclass(frozen=True)
class Kept:
    """A trial as the store has it.

    Args:
        row: Its row.
        seconds: That fitting and predicting took, by the clock on the wall; NaN if not known.
        finished: When it was scored, UTC, ISO 8601 to the second; empty if not known.
        environment: Where it was computed, as :func:`ssl_irmae.environment.describe_environment` tells it.
        wrong: Which scored images were classified wrongly, as ``numpy.packbits`` packs it; empty if not known.
    """

    row: Row
    seconds: float
    finished: str
    environment: dict[str, object]
    wrong: bytes = b""


def mistakes(trials: Iterable[Kept]) -> dict[str, bytes]:
    """Collect which scored images were wrong, by the hash of a row's predictions, as far as it is known."""
    return {kept.row.predictions: kept.wrong for kept in trials if kept.wrong}


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
