"""Families of networks by name, and one's own in their place."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from ssl_irmae.errors import UserError, unknown_name
from ssl_irmae.networks.convolutional import conv_decoder, conv_encoder
from ssl_irmae.networks.mlp import mlp_decoder, mlp_encoder
from ssl_irmae.networks.own import OwnDecoder, OwnEncoder, Pair, fingerprint
from ssl_irmae.networks.parts import ImageDecoder, ImageEncoder
from ssl_irmae.networks.residual import residual_decoder, residual_encoder
from ssl_irmae.networks.sizes import is_row, paper_settings

Network = str | Pair
"""What a user chooses: the name of a family, or the function that returns a pair of modules."""

_OWN = "own-"


@dataclass(frozen=True)
class Networks:
    """A family of networks.

    Args:
        name: Its name, which identifies it in files and in trials.
        encoder: Called with ``channels``, ``image_size`` and ``features``; returns a fresh encoder.
        decoder: Called with ``channels``, ``image_size``, ``code`` and ``output``; returns a fresh decoder.
        function: The function of one's own pair; None for the families here.
    """

    name: str
    encoder: Callable[..., ImageEncoder]
    decoder: Callable[..., ImageDecoder]
    function: Pair | None = None


DEFAULT = "conv"
ROWS = "mlp"

NETWORKS: dict[str, Networks] = {
    "conv": Networks("conv", conv_encoder, conv_decoder),
    "residual": Networks("residual", residual_encoder, residual_decoder),
    "mlp": Networks("mlp", mlp_encoder, mlp_decoder),
}
"""The paper's convolutional networks with their layers at other sizes, a small residual one, and fully connected ones,
which alone read rows of numbers."""

CONV = NETWORKS[DEFAULT]


def is_own(name: str) -> bool:
    """Return whether a recorded name is that of one's own networks, which no file can build."""
    return name.startswith(_OWN)


def own_networks(name: str, function: Pair) -> Networks:
    """Return one's own networks under a recorded name."""
    return Networks(name, functools.partial(OwnEncoder, function), functools.partial(OwnDecoder, function), function)


def find_networks(network: Network | None, *, channels: int, image_size: int, code: int | None = None) -> Networks:
    """Find the networks that a user chose, for images and a code of a kind.

    Args:
        network: A name in ``NETWORKS``, or a function that returns an encoder and a decoder; None is the usual family,
            ``"conv"`` for pictures and ``"mlp"`` for rows of numbers.
        channels: Image channels.
        image_size: Height and width in pixels.
        code: Width of the code; None takes the paper's.

    Raises:
        UserError: If the name is unknown or of networks for pictures alone, or the function does not keep the contract
            (docs/extending/networks.md).
    """
    if callable(network):
        code = code or paper_settings(channels=channels, image_size=image_size).latent_dim
        name = _OWN + fingerprint(network, channels=channels, image_size=image_size, code=code)
        return own_networks(name, network)
    usual = ROWS if is_row(image_size) else DEFAULT
    network = usual if network is None else network
    check_name(network)
    if is_row(image_size) and network != ROWS:
        raise UserError(f"`network`: {network} reads pictures, and rows of numbers have {ROWS}: leave `network` out")
    return NETWORKS[network]


def check_name(network: Network | None) -> None:
    """Check that a family is known, as far as that can be done without images.

    Raises:
        UserError: If the name is unknown.
    """
    if network is None or callable(network):
        return
    if network not in NETWORKS:
        hint = "; your own are named MODULE:FUNCTION" if isinstance(network, str) else ""
        raise UserError(f"`network`: {unknown_name('network', str(network), NETWORKS)}{hint}")
