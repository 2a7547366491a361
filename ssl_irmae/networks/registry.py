"""Families of networks by name, and one's own in their place."""

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass

from ssl_irmae.errors import UserError, unknown_name
from ssl_irmae.networks.convolutional import conv_decoder, conv_encoder
from ssl_irmae.networks.mlp import mlp_decoder, mlp_encoder
from ssl_irmae.networks.own import NetworkError, OwnDecoder, OwnEncoder, Pair, fingerprint
from ssl_irmae.networks.parts import ImageDecoder, ImageEncoder
from ssl_irmae.networks.residual import residual_decoder, residual_encoder
from ssl_irmae.networks.sizes import is_row, paper_settings
from ssl_irmae.plugins.lookup import find_registered, registered, registered_network

Network = str | Pair
"""What a user chooses: the name of a family, ours or of a plug-in, or the function that returns a pair of modules."""

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
        network: A name in ``NETWORKS`` or of a plug-in, or a function that returns an encoder and a decoder; None is
            the usual family, ``"conv"`` for pictures and ``"mlp"`` for rows of numbers.
        channels: Image channels.
        image_size: Height and width in pixels.
        code: Width of the code; None takes the paper's.

    Raises:
        UserError: If the name is unknown or of networks for pictures alone, or the function does not keep the contract
            (docs/extending/networks.md).
    """
    if network is None:
        network = ROWS if is_row(image_size) else DEFAULT
    function = function_of(network)
    if function is None:
        assert isinstance(network, str)
        if is_row(image_size) and network != ROWS:
            raise UserError(
                f"`network`: {network} reads pictures, and rows of numbers have {ROWS}: leave `network` out"
            )
        return NETWORKS[network]
    code = code or paper_settings(channels=channels, image_size=image_size).latent_dim
    name = _OWN + fingerprint(function, channels=channels, image_size=image_size, code=code)
    plugin = registered_network(function)
    return own_networks(name if plugin is None else f"{name}-{plugin.origin.stamp}", function)


def function_of(network: Network | None) -> Pair | None:
    """Return the function of one's own networks, given or registered under a name; None for a family of ours.

    Raises:
        UserError: If the name is unknown.
    """
    if network is None or callable(network):
        return network
    if network in NETWORKS:
        return None
    try:
        function: Pair = find_registered("network", network, NETWORKS).function
    except UserError as error:
        raise UserError(f"`network`: {error}; your own are named MODULE:FUNCTION") from error
    return function


def registered_function(name: str, *, channels: int, image_size: int, code: int) -> Pair | None:
    """Return the registered function of the networks that a file records; None if none computes what they did.

    Args:
        name: The recorded name of one's own networks.
        channels: Image channels.
        image_size: Height and width in pixels.
        code: Width of the code.
    """
    for plugin in registered("network").values():
        with contextlib.suppress(NetworkError):  # networks that cannot be built at this size are not those
            found = fingerprint(plugin.function, channels=channels, image_size=image_size, code=code)
            if name.removeprefix(_OWN).split("-")[0] == found:
                return plugin.function
    return None


def check_name(network: Network | None) -> None:
    """Check that a family is known, as far as that can be done without images.

    Raises:
        UserError: If the name is unknown.
    """
    if network is not None and not callable(network) and not isinstance(network, str):
        raise UserError(f"`network`: {unknown_name('network', str(network), NETWORKS)}")
    function_of(network)
