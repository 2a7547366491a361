"""Labelled points in the plane, and samples of them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssl_irmae.protocols.readouts.sample import Sample

Blobs = tuple[Tensor, Tensor]
Array = npt.NDArray[Any]


def sample_at(x: Tensor, y: Tensor, positions: list[int], classes: int = 3) -> Sample:
    """Return the sample in which the points at the positions are labelled."""
    i = torch.tensor(positions)
    return Sample(x[i], y[i], x, i, classes, 0, torch.device("cpu"), "fp32")


def first_of_each_class(y: Tensor, count: int) -> list[int]:
    """Return the positions of the first points of each class."""
    return [int(i) for c in y.unique() for i in (y == c).nonzero()[:count]]


def distances_between(a: Tensor, b: Tensor) -> Array:
    """Return the distance of every point of ``a`` to every point of ``b``, in double precision."""
    distances: Array = np.sqrt(((a.double().numpy()[:, None] - b.double().numpy()[None]) ** 2).sum(2))
    return distances
