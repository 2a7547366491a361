"""Batches of labelled examples, for ever."""

from collections.abc import Iterator

import torch
from torch import Tensor


def batches(n: int, batch_size: int, draw: torch.Generator, device: torch.device | str = "cpu") -> Iterator[Tensor]:
    """Yield index batches for ever: passes over n examples, each in a new order, all batches of one size.

    With n below the batch size every batch is the whole set. Orders are drawn on the CPU, so that they are the same
    for every device, and are brought there a pass at a time.
    """
    size = min(n, batch_size)
    pool = torch.empty(0, dtype=torch.int64, device=device)
    while True:
        while len(pool) < size:
            pool = torch.cat([pool, torch.randperm(n, generator=draw).to(device)])
        chosen, pool = pool[:size], pool[size:]
        yield chosen
