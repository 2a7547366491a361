"""Rows of which only a few fields matter, the digits as a task, and points in the plane."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae.protocols.storage.rows import Row
from ssl_irmae.protocols.task import Task, load_task
from tests.protocols.blobs import Blobs
from tests.protocols.small_grids import Encoders, encoders_of

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


@pytest.fixture(scope="session")
def task() -> Task:
    """Return the digits, scored on their test images."""
    return load_task("digits", scored_on="test")


@pytest.fixture
def encoders(tiny_encoder: Path) -> Encoders:
    """Return the tiny encoder under the names that the small grids use."""
    return encoders_of(tiny_encoder)


@pytest.fixture
def codes() -> Tensor:
    """Forty points in the plane."""
    return torch.from_numpy(np.random.default_rng(3).normal(size=(40, 2)).astype(np.float32))


@pytest.fixture
def blobs() -> Blobs:
    """Three round blobs of 60, 50 and 40 points, shuffled, and the blob of each point."""
    rng = np.random.default_rng(1)
    y = rng.permutation(np.repeat([0, 1, 2], [60, 50, 40]))
    x = np.array([[0, 0], [4, 0], [0, 4]])[y] + rng.normal(size=(150, 2))
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)
