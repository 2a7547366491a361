"""One linear layer whose nuclear norm is penalised."""

import torch
from torch import Tensor

from ssl_irmae.bottlenecks.base import Bottleneck
from ssl_irmae.bottlenecks.linear_stack import LinearStack


class LowRankLayer(Bottleneck):
    r"""Multiply the features by one square matrix, and penalise the sum of its singular values.

    .. math:: z = W h, \qquad \text{penalty} = \lambda \, \lVert W \rVert_* = \lambda \sum_i \sigma_i(W)

    Where IRMAE leaves low rank to gradient descent, this asks for it: the nuclear norm is the largest convex function
    below the rank. Where singular values are zero, the gradient is one of the subgradients, :math:`U V^\top`.

    Source: Mazumder et al., "Learning Low-Rank Latent Spaces with Simple Deterministic Autoencoder", WACV 2024,
    https://arxiv.org/abs/2310.16194.

    Args:
        width: Features and code width d.
        strength: Weight lambda of the nuclear norm.
    """

    def __init__(self, *, width: int, strength: float) -> None:
        super().__init__()
        self.layer = LinearStack(width=width, depth=1)
        self.strength = strength

    @property
    def linear(self) -> bool:
        """True: it is one matrix."""
        return True

    def forward(self, h: Tensor) -> Tensor:
        """Map features (n, d) to codes (n, d)."""
        z: Tensor = self.layer(h)
        return z

    def sample(self, h: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return the codes (n, d) and the scalar penalty."""
        (W,) = self.layer.parameters()
        with torch.autocast(h.device.type, enabled=False):
            return self(h), self.strength * nuclear_norm(W)

    def product(self) -> Tensor:
        """Return the matrix, shape (d, d), float64."""
        return self.layer.product()


def nuclear_norm(W: Tensor) -> Tensor:
    """Sum the singular values of a matrix; of one that is not finite, return NaN, where LAPACK would raise.

    >>> nuclear_norm(torch.diag(torch.tensor([3.0, 4.0])))
    tensor(7.)
    """
    if not W.isfinite().all():
        return W.sum() * torch.nan
    norm: Tensor = torch.linalg.svdvals(W).sum()
    return norm
