"""Independent work in threads, for sparse and elementwise products: each uses one core and releases the interpreter."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T], *, most: int) -> list[R]:
    """Process items in groups, as many groups at a time as torch has threads.

    Args:
        work: Maps a group to one result per item, which must not depend on what else is in the group.
        items: What to process, in order.
        most: Largest number of items in a group.

    Returns:
        The results, in the order of the items.
    """
    threads = torch.get_num_threads()
    size = max(1, min(most, -(-len(items) // threads)))
    groups = [items[i : i + size] for i in range(0, len(items), size)]
    if threads == 1 or len(groups) == 1:
        return [result for group in groups for result in work(group)]
    with ThreadPoolExecutor(threads) as pool:
        return [result for results in pool.map(work, groups) for result in results]
