"""An autoencoder composed of three parts."""

import copy
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae.bottlenecks import Bottleneck, Identity, LinearStack
from ssl_irmae.errors import UserError
from ssl_irmae.networks.parts import ImageDecoder, ImageEncoder

Reconstruction = Literal["squared-error", "cross-entropy"]


class Autoencoder(nn.Module):
    """Compose an encoder, a bottleneck and a decoder.

    Features are the output of the nonlinear encoder, before the bottleneck; the code is what the decoder sees. Both
    have shape (n, d). For a plain AE they are equal; for a VAE both are the mean; a folded IRMAE has only its code.

    Args:
        encoder: Images (n, c, s, s) to (n, width).
        bottleneck: (n, width) to codes (n, d).
        decoder: Codes (n, d) to images (n, c, s, s).
        latent_dim: Code width d.
        reconstruction: The loss between image and reconstruction, averaged over pixels.
        folded: Whether a linear stack has been multiplied into the encoder, so that there are no features any more.
    """

    def __init__(
        self,
        *,
        encoder: ImageEncoder,
        bottleneck: Bottleneck,
        decoder: ImageDecoder,
        latent_dim: int,
        reconstruction: Reconstruction,
        folded: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.bottleneck = bottleneck
        self.decoder = decoder
        self.latent_dim = latent_dim
        self.reconstruction: Reconstruction = reconstruction
        self.folded = folded

    def features(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) in [0, 1] to features (n, d).

        Raises:
            UserError: If the stack was folded into the encoder.
        """
        if self.folded:
            raise UserError(
                "this encoder is folded: its linear stack was multiplied into the last layer, so that only the code is "
                "left; read the code, or load the encoder unfolded"
            )
        h: Tensor = self.encoder(x)
        return h[:, : self.latent_dim].float()  # a Gaussian encoder returns 2 d numbers, means first

    def code(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) in [0, 1] to codes (n, d), deterministically."""
        z: Tensor = self.bottleneck(self.encoder(x))
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, s, s)."""
        x: Tensor = self.decoder(z)
        return x

    def reconstruct(self, x: Tensor) -> Tensor:
        """Encode and decode images (n, c, s, s) in [0, 1], deterministically."""
        return self.decode(self.code(x))

    def loss(self, x: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Compute the training loss: reconstruction of a sampled code plus the bottleneck's penalty.

        Args:
            x: Images (n, c, s, s) in [0, 1], fp32.
            rng: Random generator of a Gaussian bottleneck's noise; None is torch's global one.

        Returns:
            A scalar, computed in fp32 even where autocast is active around the networks.
        """
        z, penalty = self.bottleneck.sample(self.encoder(x), rng)
        return self.reconstruction_loss(z, x) + penalty

    def reconstruction_loss(self, z: Tensor, x: Tensor) -> Tensor:
        """Compare what codes (n, d) are decoded to with images (n, c, s, s); return a scalar, computed in fp32."""
        before_output = self.decoder.before_output(z)
        with torch.autocast(x.device.type, enabled=False):
            if self.reconstruction == "cross-entropy":
                # from logits: a diverged run has a loss that is not finite, where probabilities would raise
                return F.binary_cross_entropy_with_logits(before_output, x)
            return F.mse_loss(self.decoder.output(before_output), x)

    @torch.no_grad()
    def fold(self) -> "Autoencoder":
        """Multiply the linear stack into the encoder's last layer: the same code without its cost.

        Returns:
            A new autoencoder, without features, whose code differs by float rounding only; a plain copy if there is no
            stack.
        """
        folded = copy.deepcopy(self)
        if isinstance(self.bottleneck, LinearStack):
            folded.encoder.absorb(self.bottleneck.product())
            folded.bottleneck = Identity()
            folded.folded = True
        return folded
