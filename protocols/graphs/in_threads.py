"""Independent work in threads: for sparse and elementwise products, which use one and let go of the interpreter."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T], *, most: int) -> list[R]:
    """Work on items in groups, as many at a time as torch has threads.

    Args:
        work: From a group to a result for each item of it, which must not depend on what else is in the group.
        items: In order.
        most: Items in a group.

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
