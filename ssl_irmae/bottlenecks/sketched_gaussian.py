"""Codes that are drawn to an isotropic Gaussian: a test of normality on random projections."""

import torch
from torch import Tensor

from ssl_irmae.bottlenecks.base import Bottleneck

_PROJECTIONS = 256
_POINTS, _FARTHEST = 17, 5.0  # of the integral over t


class SketchedGaussian(Bottleneck):
    r"""Pass the features on as the code, and penalise how far a batch is from a standard Gaussian.

    A distribution is the isotropic Gaussian if and only if each of its projections on a line is the standard one
    (Cramér and Wold). So each batch of codes is projected on random unit vectors :math:`a`, and on each of these the
    empirical characteristic function is compared with that of the standard Gaussian, by the statistic of Epps and
    Pulley:

    .. math:: T_a = n \int \Bigl\lvert \tfrac{1}{n} \sum_j e^{i t a^\top z_j} - e^{-t^2/2} \Bigr\rvert^2 e^{-t^2/2} dt,
              \qquad \text{penalty} = \lambda \, \text{mean}_a \, T_a

    The integral runs from -5 to 5 by the trapezium rule over 17 points, and there are 256 projections, drawn anew in
    each step, as in the paper. Both the statistic and its gradient are bounded, whatever the codes are. Of a batch that
    is Gaussian, T has the mean :math:`\sqrt{2\pi} (1 - 1/\sqrt{3}) \approx 1.06`.

    Source: Balestriero and LeCun, "LeJEPA", 2025, https://arxiv.org/abs/2511.08544 (SIGReg, there for joint embeddings,
    here for the code of an autoencoder); Epps and Pulley, "A test for normality based on the empirical characteristic
    function", Biometrika 1983.

    Args:
        strength: Weight lambda of the penalty.
    """

    def __init__(self, *, strength: float) -> None:
        super().__init__()
        self.strength = strength

    @property
    def draws(self) -> bool:
        """True: projections are drawn."""
        return True

    def forward(self, h: Tensor) -> Tensor:
        """Return the features (n, d) as the code."""
        return h.float()

    def sample(self, h: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Return the codes (n, d) and the scalar penalty."""
        with torch.autocast(h.device.type, enabled=False):
            z = self(h)
            vectors = torch.empty(z.shape[1], _PROJECTIONS, device=z.device).normal_(generator=rng)
            return z, self.strength * epps_pulley(z @ (vectors / vectors.norm(dim=0))).mean()


def epps_pulley(x: Tensor) -> Tensor:
    r"""Return the statistic T of Epps and Pulley for each column of x, shape (n, m): shape (m,).

    Where all numbers are 0, T is :math:`n \sqrt{2 \pi} (1 - \sqrt{2} + 1 / \sqrt{3})`.

    >>> exact = 10 * (2 * torch.pi) ** 0.5 * (1 - 2**0.5 + 3**-0.5)
    >>> abs(float(epps_pulley(torch.zeros(10, 1))) - exact) < 1e-3
    True
    """
    t = torch.linspace(-_FARTHEST, _FARTHEST, _POINTS, dtype=x.dtype, device=x.device)
    gaussian = (-t.square() / 2).exp()
    angles = x[:, :, None] * t
    distance = (angles.cos().mean(0) - gaussian).square() + angles.sin().mean(0).square()
    return len(x) * torch.trapezoid(distance * gaussian, t, dim=1)
