"""How much an encoder's output changes with its input: the norm of its Jacobian, estimated."""

import torch
from torch import Tensor, nn


def squared_jacobian(encoder: nn.Module, x: Tensor, directions: Tensor) -> Tensor:
    r"""Estimate the mean squared Frobenius norm of an encoder's Jacobian, over a batch, without bias.

    .. math:: \lVert J \rVert_F^2 = E_\epsilon \lVert J \epsilon \rVert^2, \quad \epsilon \sim N(0, I)

    The exact norm takes one backward pass per direction of the code. This takes one derivative along one direction per
    image, as the derivative of a derivative, since torch warns of its own forward mode.

    Source: Hutchinson, "A stochastic estimator of the trace of the influence matrix", 1989.

    Args:
        encoder: Images (n, c, s, s) to (n, d).
        x: Images.
        directions: Standard normal numbers, shape of ``x``.

    Returns:
        A scalar.

    >>> linear = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    >>> x, directions = torch.rand(10, 1, 2, 2), torch.randn(10, 1, 2, 2)
    >>> expected = (directions.flatten(1) @ linear[1].weight.T).square().sum(1).mean()
    >>> torch.allclose(squared_jacobian(linear, x, directions), expected)
    True
    """
    _, change = torch.autograd.functional.jvp(encoder, x, directions, create_graph=True)
    squared: Tensor = change.square().sum(1).mean()
    return squared
