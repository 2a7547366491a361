"""Named pretraining methods: each is one function that holds its numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.bottlenecks import Gaussian, Identity, LinearStack
from ssl_irmae.errors import UserError, describe_exception
from ssl_irmae.networks.registry import CONV, Networks
from ssl_irmae.networks.sizes import is_row
from ssl_irmae.plugins.lookup import find_registered, registered
from ssl_irmae.plugins.registered import Registered

_ROW_VARIANCE = 0.1  # of the decoder's Gaussian around a standardised number, whose own variance is 1


def irmae(
    *,
    channels: int,
    image_size: int,
    latent_dim: int,
    depth: int,
    init_scale: float = 1.0,
    share_weights: bool = False,
    networks: Networks = CONV,
) -> Autoencoder:
    """Build an Implicit Rank-Minimizing Autoencoder: a linear stack between encoder and decoder, squared error.

    The decoder ends in tanh, or in nothing for rows of numbers.

    Source: Jing, Zbontar and LeCun, NeurIPS 2020, https://arxiv.org/abs/2010.00679.

    Args:
        channels: Image channels.
        image_size: Height and width in pixels, 8 to 256.
        latent_dim: Code width d.
        depth: Number l of linear layers; 0 is exactly the plain autoencoder.
        init_scale: Factor on the default initial weights of the stack.
        share_weights: Whether one matrix is used l times.
        networks: The family of encoder and decoder.
    """
    return Autoencoder(
        encoder=networks.encoder(channels=channels, image_size=image_size, features=latent_dim),
        bottleneck=LinearStack(width=latent_dim, depth=depth, init_scale=init_scale, share_weights=share_weights)
        if depth
        else Identity(),
        decoder=networks.decoder(
            channels=channels,
            image_size=image_size,
            code=latent_dim,
            output="linear" if is_row(image_size) else "tanh",
        ),
        latent_dim=latent_dim,
        reconstruction="squared-error",
    )


def ae(*, channels: int, image_size: int, latent_dim: int, networks: Networks = CONV) -> Autoencoder:
    """Build a plain autoencoder, squared error: IRMAE at depth 0.

    Args:
        channels: Image channels.
        image_size: Height and width in pixels, 8 to 256.
        latent_dim: Code width d.
        networks: The family of encoder and decoder.
    """
    return irmae(channels=channels, image_size=image_size, latent_dim=latent_dim, depth=0, networks=networks)


def vae(*, channels: int, image_size: int, latent_dim: int, networks: Networks = CONV) -> Autoencoder:
    r"""Build a variational autoencoder: Gaussian bottleneck (beta 0.1), sigmoid output, cross-entropy.

    For rows of c numbers the decoder is linear at its end, and the loss is the evidence bound of a Gaussian of variance
    0.1 around each standardised number, times :math:`0.2 / c`: squared error, and a beta of :math:`0.1 \, d / c`.

    Source: Kingma and Welling, ICLR 2014, https://arxiv.org/abs/1312.6114, with the weight of the public IRMAE code.

    Args:
        channels: Image channels.
        image_size: Height and width in pixels, 8 to 256.
        latent_dim: Code width d.
        networks: The family of encoder and decoder.
    """
    rows = is_row(image_size)
    return Autoencoder(
        encoder=networks.encoder(channels=channels, image_size=image_size, features=2 * latent_dim),
        bottleneck=Gaussian(width=latent_dim, beta=_ROW_VARIANCE * latent_dim / channels if rows else 0.1),
        decoder=networks.decoder(
            channels=channels, image_size=image_size, code=latent_dim, output="linear" if rows else "sigmoid"
        ),
        latent_dim=latent_dim,
        reconstruction="squared-error" if rows else "cross-entropy",
    )


METHODS: dict[str, Callable[..., Autoencoder]] = {
    "irmae": irmae,
    "ae": ae,
    "vae": vae,
}


def find_method(name: str) -> Callable[..., Autoencoder]:
    """Look up a method by name, among ours and among those of plug-ins.

    Raises:
        UserError: If the name is unknown; it lists the known ones and the nearest.
    """
    if name in METHODS:
        return METHODS[name]
    return _Guarded(find_registered("method", name, METHODS))


def is_method(name: str) -> bool:
    """Return whether there is a method of this name, ours or of a plug-in."""
    return name in METHODS or name in registered("method")


def method_plugin(name: str) -> Registered | None:
    """Return the plug-in that a method is of; None if it is one of ours.

    Raises:
        UserError: If the name is unknown.
    """
    return None if name in METHODS else find_registered("method", name, METHODS)


@dataclass(frozen=True)
class _Guarded:
    """A method of a plug-in, held to its contract."""

    plugin: Registered

    def __call__(self, *, latent_dim: int, **arguments: Any) -> Autoencoder:
        try:
            built: object = self.plugin.function(latent_dim=latent_dim, **arguments)
        except Exception as error:  # the code is not ours, and may raise anything
            raise UserError(f"{self.plugin.title} fails ({describe_exception(error)})") from error
        if not isinstance(built, Autoencoder) or built.latent_dim != latent_dim:
            got = f"`latent_dim` {built.latent_dim}" if isinstance(built, Autoencoder) else type(built).__name__
            raise UserError(
                f"{self.plugin.title} must return an Autoencoder with the `latent_dim` that it is given, {latent_dim}: "
                f"got {got}"
            )
        return built
