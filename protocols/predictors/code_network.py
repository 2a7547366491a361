"""The part of an autoencoder that gives its code: an encoder, whose first outputs are the code."""

import copy
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ssl_irmae.architecture import Architecture
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.networks import AnyEncoder, paper_encoder
from ssl_irmae.protocols.predictors.form import Settings, Tensors

SIZES = ("channels", "image_size", "outputs", "width")


@dataclass(frozen=True)
class CodeNetwork:
    """Map images to codes by an encoder alone: a linear stack is folded into it, and a code has no noise.

    Args:
        encoder: The paper's encoder for these images, in eval mode.
        channels: Image channels, 1 or 3.
        image_size: Height and width in pixels.
        width: Width of the code: the first of the encoder's outputs, as a Gaussian encoder returns twice as many.
    """

    encoder: AnyEncoder
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
        sizes = (self.channels, self.image_size, len(self.encoder.last.weight), self.width)
        return dict(zip(SIZES, sizes, strict=True))

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, device: torch.device) -> Self:
        """Rebuild the network."""
        channels, image_size, outputs, width = (settings[name] for name in SIZES)
        with torch.device("meta"):  # sizes from a file allocate nothing before the weights are seen to fit
            encoder = paper_encoder(channels=channels, image_size=image_size, features=outputs)
        found, expected = ({n: (w.shape, w.dtype) for n, w in x.items()} for x in (tensors, encoder.state_dict()))
        if found != expected:
            raise ValueError("the encoder's weights are not of the sizes that are recorded")
        if width > outputs:
            raise ValueError(f"a code of width {width} cannot come from {outputs} outputs")
        encoder.load_state_dict(dict(tensors), strict=True, assign=True)
        encoder = encoder.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
        return cls(encoder, channels, image_size, width)
