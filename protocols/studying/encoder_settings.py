"""What distinguishes one pretraining of a study from another, apart from its seed."""

import json

from pydantic import BaseModel, ConfigDict

from ssl_irmae._support.files import sha256
from ssl_irmae.architecture import Architecture
from ssl_irmae.networks.registry import find_networks
from ssl_irmae.pretraining.optimizers import USUAL, check_optimizer


class EncoderSettings(BaseModel):
    """Settings of a pretraining, named as in ``pretrain``; None is what the recipe has for the images.

    Args:
        method: Name of the method.
        latent_dim: Code width d.
        depth: Number of linear layers; of an IRMAE at least 1, as depth 0 is the method ``"ae"``.
        init_scale: Factor on the initial weights of these layers.
        share_weights: Whether they are one matrix.
        variant: What else is different in them.
        init: Their initial weights.
        strength: How much the method does.
        optimizer: What takes the steps.
        learning_rate: Its learning rate, which any but Adam needs.

    >>> str(EncoderSettings(method="irmae", depth=4, init_scale=0.5))
    'irmae, depth 4, init scale 0.5'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = "irmae"
    latent_dim: int | None = None
    depth: int | None = None
    init_scale: float | None = None
    share_weights: bool | None = None
    variant: str | None = None
    init: str | None = None
    strength: float | None = None
    optimizer: str | None = None
    learning_rate: float | None = None

    def __str__(self) -> str:
        given = self.model_dump(exclude={"method"}, exclude_none=True)
        shown = {name: f"{value:g}" if isinstance(value, float) else value for name, value in given.items()}
        return ", ".join([self.method, *(f"{name.replace('_', ' ')} {value}" for name, value in shown.items())])

    def architecture(self, *, channels: int, image_size: int, most_depth: int | None) -> Architecture:
        """Return the networks for images of a kind; a depth that is not given is ``most_depth`` at most.

        Raises:
            UserError: If a value is out of range, or does not belong to the method.
        """
        check_optimizer(self.optimizer or USUAL, self.learning_rate)
        networks_given = self.model_dump(exclude={"optimizer", "learning_rate"})
        networks = find_networks(None, channels=channels, image_size=image_size)
        return Architecture.paper(
            channels=channels, image_size=image_size, most_depth=most_depth, networks=networks, **networks_given
        )


def name_networks(architecture: Architecture) -> str:
    """Name everything that an architecture is, in twelve hexadecimal digits."""
    return sha256(json.dumps(architecture.identity()).encode())[:12]
