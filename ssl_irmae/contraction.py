"""How much an encoder's output changes with its input: the norm of its Jacobian, estimated."""

import torch
from torch import Tensor, nn

_STEP = 1e-2  # of the difference quotient, per pixel: small beside pixels in [0, 1], large beside rounding


def squared_jacobian(encoder: nn.Module, x: Tensor, directions: Tensor, *, step: float = _STEP) -> Tensor:
    r"""Estimate the mean squared Frobenius norm of an encoder's Jacobian, over a batch.

    .. math:: \lVert J \rVert_F^2 = E_\epsilon \lVert J \epsilon \rVert^2 \approx
              \Bigl\lVert \frac{f(x + s \epsilon) - f(x)}{s} \Bigr\rVert^2, \quad \epsilon \sim N(0, I)

    The exact norm takes one backward pass per direction of the code. This takes one more image per image: it is
    unbiased but for the difference quotient, and exact up to rounding where the encoder is linear between the two.

    Source: Hutchinson, "A stochastic estimator of the trace of the influence matrix", 1989.

    Args:
        encoder: Images (n, c, s, s) to (n, d).
        x: Images.
        directions: Standard normal numbers, shape of ``x``.
        step: The step s.

    Returns:
        A scalar.

    >>> linear = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    >>> x, directions = torch.rand(10, 1, 2, 2), torch.randn(10, 1, 2, 2)
    >>> expected = (directions.flatten(1) @ linear[1].weight.T).square().sum(1).mean()
    >>> torch.allclose(squared_jacobian(linear, x, directions), expected, rtol=1e-2)
    True
    """
    at, beside = encoder(torch.cat([x, x + step * directions])).chunk(2)
    change: Tensor = ((beside - at) / step).square().sum(1).mean()
    return change
