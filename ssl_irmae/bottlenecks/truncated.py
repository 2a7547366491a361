"""Codes that lie in k dimensions by construction: the truncated singular value decomposition of a batch."""

from typing import Any, Self

import torch
from torch import Tensor

from ssl_irmae.bottlenecks.base import Bottleneck
from ssl_irmae.errors import UserError

_MOMENTUM = 0.01  # of the running second moment: the mean of about the last hundred batches
_LEAST_GAP = 1e-3  # between kept and dropped singular values, as a share of the largest: nearer ones count as this far


class Truncated(Bottleneck):
    r"""Keep the k leading singular directions of the batch of features, and drop the others.

    .. math:: Z = U_k \Sigma_k V_k^\top, \quad H = U \Sigma V^\top \in \mathbb{R}^{n \times d}

    That is the nearest batch of rank k. In training the directions are those of each batch (the strong form of the
    paper). An image alone has no directions, so outside training they are fixed, as in the paper, where they are those
    of all training codes; here those of the running mean of :math:`H^\top H / n` over about the last hundred batches,
    which needs no further pass over the images. Then :math:`z = B B^\top h` with an orthonormal B, which folds. Nothing
    is centred.

    Source: Mounayer et al., "Rank Reduction Autoencoders", 2024, https://arxiv.org/abs/2405.13980.

    Args:
        width: Features and code width d.
        directions: Number k of directions that are kept.

    Raises:
        UserError: If k is not between 1 and d.
    """

    moment: Tensor
    basis: Tensor

    def __init__(self, *, width: int, directions: int) -> None:
        super().__init__()
        if not 1 <= directions <= width:
            raise UserError(f"`strength` {directions}: of a code of width {width}, 1 to {width} directions can be kept")
        self.directions = directions
        self.register_buffer("moment", torch.zeros(width, width))
        self.register_buffer("basis", torch.eye(width)[:, :directions].clone())
        self._outdated = False

    @property
    def linear(self) -> bool:
        """True outside training: the projection on fixed directions."""
        return True

    @property
    def least_images(self) -> int:
        """One more than directions are kept: fewer images have no more directions than these."""
        return self.directions + 1 if self.directions < len(self.basis) else 1

    def forward(self, h: Tensor) -> Tensor:
        """Project features (n, d) on the fixed directions."""
        with torch.autocast(h.device.type, enabled=False):
            z: Tensor = h.float() @ self.basis @ self.basis.T
        return z

    def sample(self, h: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Truncate a batch (n, d) and remember its second moment; there is no penalty."""
        with torch.autocast(h.device.type, enabled=False):
            h = h.float()
            with torch.no_grad():
                self.moment.lerp_(h.T @ h / len(h), _MOMENTUM)
            self._outdated = True
            return truncate(h, self.directions), h.new_zeros(())

    def train(self, mode: bool = True) -> Self:
        """Find the fixed directions anew where training ends."""
        if not mode and self._outdated:
            self._find_directions()
        return super().train(mode)

    @torch.no_grad()
    def product(self) -> Tensor:
        """Return the projection, shape (d, d), float64."""
        B = self.basis.cpu().double()
        return B @ B.T

    @torch.no_grad()
    def _find_directions(self) -> None:
        if self.moment.isfinite().all():  # a diverged run is reported by its loss
            _, vectors = torch.linalg.eigh(self.moment.double())
            self.basis.copy_(vectors[:, -self.directions :].flip(1))
        self._outdated = False


def truncate(H: Tensor, k: int) -> Tensor:
    r"""Return the nearest matrix of rank k, with the exact gradient wherever it exists.

    torch's own gradient of the decomposition divides by the gaps between all singular values, and is not finite where
    two are equal. That of the nearest matrix depends on the gaps between a kept and a dropped one alone
    (Daleckii and Krein; Noferini, "A formula for the Fréchet derivative of a generalized matrix function", SIAM Journal
    on Matrix Analysis and Applications 2017): in the bases U and V the entries i kept, j dropped of the symmetric part
    are multiplied by :math:`\sigma_i / (\sigma_i - \sigma_j)`, those of the antisymmetric part by
    :math:`\sigma_i / (\sigma_i + \sigma_j)`. Gaps are taken to be at least a thousandth of the largest singular value.

    Args:
        H: Shape (n, d).
        k: Rank; at or above min(n, d) the matrix is returned as it is.

    >>> truncate(torch.diag(torch.tensor([3.0, 2.0, 1.0])), 1).diagonal()
    tensor([3., 0., 0.])
    """
    if k >= min(H.shape) or not H.isfinite().all():
        return H
    Z: Tensor = _Truncate.apply(H, k)
    return Z


class _Truncate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, H: Tensor, k: int) -> Tensor:
        U, s, Vh = torch.linalg.svd(H, full_matrices=False)
        ctx.save_for_backward(U, s, Vh)
        ctx.k = k
        Z: Tensor = (U[:, :k] * s[:k]) @ Vh[:k]
        return Z

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        U, s, Vh = ctx.saved_tensors
        k, G = ctx.k, gradients[0]
        inner = U.T @ G @ Vh.T
        symmetric, antisymmetric = (inner + inner.T) / 2, (inner - inner.T) / 2
        kept, dropped = s[:k, None], s[None, k:]
        tiny = torch.finfo(s.dtype).tiny
        apart = kept / (kept - dropped).clamp_min(_LEAST_GAP * float(s[0]) + tiny)
        together = kept / (kept + dropped + tiny)
        result = torch.zeros_like(inner)
        result[:k, :k] = inner[:k, :k]
        result[:k, k:] = apart * symmetric[:k, k:] + together * antisymmetric[:k, k:]
        result[k:, :k] = (apart * symmetric[:k, k:] - together * antisymmetric[:k, k:]).T
        left, right = U[:, :k], Vh[:k]
        beyond_rows = (G - U @ (U.T @ G)) @ right.T @ right
        beyond_columns = left @ (left.T @ (G - (G @ Vh.T) @ Vh))
        return U @ result @ Vh + beyond_rows + beyond_columns, None
