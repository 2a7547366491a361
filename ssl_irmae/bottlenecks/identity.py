"""The bottleneck of a plain autoencoder: nothing."""

from torch import Tensor

from ssl_irmae.bottlenecks.base import Bottleneck


class Identity(Bottleneck):
    """Pass the features on: the code is the features (a plain AE, or an encoder that a stack was folded into)."""

    def forward(self, h: Tensor) -> Tensor:
        """Return the features (n, d) as the code, in fp32 so that all bottlenecks' codes have one type."""
        return h.float()
