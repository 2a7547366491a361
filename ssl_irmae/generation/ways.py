"""Ways through the space of codes: between two codes, and along principal components."""

import torch
from torch import Tensor

from ssl_irmae.generation.samplers import Principal


def between(first: Tensor, second: Tensor, steps: int) -> Tensor:
    r"""Return codes on straight lines: :math:`(1 - t) z_1 + t z_2`, with t from 0 to 1.

    Args:
        first: Codes at which lines begin, shape (n, d).
        second: Codes at which they end, shape (n, d).
        steps: Codes on each line, both ends among them, at least 2.

    Returns:
        Shape (n, steps, d).

    >>> between(torch.zeros(1, 1), torch.ones(1, 1), 3).flatten()
    tensor([0.0000, 0.5000, 1.0000])
    """
    t = torch.linspace(0, 1, steps, dtype=first.dtype)[None, :, None]
    return (1 - t) * first[:, None] + t * second[:, None]


def along(principal: Principal, components: int, steps: int, reach: float) -> Tensor:
    """Return codes along the leading principal components, through the mean code.

    Args:
        principal: The components.
        components: How many to follow, or all of fewer.
        steps: Codes along each, at least 2.
        reach: How far to go to either side, in standard deviations along the component.

    Returns:
        fp32, shape (components, steps, d).
    """
    k = min(components, len(principal.deviations))
    places = torch.linspace(-reach, reach, steps, dtype=torch.float64)
    rows = principal.deviations[:k, None] * principal.components[:k]
    return (principal.mean + places[None, :, None] * rows[:, None]).float()
