"""The part of an autoencoder that gives its code: an encoder, whose first outputs are the code."""

import copy
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ssl_irmae.architecture import Architecture
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.networks.own import NetworkError, OwnEncoder, Pair
from ssl_irmae.networks.parts import ImageEncoder
from ssl_irmae.networks.registry import NETWORKS
from ssl_irmae.protocols.predictors.form import Settings, Tensors

SIZES = ("channels", "image_size", "outputs", "width")


@dataclass(frozen=True)
class CodeNetwork:
    """Map images to codes by an encoder alone: a linear stack is folded into it, and a code has no noise.

    Args:
        encoder: The encoder for these images, in eval mode.
        channels: Image channels.
        image_size: Height and width in pixels.
        width: Width of the code: the first of the encoder's outputs, as a Gaussian encoder returns twice as many.
    """

    encoder: ImageEncoder
    channels: int
    image_size: int
    width: int

    @classmethod
    def of(cls, autoencoder: Autoencoder, architecture: Architecture, reads: Reads) -> Self:
        """Copy the encoder of an autoencoder: folded, so that it gives the code, or as it is, for the features."""
        encoder = autoencoder.fold().encoder if reads == "code" else copy.deepcopy(autoencoder.encoder)
        encoder = encoder.to(memory_format=torch.channels_last).eval().requires_grad_(False)
        return cls(encoder, architecture.channels, architecture.image_size, architecture.latent_dim)

    def __call__(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) in [0, 1] to codes (n, width)."""
        h: Tensor = self.encoder(x)
        return h[:, : self.width].float()

    def tensors(self) -> dict[str, Tensor]:
        """Return the encoder's weights, on the CPU."""
        return {name: w.detach().cpu().contiguous() for name, w in self.encoder.state_dict().items()}

    def settings(self) -> dict[str, int]:
        """Return the sizes of the encoder."""
        sizes = (self.channels, self.image_size, self.encoder.outputs, self.width)
        return dict(zip(SIZES, sizes, strict=True))

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, device: torch.device, function: Pair | None = None) -> Self:
        """Rebuild the network, of the family whose weights have the names and shapes that were kept.

        Args:
            tensors: What ``tensors`` returned.
            settings: What ``settings`` returned.
            device: Where it runs.
            function: The function that returns it, if it is one's own.
        """
        channels, image_size, outputs, width = (settings[name] for name in SIZES)
        sizes = {"channels": channels, "image_size": image_size, "features": outputs}
        encoder = _encoder_for(tensors, sizes, function)
        if width > outputs:
            raise ValueError(f"a code of width {width} cannot come from {outputs} outputs")
        encoder.load_state_dict(dict(tensors), strict=True, assign=True)
        encoder = encoder.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
        return cls(encoder, channels, image_size, width)


def _encoder_for(tensors: Tensors, sizes: dict[str, int], function: Pair | None) -> ImageEncoder:
    if any(name.startswith("net.") for name in tensors):
        if function is None:
            raise NetworkError(
                "this classifier has networks of one's own, and no file names code to run: give `network` again, the "
                "function that returns them"
            )
        encoder: ImageEncoder = OwnEncoder(function, **sizes)
        if any(name.startswith("stack.") for name in tensors):
            encoder.make_room()
        candidates = [encoder]
    else:
        with torch.device("meta"):  # sizes from a file allocate nothing before the weights are seen to fit
            candidates = [networks.encoder(**sizes) for networks in NETWORKS.values()]
    for candidate in candidates:
        if _layout(candidate.state_dict()) == _layout(tensors):
            return candidate
    raise ValueError("the encoder's weights are not of the sizes that are recorded")


def _layout(tensors: Tensors) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (w.shape, w.dtype) for name, w in tensors.items()}
