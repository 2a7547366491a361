"""One's own encoder and decoder: a function that returns both, held to its contract.

Files never name such a function: whoever loads an encoder that was pretrained with one gives it again.
"""

import contextlib
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ssl_irmae._support.files import sha256
from ssl_irmae._support.functions import import_function
from ssl_irmae._support.seeding import seeded
from ssl_irmae.errors import UserError, describe_exception
from ssl_irmae.networks.convolutional import Output, activation
from ssl_irmae.networks.parts import ImageDecoder, ImageEncoder

Pair = Callable[..., tuple[nn.Module, nn.Module]]
"""Called with ``channels``, ``image_size`` and ``code``; returns an encoder and a decoder of that code width."""

_IMAGES = 2  # of the batch that the contract is checked on
_READ = 32  # numbers of an output that a fingerprint is made of


class NetworkError(UserError):
    """Networks of one's own are missing, are others than those of the weights, or do not keep their contract."""


class OwnEncoder(ImageEncoder):
    """The encoder of a pair, checked on two images.

    Args:
        function: The function that returns the pair.
        channels: Image channels c.
        image_size: Height and width s in pixels.
        features: Width of the output.

    Raises:
        NetworkError: If the function or its encoder does not keep the contract.
    """

    def __init__(self, function: Pair, *, channels: int, image_size: int, features: int) -> None:
        super().__init__()
        self.net, _ = _call(function, channels, image_size, features)
        self.stack: nn.Module = nn.Identity()
        self._features = features
        images = torch.zeros(_IMAGES, channels, image_size, image_size)
        _check(function, "encoder", self.net, images, (_IMAGES, features))

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) in [0, 1] to (n, features)."""
        out: Tensor = self.stack(self.net(x))
        return out

    @property
    def outputs(self) -> int:
        """Numbers per image."""
        return self._features

    @torch.no_grad()
    def absorb(self, W: Tensor) -> None:
        """Add a linear map, fp64 (outputs, outputs), as one layer: which layer is the last is not known."""
        device = next(self.net.parameters()).device
        self.make_room()
        assert isinstance(self.stack, nn.Linear)
        self.stack.to(device).weight.copy_(W)

    def make_room(self) -> None:
        """Add that layer without its numbers."""
        self.stack = nn.Linear(self._features, self._features, bias=False)


class OwnDecoder(ImageDecoder):
    """The decoder of a pair, checked on two codes.

    Args:
        function: The function that returns the pair.
        channels: Image channels c.
        image_size: Height and width s in pixels.
        code: Width of the code.
        output: Last activation, which follows what the decoder of the pair returns.

    Raises:
        NetworkError: If the function or its decoder does not keep the contract.
    """

    def __init__(self, function: Pair, *, channels: int, image_size: int, code: int, output: Output) -> None:
        super().__init__()
        _, self.net = _call(function, channels, image_size, code)
        self.output = activation(output)
        _check(function, "decoder", self.net, torch.zeros(_IMAGES, code), (_IMAGES, channels, image_size, image_size))

    def before_output(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to the input of the last activation (n, c, s, s), in fp32."""
        out: Tensor = self.net(z)
        return out.float()


def fingerprint(function: Pair, *, channels: int, image_size: int, code: int) -> str:
    """Identify a pair by its weights' names and shapes, and by what it computes before any training.

    Its source would not do: it may call what is elsewhere, and stays the same network when a comment changes.

    Args:
        function: The function that returns the pair.
        channels: Image channels.
        image_size: Height and width in pixels.
        code: Width of the code.

    Returns:
        Twelve hexadecimal digits.

    Raises:
        NetworkError: If the pair does not keep its contract.
    """
    with seeded(0, "fingerprint"):
        encoder = OwnEncoder(function, channels=channels, image_size=image_size, features=code)
        decoder = OwnDecoder(function, channels=channels, image_size=image_size, code=code, output="tanh")
        images = torch.rand(_IMAGES, channels, image_size, image_size)
        with _in_a_sentence(function, "in training mode"), torch.no_grad():  # where dropout counts
            codes = encoder.train()(images)
            pictures = decoder.train().before_output(codes)
    shapes = {name: list(x.shape) for part in (encoder, decoder) for name, x in part.state_dict().items()}
    numbers = [f"{float(x):.3g}" for out in (codes, pictures) for x in evenly(out, _READ)]  # as rounded anywhere
    return sha256(json.dumps([shapes, numbers]).encode())[:12]


def evenly(x: Tensor, n: int) -> Tensor:
    """Take n numbers of a tensor, evenly spaced, or all of fewer."""
    flat = x.flatten().float()
    return flat[:: -(-len(flat) // n)]


def import_pair(text: str) -> Pair:
    """Import the function that a person names as ``MODULE:FUNCTION``; modules of the working directory count.

    Raises:
        NetworkError: If there is no such module or function.
    """
    try:
        found: Pair = import_function(text, "network", "my_networks:small")
    except UserError as error:
        raise NetworkError(str(error)) from error
    return found


def name_of(function: Pair) -> str:
    """Return how a function is named in messages."""
    inner: Any = function.func if isinstance(function, functools.partial) else function
    return f"{getattr(inner, '__module__', '?')}:{getattr(inner, '__qualname__', type(inner).__name__)}"


def _call(function: Pair, channels: int, image_size: int, code: int) -> tuple[nn.Module, nn.Module]:
    arguments = {"channels": channels, "image_size": image_size, "code": code}
    given = ", ".join(f"{name}={value}" for name, value in arguments.items())
    with _in_a_sentence(function, f"when called with {given}"):
        pair: object = function(**arguments)
    if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(isinstance(x, nn.Module) for x in pair):
        parts = pair if isinstance(pair, tuple | list) else (pair,)
        got = " and ".join(type(part).__name__ for part in parts) or "nothing"
        raise NetworkError(
            f"`network`: {name_of(function)} must return an encoder and a decoder, two torch.nn.Module, got {got}"
        )
    encoder, decoder = pair
    for part, net in (("encoder", encoder), ("decoder", decoder)):
        if not any(True for _ in net.parameters()):
            raise NetworkError(
                f"`network`: the {part} of {name_of(function)} has no parameters: nothing could be learned"
            )
    return encoder, decoder


@torch.no_grad()
def _check(function: Pair, part: str, net: nn.Module, given: Tensor, expected: tuple[int, ...]) -> None:
    """Check what a part returns for a tiny batch."""
    training = net.training
    with _in_a_sentence(function, f"where its {part} is given {tuple(given.shape)}"):
        out: object = net.eval()(given)
    net.train(training)
    if not isinstance(out, Tensor) or not out.is_floating_point() or tuple(out.shape) != expected:
        got = (
            f"{str(out.dtype).removeprefix('torch.')} {tuple(out.shape)}"
            if isinstance(out, Tensor)
            else type(out).__name__
        )
        fixed = part == "encoder" and isinstance(out, Tensor) and out.shape[:-1] == expected[:-1]
        raise NetworkError(
            f"`network`: the {part} of {name_of(function)} must map {tuple(given.shape)} to floats {expected}, got "
            f"{got}" + f": its width has to follow its argument `code`, {expected[-1]} here" * fixed
        )


@contextlib.contextmanager
def _in_a_sentence(function: Pair, when: str) -> Iterator[None]:
    """Turn whatever one's own network raises into a sentence."""
    try:
        yield
    except NetworkError:
        raise
    except Exception as error:  # the code is not ours, and may raise anything
        raise NetworkError(f"`network`: {name_of(function)} fails {when} ({describe_exception(error)})") from error
