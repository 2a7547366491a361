"""An autoencoder composed of three parts."""

import copy
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae.bottlenecks import Bottleneck, Identity, LinearStack
from ssl_irmae.contraction import squared_jacobian
from ssl_irmae.errors import UserError
from ssl_irmae.networks.parts import ImageDecoder, ImageEncoder

Reconstruction = Literal["squared-error", "cross-entropy"]
ALL = slice(None)
"""All images of a batch."""


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
        corruption: Share of the numbers of each image, drawn anew in each step, that are set to zero before it is
            encoded in training; the loss is that to the image as it was.
        contraction: Weight of the mean squared norm of the encoder's Jacobian in the loss, estimated.
        weight_decay: How fast all weights shrink in pretraining, decoupled as in AdamW: by this times the learning rate
            in each step.
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
        corruption: float = 0.0,
        contraction: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.bottleneck = bottleneck
        self.decoder = decoder
        self.latent_dim = latent_dim
        self.reconstruction: Reconstruction = reconstruction
        self.folded = folded
        self.corruption = corruption
        self.contraction = contraction
        self.weight_decay = weight_decay

    @property
    def draws(self) -> bool:
        """Whether its loss draws at random."""
        return self.bottleneck.draws or self.corruption > 0 or self.contraction > 0

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
        """Compute the training loss: the sum of ``losses``.

        Args:
            x: Images (n, c, s, s) in [0, 1], fp32.
            rng: Random generator of what is drawn in training; None is torch's global one.

        Returns:
            A scalar, computed in fp32 even where autocast is active around the networks.
        """
        reconstruction, penalty = self.losses(x, rng)
        return reconstruction + penalty

    def losses(self, x: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Compute the reconstruction loss of a sampled code, and the penalties that are added to it.

        Args:
            x: Images (n, c, s, s) in [0, 1], fp32.
            rng: Random generator of what is drawn in training; None is torch's global one.

        Returns:
            Two scalars, computed in fp32 even where autocast is active around the networks.
        """
        z, penalty = self.bottleneck.sample(self.encoder(self.corrupted(x, rng)), rng)
        return self.reconstruction_loss(z, x), penalty + self.contraction_penalty(x, rng)

    def corrupted(self, x: Tensor, rng: torch.Generator | None, *, rows: slice = ALL, images: int = 0) -> Tensor:
        """Return images (n, c, s, s) as they are encoded in training: a share of the numbers of each may be zero.

        Args:
            x: Images, a part of a batch or all of it.
            rng: Random generator.
            rows: Which images of the batch they are.
            images: Number of images of the batch; 0 where ``x`` is all of it.
        """
        if not self.corruption:
            return x
        return x * (_drawn(torch.Tensor.uniform_, x, rng, rows, images) >= self.corruption)

    def reconstruction_loss(self, z: Tensor, x: Tensor) -> Tensor:
        """Compare what codes (n, d) are decoded to with images (n, c, s, s); return a scalar, computed in fp32."""
        before_output = self.decoder.before_output(z)
        with torch.autocast(x.device.type, enabled=False):
            if self.reconstruction == "cross-entropy":
                # from logits: a diverged run has a loss that is not finite, where probabilities would raise
                return F.binary_cross_entropy_with_logits(before_output, x)
            return F.mse_loss(self.decoder.output(before_output), x)

    def contraction_penalty(
        self, x: Tensor, rng: torch.Generator | None, *, rows: slice = ALL, images: int = 0
    ) -> Tensor | float:
        """Return the penalty on the encoder's Jacobian, a mean over the images, with arguments as for ``corrupted``."""
        if not self.contraction:
            return 0.0
        directions = _drawn(torch.Tensor.normal_, x, rng, rows, images)
        with torch.autocast(x.device.type, enabled=False):
            return self.contraction * squared_jacobian(self.encoder, x, directions)

    @torch.no_grad()
    def fold(self) -> "Autoencoder":
        """Multiply a linear bottleneck into the encoder's last layer: the same code without its cost.

        Returns:
            A new autoencoder, without features, whose code differs by float rounding only; a plain copy if the code is
            the features, or the first of them.

        Raises:
            UserError: If the bottleneck is a stack with a ReLU between its layers.
        """
        folded = copy.deepcopy(self)
        if isinstance(self.bottleneck, LinearStack) and not self.bottleneck.linear:
            raise UserError(
                "a stack with `variant` relu is not one matrix, so it cannot be folded into the encoder, and nothing "
                "but its frozen code can be used: take readouts such as linear, or pretrain without that variant"
            )
        if self.bottleneck.linear:
            folded.encoder.absorb(self.bottleneck.product())
            folded.bottleneck = Identity()
            folded.folded = True
        return folded


def _drawn(draw: Callable[..., Tensor], x: Tensor, rng: torch.Generator | None, rows: slice, images: int) -> Tensor:
    """Draw a number for each of all images of a batch, and return those of some, of the shape of ``x``."""
    return draw(torch.empty(images or len(x), *x.shape[1:], device=x.device), generator=rng)[rows]
