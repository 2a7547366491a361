"""A number that is measured of an encoder, without any label of the images that it is measured on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.protocols.task import Task


@dataclass(frozen=True)
class Measure:
    """What is measured, and how it is shown.

    Args:
        name: Name of its column in rows, answers and panels.
        title: What tables and figures call it; in sentences it follows "the".
        compute: From an encoder to the number; None where it is not defined. A function of a module, so that workers
            find it.
        digits: Decimal places in tables.
        note: What a reader of the table needs to know, a sentence; may be empty.
        extra: The extra that it needs.
        revision: Raised when a change alters the number.
    """

    name: str
    title: str
    compute: "Callable[[MeasuredEncoder], float | None]"
    digits: int = 1
    note: str = ""
    extra: str | None = None
    revision: int = 1


class MeasuredEncoder:
    """An encoder, and what several measures share.

    Args:
        folder: Its folder.
        task: The images that it was pretrained on, and those that were held out from it.
    """

    def __init__(self, folder: Path, task: Task) -> None:
        self.folder = folder
        self.task = task
        self.encoder = Encoder.from_pretrained(folder)

    @property
    def held_out(self) -> Tensor:
        """The held-out images, uint8 (n, c, s, s)."""
        return self.task.scored.images

    @cached_property
    def codes(self) -> Tensor:
        """Codes of the held-out images, fp32 (n, d)."""
        return self.encoder.encode(self.held_out)

    @cached_property
    def features(self) -> Tensor:
        """Features of the held-out images, before the stack, fp32 (n, d)."""
        return self.encoder.encode(self.held_out, "features")

    @cached_property
    def start(self) -> Autoencoder:
        """The networks as they were initialised."""
        return self.encoder.config.architecture.build(int(self.encoder.config.card["seed"]))

    @property
    def device(self) -> torch.device:
        """Where its networks are."""
        return next(self.encoder.parameters()).device
