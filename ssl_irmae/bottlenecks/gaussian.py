"""The variational bottleneck: a mean and a variance for each code direction."""

import torch
from torch import Tensor

from ssl_irmae.bottlenecks.base import Bottleneck


class Gaussian(Bottleneck):
    r"""Read the encoder's output as mean and log-variance of a Gaussian; decode a sample, report the mean.

    .. math:: z = \mu + \sigma \epsilon, \qquad
              \text{penalty} = \beta \cdot \text{mean}\bigl(-(1 + \log\sigma^2 - \mu^2 - \sigma^2)\bigr)

    The mean runs over images and directions and there is no factor 1/2, as in the public IRMAE code: with a
    cross-entropy averaged over 32x32 pixels and d = 128, beta = 0.1 here is beta 1.6 in a summed evidence bound.

    Source: Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014, https://arxiv.org/abs/1312.6114.

    Args:
        width: Code width d; the encoder must return 2 d numbers, means first.
        beta: Weight of the penalty.
    """

    def __init__(self, *, width: int, beta: float) -> None:
        super().__init__()
        self.width = width
        self.beta = beta

    @property
    def draws(self) -> bool:
        """True: a code is drawn for each image."""
        return True

    def forward(self, h: Tensor) -> Tensor:
        """Map the encoder's output (n, 2 d) to the mean (n, d)."""
        return h[:, : self.width].float()

    def sample(self, h: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw a code for each row of ``h`` (n, 2 d); return the codes (n, d) and the scalar penalty."""
        mean, log_variance = torch.split(h.float(), self.width, dim=1)
        noise = torch.empty_like(mean).normal_(generator=rng)
        penalty = -self.beta * (1 + log_variance - mean.square() - log_variance.exp()).mean()
        return mean + (0.5 * log_variance).exp() * noise, penalty
