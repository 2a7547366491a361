"""What a kept classifier makes of an image before its predictor sees it: tensors and numbers, no code."""

from dataclasses import dataclass
from typing import Literal, Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.errors import UserError
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.predictors.checks import check_tensors
from ssl_irmae.protocols.predictors.chunks import chunks_of
from ssl_irmae.protocols.predictors.code_network import SIZES, CodeNetwork
from ssl_irmae.protocols.predictors.form import Form, Rebuildable, Settings, Tensors
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.predictors.residual import Residual
from ssl_irmae.protocols.representations.floors import FLOORS, pixels, principal_components
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder
from ssl_irmae.protocols.representations.representation import Representation

_CHUNK = 512


class Codes(Rebuildable, Protocol):
    """A representation that can be kept, one of ``CODES``."""

    def __call__(self, images: Tensor, /) -> Tensor:
        """Encode uint8 images (n, c, s, s); return what the predictor reads, on the CPU."""
        ...


class _NothingLearned:
    """Codes that are rebuilt from nothing."""

    def tensors(self) -> dict[str, Tensor]:
        """Return nothing."""
        return {}

    def settings(self) -> dict[str, int]:
        """Return nothing."""
        return {}

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, _device: torch.device) -> Self:
        """Check that there is nothing to rebuild it from."""
        check_tensors(tensors, {}, settings)
        return cls()


@dataclass(frozen=True)
class Images(_NothingLearned):
    """The images themselves, for a network that reads them."""

    def __call__(self, images: Tensor) -> Tensor:
        """Return the images."""
        return images


@dataclass(frozen=True)
class Pixels(_NothingLearned):
    """The pixels, in [0, 1], as the code."""

    def __call__(self, images: Tensor) -> Tensor:
        """Return the pixels, fp32 (n, c * s * s)."""
        return pixels(images)(images)


@dataclass(frozen=True)
class Components:
    """Principal components of the pixels.

    Args:
        mean: Mean pixels, fp32 (d,).
        components: fp32 (k, d).
    """

    mean: Tensor
    components: Tensor

    @classmethod
    def of(cls, train: Tensor) -> Self:
        """Find those of training images, uint8 (n, c, s, s)."""
        fitted = principal_components(train)
        return cls(torch.from_numpy(fitted.mean_).float(), torch.from_numpy(fitted.components_).float())

    def __call__(self, images: Tensor) -> Tensor:
        """Return the components, fp32 (n, k)."""
        return F.linear(pixels(images)(images) - self.mean, self.components)

    def tensors(self) -> dict[str, Tensor]:
        """Return mean and components."""
        return {"mean": self.mean, "components": self.components}

    def settings(self) -> dict[str, int]:
        """Return nothing: the tensors say all."""
        return {}

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, _device: torch.device) -> Self:
        """Rebuild the components."""
        layout = {"mean": (torch.float32, "d"), "components": (torch.float32, "k d")}
        check_tensors(tensors, layout, settings)
        return cls(tensors["mean"], tensors["components"])


@dataclass(frozen=True)
class Encoded:
    """The code or the features of a pretrained encoder.

    Args:
        network: The encoder, folded where the code is read.
        device: Where it is.
    """

    network: CodeNetwork
    device: torch.device

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Return codes, fp32 (n, width)."""
        return torch.cat([self.network(as_float(x, self.device)).cpu() for x in chunks_of(images, _CHUNK)])

    def tensors(self) -> dict[str, Tensor]:
        """Return the weights."""
        return self.network.tensors()

    def settings(self) -> dict[str, int]:
        """Return the sizes of the encoder."""
        return self.network.settings()

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, device: torch.device, function: Pair | None = None) -> Self:
        """Rebuild the encoder, if it is one's own with the function that returns it."""
        check_tensors({}, {}, settings, SIZES)
        return cls(CodeNetwork.rebuild(tensors, settings, device, function), device)


CODES: dict[str, type[Codes]] = {"components": Components, "encoder": Encoded, "images": Images, "pixels": Pixels}
"""By the name under which a file knows them."""


def codes_name(codes: Codes) -> str:
    """Return the name of codes in ``CODES``."""
    return next(name for name, kind in CODES.items() if type(codes) is kind)


def codes_for(
    predictor: Form, representation: Representation | None, reads: Reads | Literal["images"], train: Tensor, device: str
) -> Codes:
    """Turn a representation into codes that can be kept.

    Args:
        predictor: What reads them.
        representation: The contender's representation; unused where the predictor reads images.
        reads: What the contender reads.
        train: The images that the predictor was fitted with, uint8 (n, c, s, s).
        device: Where an encoder runs.

    Raises:
        UserError: If the representation cannot be kept.
    """
    if isinstance(predictor, Network | Residual):
        return Images()
    if isinstance(representation, OpenedEncoder) and reads != "images":
        encoder = representation.load().to(device)
        network = CodeNetwork.of(encoder.autoencoder, representation.architecture, reads)
        return Encoded(network, torch.device(device))
    if representation == FLOORS["pixels"]:
        return Pixels()
    if representation == FLOORS["pca"]:
        return Components.of(train)
    name = "none" if representation is None else representation.name
    raise UserError(
        f"`contender`: a classifier of the representation {name!r} cannot be kept: use a pretrained encoder, 'pixels' "
        "or 'pca'"
    )
