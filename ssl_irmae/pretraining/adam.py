"""Adam, as torch computes it, without torch's compiler in memory."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """Take Adam steps with torch's fused kernel.

    Steps and state dict are those of ``torch.optim.Adam(..., fused=True)``, bit for bit. That class imports
    ``torch._dynamo`` when it is first constructed, which takes a second and some 160 MB in every process that trains;
    torch's functional form, used here, does not (docs/performance.md).

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015; betas and epsilon are the paper's.
    Weight decay: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019 (AdamW).

    Args:
        parameters: Parameters to train, in place. One without a gradient is left unchanged.
        learning_rate: Learning rate; it may be changed between steps.
        weight_decay: Each step first shrinks the parameters by this times the learning rate.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, *, weight_decay: float = 0.0) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self._state: dict[int, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Discard all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Take one step along the gradients."""
        moved = [(p, p.grad, self._of(i, p)) for i, p in enumerate(self.parameters) if p.grad is not None]
        if self.weight_decay:
            for p, _, _ in moved:
                p.mul_(1 - self.learning_rate * self.weight_decay)
        adam(
            [p for p, _, _ in moved],
            [gradient for _, gradient, _ in moved],
            [state["exp_avg"] for _, _, state in moved],
            [state["exp_avg_sq"] for _, _, state in moved],
            [],
            [state["step"] for _, _, state in moved],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.learning_rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return moments and step of every parameter that has had a gradient, by its index."""
        return {"state": {i: dict(state) for i, state in self._state.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state of the same parameters; the learning rate is not part of it."""
        self._state = {
            i: {name: value.clone().to(self.parameters[i].device) for name, value in saved.items()}
            for i, saved in state["state"].items()
        }

    def _of(self, i: int, parameter: Tensor) -> dict[str, Tensor]:
        if i not in self._state:
            self._state[i] = {
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            }
        return self._state[i]
