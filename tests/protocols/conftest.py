"""Rows of which only a few fields matter."""

from collections.abc import Callable

import pytest

from ssl_irmae.protocols.storage.rows import Row

MakeRow = Callable[..., Row]


@pytest.fixture(scope="session")
def make_row() -> MakeRow:
    """Return a function of contender, seed, error, and any other field by name, that builds a row."""

    def make(contender: str, seed: int, error: float, **fields: object) -> Row:
        row = Row(
            contender=contender,
            budget=100,
            seed=seed,
            error=error,
            n_scored=1000,
            scored_on="test",
            rule="balanced",
            subset="s",
            predictions="p",
            dataset="digits",
            data_fingerprint="d",
            scored_fingerprint="t",
            encoder=None,
            encoder_hash=None,
            reads="images",
            readout="none",
            settings={},
            precision="fp32",
            device="cpu",
            computed_with="nothing",
        )
        return row.model_copy(update=fields)

    return make
