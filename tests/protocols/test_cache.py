"""The cache returns what was computed, or it is computed again."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ssl_irmae._support.home import home
from ssl_irmae.protocols.storage.cache import cached

Counted = tuple[Callable[[], dict[str, Tensor]], list[int]]


@pytest.fixture
def counted() -> Counted:
    """A computation, and a list that grows each time it runs."""
    made: list[int] = []

    def compute() -> dict[str, Tensor]:
        made.append(1)
        return {"codes": torch.arange(6.0).reshape(2, 3).T}

    return compute, made


def cached_files() -> list[Path]:
    return [path for path in (home() / "codes").iterdir() if path.is_file()]


def test_tensors_are_computed_once_and_read_back(counted: Counted) -> None:
    compute, made = counted
    first, again = (cached("codes", "a", 1, compute=compute)["codes"] for _ in range(2))
    assert torch.equal(first, again)
    assert len(made) == 1
    cached("codes", "a", 2, compute=compute)
    assert len(made) == 2


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: data[:-1] + b"?", lambda _: b""])
def test_a_damaged_file_is_computed_again_and_replaced(damage: Callable[[bytes], bytes], counted: Counted) -> None:
    compute, made = counted
    expected = cached("codes", "a", compute=compute)["codes"]
    (file,) = cached_files()
    file.write_bytes(damage(file.read_bytes()))
    assert torch.equal(cached("codes", "a", compute=compute)["codes"], expected)
    assert torch.equal(cached("codes", "a", compute=compute)["codes"], expected)
    assert len(made) == 2
    file.unlink()
    cached("codes", "a", compute=compute)
    assert len(made) == 3
