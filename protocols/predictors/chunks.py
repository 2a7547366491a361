"""Inputs a chunk at a time, so that memory does not grow with their number."""

from collections.abc import Sequence

import torch
from torch import Tensor


def chunks_of(x: Tensor, size: int) -> Sequence[Tensor]:
    """Split inputs (m, ...) into chunks of at most ``size``.

    While torch traces a function for export, all are one chunk: a traced function is one of any number of inputs, and
    a number of chunks is not.

    >>> [len(chunk) for chunk in chunks_of(torch.zeros(5, 1), 2)]
    [2, 2, 1]
    """
    return (x,) if torch.compiler.is_exporting() else torch.split(x, size)
