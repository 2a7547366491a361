"""Seeds for separate purposes from one seed, and no global state left changed."""

import contextlib
import hashlib
from collections.abc import Iterator

import torch


def derive_seed(*parts: int | str) -> int:
    """Mix what a random stream is for into a seed, so that streams for different purposes are unrelated.

    >>> derive_seed(0, "order", 1) == derive_seed(0, "order", 1) != derive_seed(0, "order", 2)
    True
    """
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def generator(device: torch.device | str, *parts: int | str) -> torch.Generator:
    """Make a generator of its own for one purpose, on a device."""
    return torch.Generator(device).manual_seed(derive_seed(*parts))


@contextlib.contextmanager
def seeded(*parts: int | str) -> Iterator[None]:
    """Run a block under torch's global CPU generator seeded for one purpose, and put its state back after.

    For what offers no generator argument: initialisation of layers, dropout.
    """
    state = torch.random.get_rng_state()
    torch.default_generator.manual_seed(derive_seed(*parts))
    try:
        yield
    finally:
        torch.random.set_rng_state(state)
