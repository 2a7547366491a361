"""Unrelated random streams from one seed, without changing global state."""

import contextlib
import hashlib
from collections.abc import Iterator

import torch


def derive_seed(*parts: int | str) -> int:
    """Derive a seed from everything that defines a random stream, so that streams for different purposes are unrelated.

    >>> derive_seed(0, "order", 1) == derive_seed(0, "order", 1) != derive_seed(0, "order", 2)
    True
    """
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def generator(device: torch.device | str, *parts: int | str) -> torch.Generator:
    """Make a generator for one purpose, on a device."""
    return torch.Generator(device).manual_seed(derive_seed(*parts))


@contextlib.contextmanager
def seeded(*parts: int | str) -> Iterator[None]:
    """Seed torch's global CPU generator for one purpose inside a block, and restore its state afterwards.

    For operations without a generator argument: initialising layers, dropout.
    """
    state = torch.random.get_rng_state()
    torch.default_generator.manual_seed(derive_seed(*parts))
    try:
        yield
    finally:
        torch.random.set_rng_state(state)
