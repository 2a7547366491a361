"""The implicit rank minimiser: a stack of square linear layers."""

import itertools
from collections.abc import Iterator
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ssl_irmae.bottlenecks.base import Bottleneck
from ssl_irmae.errors import UserError, check_choice

Variant = Literal["free", "tied", "frozen", "relu"]
Init = Literal["default", "orthogonal"]


class LinearStack(Bottleneck):
    r"""Multiply the features by l square matrices; gradient descent draws their product to low rank.

    .. math:: z = W_l \cdots W_2 W_1 h

    The layers add no capacity. They change the path of gradient descent, which from a small start learns the large
    singular directions first and leaves the others near zero. All three are needed: the layers, gradient descent, and
    a small start. torch's default initialisation, uniform in (-1/sqrt(d), 1/sqrt(d)), shrinks a signal by about
    sqrt(3) at each layer, a small start at l = 8. The products are computed in fp32 under autocast: bf16 would
    round away the small singular values that the method is about.

    The variants take away one of these things at a time. ``"frozen"`` leaves the layers as they were initialised;
    ``"tied"`` makes each second layer the transpose of the one before it, :math:`\cdots W_2^\top W_2 W_1^\top W_1 h`;
    ``"relu"`` has a ReLU between any two layers, so that they are not one matrix and cannot be folded. An orthogonal
    start keeps the size of a signal, and is not small.

    Source: Jing, Zbontar and LeCun, NeurIPS 2020, https://arxiv.org/abs/2010.00679. Orthogonal start: Saxe, McClelland
    and Ganguli, ICLR 2014, https://arxiv.org/abs/1312.6120.

    Args:
        width: Features and code width d.
        depth: Number l of layers, at least 1.
        init_scale: Factor on the initial weights of every layer.
        share_weights: Use one matrix l times (the paper's weight-sharing ablation).
        variant: ``"free"``, ``"tied"``, ``"frozen"`` or ``"relu"``.
        init: Initial weights: ``"default"``, torch's, or ``"orthogonal"``.

    Raises:
        UserError: If depth is below 1, the initial scale is not positive, a name is unknown, or layers are to be both
            shared and tied.

    >>> stack = LinearStack(width=4, depth=3)
    >>> h = torch.randn(2, 4)
    >>> torch.allclose(stack(h), h @ stack.product().T.float(), atol=1e-6)
    True
    """

    def __init__(
        self,
        *,
        width: int,
        depth: int,
        init_scale: float = 1.0,
        share_weights: bool = False,
        variant: Variant = "free",
        init: Init = "default",
    ) -> None:
        super().__init__()
        if depth < 1:
            raise UserError(f"`depth` must be at least 1, got {depth}: depth 0 is the method 'ae'")
        if not init_scale > 0:
            raise UserError(f"`init_scale` must be positive, got {init_scale}: 1 is torch's default")
        check_choice("variant", variant, get_args(Variant))
        check_choice("init", init, get_args(Init))
        if share_weights and variant == "tied":
            raise UserError("`share_weights` and `variant` tied both say which layers are one matrix: choose one")
        self.depth = depth
        self.variant: Variant = variant
        matrices = 1 if share_weights else -(-depth // 2) if variant == "tied" else depth
        self.hidden = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(matrices))
        with torch.no_grad():
            for parameter in self.parameters():
                if init == "orthogonal":
                    nn.init.orthogonal_(parameter)
                parameter.mul_(init_scale)
        self.requires_grad_(variant != "frozen")

    @property
    def linear(self) -> bool:
        """Whether the layers are one matrix: not with a ReLU between them."""
        return self.variant != "relu"

    def forward(self, h: Tensor) -> Tensor:
        """Map features (n, d) to codes (n, d)."""
        with torch.autocast(h.device.type, enabled=False):
            z = h.float()
            for i, W in enumerate(self._matrices()):
                if i and self.variant == "relu":
                    z = z.relu()
                z = nn.functional.linear(z, W)
        return z

    @torch.no_grad()
    def product(self) -> Tensor:
        """Multiply the stack into one matrix W with z = W h, shape (d, d), float64.

        Raises:
            UserError: If there is a ReLU between the layers.
        """
        if not self.linear:
            raise UserError("`variant` relu: layers with a ReLU between them are not one matrix")
        product = torch.eye(self.hidden[0].get_parameter("weight").shape[0], dtype=torch.float64)
        for W in self._matrices():
            product = W.detach().cpu().double() @ product
        return product

    def _matrices(self) -> Iterator[Tensor]:
        """Yield the l matrices, in the order in which they are applied."""
        weights: list[Tensor] = [layer.get_parameter("weight") for layer in self.hidden]
        if self.variant == "tied":
            weights = [matrix for W in weights for matrix in (W, W.T)]
        return itertools.islice(itertools.cycle(weights), self.depth)
