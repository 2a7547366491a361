"""What is kept in the user's cache is what was computed, or it is computed again."""

from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest
import torch
from torch import Tensor

from ssl_irmae.protocols.storage.cache import cached


@pytest.fixture
def counted() -> tuple[Callable[[], dict[str, Tensor]], list[int]]:
    """A computation, and a list that grows each time it is made."""
    made: list[int] = []

    def compute() -> dict[str, Tensor]:
        made.append(1)
        return {"codes": torch.arange(6.0).reshape(2, 3).T}

    return compute, made


def _files() -> list[Path]:
    return [path for path in (platformdirs.user_cache_path("ssl-irmae") / "codes").iterdir() if path.is_file()]


def test_what_was_computed_is_read_back(counted: tuple[Callable[[], dict[str, Tensor]], list[int]]) -> None:
    compute, made = counted
    first, again = (cached("codes", "a", 1, compute=compute)["codes"] for _ in range(2))
    assert torch.equal(first, again)
    assert len(made) == 1
    cached("codes", "a", 2, compute=compute)
    assert len(made) == 2


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: data[:-1] + b"?", lambda _: b""])
def test_a_damaged_file_is_computed_again_and_mended(
    damage: Callable[[bytes], bytes], counted: tuple[Callable[[], dict[str, Tensor]], list[int]]
) -> None:
    compute, made = counted
    expected = cached("codes", "a", compute=compute)["codes"]
    (file,) = _files()
    file.write_bytes(damage(file.read_bytes()))
    assert torch.equal(cached("codes", "a", compute=compute)["codes"], expected)
    assert torch.equal(cached("codes", "a", compute=compute)["codes"], expected)
    assert len(made) == 2
    file.unlink()
    cached("codes", "a", compute=compute)
    assert len(made) == 3


def test_a_cache_that_cannot_be_written_is_done_without(
    counted: tuple[Callable[[], dict[str, Tensor]], list[int]],
) -> None:
    compute, _ = counted
    folder = platformdirs.user_cache_path("ssl-irmae")
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be")
    assert torch.equal(cached("codes", "a", compute=compute)["codes"], compute()["codes"])
