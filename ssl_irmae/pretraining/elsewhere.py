"""Where a pretraining run computes, and what is said when it continues elsewhere than it began.

A run is bit-identical to one that never stopped only on one machine. On another, without the GPU or the arithmetic that
it began with, it may continue all the same: the recipe stays what it was, and the card records the change.
"""

import dataclasses
from dataclasses import dataclass

import torch

from ssl_irmae._support.compute import Precision, find_device, find_precision
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.recipe import Recipe


@dataclass(frozen=True)
class Stretch:
    """A part of a run that was computed in one place.

    Args:
        step: Optimiser steps that had been taken when it began.
        device: Device, as torch names it.
        precision: Arithmetic of the networks.
        processes: How many processes trained together.
    """

    step: int
    device: str
    precision: Precision
    processes: int = 1

    def __str__(self) -> str:
        """Return the place in words.

        >>> print(Stretch(0, "cuda", "bf16"))
        on cuda in bf16
        >>> print(Stretch(0, "cpu", "fp32", processes=2))
        on cpu in fp32 by 2 processes
        """
        return f"on {self.device} in {self.precision}" + f" by {self.processes} processes" * (self.processes > 1)

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain values, the number of processes only if there were several."""
        fields = dataclasses.asdict(self)
        return fields if self.processes > 1 else {k: v for k, v in fields.items() if k != "processes"}


def find_place(device: str, precision: str, before: Recipe | None) -> tuple[torch.device, Precision]:
    """Choose device and arithmetic of a run: automatic ones are those that it began with, if they are available here.

    Args:
        device: ``"auto"`` or a device that torch knows.
        precision: ``"auto"``, ``"fp32"`` or ``"bf16"``.
        before: Recipe of the run that is continued; None for a new one.

    Raises:
        UserError: If one that is not automatic is unknown or not available.
    """
    keeps_device = before is not None and device == "auto" and _has_device(before.device)
    chosen = find_device(before.device if before is not None and keeps_device else device)
    keeps_precision = before is not None and precision == "auto" and _has_precision(before.precision, chosen)
    return chosen, find_precision(before.precision if before is not None and keeps_precision else precision, chosen)


def as_begun(recipe: Recipe, before: Recipe) -> Recipe:
    """Return a recipe with what may change in a run set back to how the run began; what still differs may not.

    The device may change. The arithmetic may only where that of the beginning is not available: asked for by name, it
    makes another recipe. The length may change at a constant rate. The cooldown stays what the named recipe's was.
    """
    available = _has_precision(before.precision, torch.device(recipe.device))
    precision = recipe.precision if available else before.precision
    kept: dict[str, object] = {"device": before.device, "precision": precision, "cooldown": before.cooldown}
    if not before.cooldown:
        kept |= {"steps": before.steps, "minutes": before.minutes}
    return recipe.model_copy(update=kept)


def describe_move(before: Stretch, now: Stretch, *, new_noise: bool) -> str:
    """Say what continuing elsewhere does to a run.

    Args:
        before: Where it was computed until now.
        now: Where it continues.
        new_noise: Whether what the loss draws at random has to be drawn from a new seed.

    Returns:
        A sentence without its subject, the run.
    """
    change = "the result may differ in the last digits from that of an uninterrupted run"
    if new_noise:
        change = "its noise is drawn from a new seed, so the result is not that of an uninterrupted run"
    return f"was trained {before} up to step {now.step} and continues {now}: {change}"


def _has_device(name: str) -> bool:
    try:
        find_device(name)
    except UserError:
        return False
    return True


def _has_precision(name: Precision, device: torch.device) -> bool:
    try:
        find_precision(name, device)
    except UserError:
        return False
    return True
