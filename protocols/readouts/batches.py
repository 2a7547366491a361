"""An endless stream of batches."""

from collections.abc import Iterator

import torch
from torch import Tensor


def batches(n: int, batch_size: int, rng: torch.Generator, device: torch.device | str = "cpu") -> Iterator[Tensor]:
    """Yield index batches of one size forever: passes over n examples, each in a new order.

    If n is below the batch size, every batch is the whole set. Orders are drawn on the CPU, so that they are the same
    for every device, and moved to the device one pass at a time.
    """
    size = min(n, batch_size)
    pool = torch.empty(0, dtype=torch.int64, device=device)
    while True:
        while len(pool) < size:
            pool = torch.cat([pool, torch.randperm(n, generator=rng).to(device)])
        batch, pool = pool[:size], pool[size:]
        yield batch
