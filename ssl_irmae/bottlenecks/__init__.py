"""The part between encoder and decoder: one concept per file."""

from ssl_irmae.bottlenecks.base import Bottleneck
from ssl_irmae.bottlenecks.gaussian import Gaussian
from ssl_irmae.bottlenecks.identity import Identity
from ssl_irmae.bottlenecks.linear_stack import LinearStack

__all__ = ["Bottleneck", "Gaussian", "Identity", "LinearStack"]
