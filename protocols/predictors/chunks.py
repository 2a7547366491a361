"""Inputs a chunk at a time, so that memory does not grow with their number."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ssl_irmae.datasets.image_set import as_float

_IMAGES = 512


def chunks_of(x: Tensor, size: int) -> Sequence[Tensor]:
    """Split inputs (m, ...) into chunks of at most ``size``.

    While torch traces a function for export, all are one chunk: a traced function is one of any number of inputs, and
    a number of chunks is not.

    >>> [len(chunk) for chunk in chunks_of(torch.zeros(5, 1), 2)]
    [2, 2, 1]
    """
    return (x,) if torch.compiler.is_exporting() else torch.split(x, size)


@torch.no_grad()
def in_chunks(read: Callable[[Tensor], Tensor], images: Tensor, device: torch.device) -> Tensor:
    """Apply a function of images in [0, 1], on a device, to uint8 images (m, c, s, s); its results are on the CPU."""
    chunks = [read(as_float(x, device)) for x in chunks_of(images, _IMAGES)]
    return torch.cat(chunks).cpu()  # waits for the device only once
