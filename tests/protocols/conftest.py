"""Rows of which only a few fields matter."""

from collections.abc import Callable
from typing import Any

import pytest

from ssl_irmae.protocols.storage.rows import Row

MakeRow = Callable[..., Row]


@pytest.fixture(scope="session")
def make_row() -> MakeRow:
    """Return a function of contender, seed, error, and any other field by name, that builds a row."""

    def make(contender: str, seed: int, error: float, **fields: Any) -> Row:
        defaults: dict[str, Any] = {
            "budget": 100,
            "n_scored": 1000,
            "scored_on": "test",
            "rule": "balanced",
            "subset": "s",
            "predictions": "p",
            "dataset": "digits",
            "data_fingerprint": "d",
            "scored_fingerprint": "t",
            "reads": "images",
            "readout": "none",
            "settings": {},
            "precision": "fp32",
            "device": "cpu",
            "threads": 1,
            "software": {"torch": "2.9.0"},
        }
        return Row(contender=contender, seed=seed, error=error, **(defaults | fields))

    return make
