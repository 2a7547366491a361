"""What takes the steps of a pretraining, by name: Adam, and torch's other optimisers."""

import copy
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor

from ssl_irmae.errors import UserError, unknown_name
from ssl_irmae.pretraining.adam import Adam

USUAL = "adam"
"""Name of the optimiser unless another is asked for."""

_DECAY = 0.01  # of AdamW, its paper's and torch's


class Optimizer(Protocol):
    """What takes steps along gradients; ``learning_rate`` may be changed between steps."""

    parameters: list[Tensor]
    learning_rate: float

    def zero_grad(self) -> None:
        """Discard all gradients."""

    def step(self) -> None:
        """Take one step along the gradients."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that steps depend on but the learning rate."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state of the same parameters."""


class OfTorch:
    """Take the steps of an optimiser of torch, with decoupled weight decay.

    Args:
        make: Returns the optimiser, given the parameters.
        parameters: Parameters to train, in place. One without a gradient is left unchanged.
        learning_rate: Learning rate; it may be changed between steps.
        weight_decay: Each step first shrinks the parameters by this times the learning rate.
    """

    def __init__(
        self,
        make: Callable[[list[Tensor]], torch.optim.Optimizer],
        parameters: Iterable[Tensor],
        learning_rate: float,
        *,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self._optimizer = make(self.parameters)

    def zero_grad(self) -> None:
        """Discard all gradients."""
        self._optimizer.zero_grad()

    @torch.no_grad()
    def step(self) -> None:
        """Take one step along the gradients."""
        if self.weight_decay:
            for p in self.parameters:
                if p.grad is not None:
                    p.mul_(1 - self.learning_rate * self.weight_decay)
        for group in self._optimizer.param_groups:
            group["lr"] = self.learning_rate
        self._optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Return what the optimiser keeps of every parameter, by its index."""
        return {"state": self._optimizer.state_dict()["state"]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state of the same parameters; the learning rate is not part of it."""
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": copy.deepcopy(state["state"]), "param_groups": groups})


OPTIMIZERS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer] | None] = {
    "adam": None,
    "adamw": None,
    "sgd": lambda parameters: torch.optim.SGD(parameters),
    "momentum": lambda parameters: torch.optim.SGD(parameters, momentum=0.9),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters),
    "adagrad": lambda parameters: torch.optim.Adagrad(parameters),
}
"""By name: how torch's is made, with torch's settings where none are written; None where the steps are those of our
``Adam``, which is AdamW where weights decay."""


def check_optimizer(name: str, learning_rate: float | None) -> None:
    """Check an optimiser's name, and that it has a learning rate.

    Raises:
        UserError: If there is none of this name, or the learning rate is None and that of a recipe does not suit it.
    """
    if name not in OPTIMIZERS:
        raise unknown_name("optimizer", name, OPTIMIZERS)
    if OPTIMIZERS[name] is not None and learning_rate is None:
        raise UserError(f"`optimizer` {name} needs a `learning_rate` of its own: those of the recipes are Adam's")


def make_optimizer(
    name: str, parameters: Iterable[Tensor], learning_rate: float, *, weight_decay: float = 0.0
) -> Optimizer:
    """Make an optimiser.

    Args:
        name: Name in ``OPTIMIZERS``.
        parameters: Parameters to train.
        learning_rate: Learning rate.
        weight_decay: Decoupled weight decay of the method.

    Raises:
        UserError: If both the method and the optimiser, AdamW, have a weight decay.
    """
    if name == "adamw":
        if weight_decay:
            raise UserError("`optimizer` adamw: this method has a weight decay of its own, its `strength`: use adam")
        weight_decay = _DECAY
    make = OPTIMIZERS[name]
    if make is None:
        return Adam(parameters, learning_rate, weight_decay=weight_decay)
    return OfTorch(make, parameters, learning_rate, weight_decay=weight_decay)
