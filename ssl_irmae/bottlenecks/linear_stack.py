"""The implicit rank minimiser: a stack of square linear layers."""

import torch
from torch import Tensor, nn

from ssl_irmae.bottlenecks.base import Bottleneck
from ssl_irmae.errors import UserError


class LinearStack(Bottleneck):
    r"""Multiply the features by l square matrices; gradient descent draws their product to low rank.

    .. math:: z = W_l \cdots W_2 W_1 h

    The layers add no capacity. They change the path of gradient descent, which from a small start learns the large
    singular directions first and leaves the others near zero. All three are needed: the layers, gradient descent, and
    a small start. torch's default initialisation, uniform in (-1/sqrt(d), 1/sqrt(d)), shrinks a signal by about
    sqrt(3) at each layer, a small start at l = 8. The products are computed in fp32 under autocast: bf16 would
    round away the small singular values that the method is about.

    Source: Jing, Zbontar and LeCun, NeurIPS 2020, https://arxiv.org/abs/2010.00679.

    Args:
        width: Features and code width d.
        depth: Number l of layers, at least 1.
        init_scale: Factor on torch's default initial weights of every layer.
        share_weights: Use one matrix l times (the paper's weight-sharing ablation).

    Raises:
        UserError: If depth is below 1 or the initial scale is not positive.

    >>> stack = LinearStack(width=4, depth=3)
    >>> h = torch.randn(2, 4)
    >>> torch.allclose(stack(h), h @ stack.product().T.float(), atol=1e-6)
    True
    """

    def __init__(self, *, width: int, depth: int, init_scale: float = 1.0, share_weights: bool = False) -> None:
        super().__init__()
        if depth < 1:
            raise UserError(f"`depth` must be at least 1, got {depth}: depth 0 is the method 'ae'")
        if not init_scale > 0:
            raise UserError(f"`init_scale` must be positive, got {init_scale}: 1 is torch's default")
        self.repeats = depth if share_weights else 1
        self.hidden = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(1 if share_weights else depth))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.mul_(init_scale)

    def forward(self, h: Tensor) -> Tensor:
        """Map features (n, d) to codes (n, d)."""
        with torch.autocast(h.device.type, enabled=False):
            z = h.float()
            for _ in range(self.repeats):
                for layer in self.hidden:
                    z = layer(z)
        return z

    @torch.no_grad()
    def product(self) -> Tensor:
        """Multiply the stack into one matrix W with z = W h, shape (d, d), float64."""
        width = self.hidden[0].get_parameter("weight").shape[0]
        W = torch.eye(width, dtype=torch.float64)
        for _ in range(self.repeats):
            for layer in self.hidden:
                W = layer.get_parameter("weight").detach().cpu().double() @ W
        return W
