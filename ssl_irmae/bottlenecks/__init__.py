"""The part between encoder and decoder: one concept per file."""

from ssl_irmae.bottlenecks.base import Bottleneck
from ssl_irmae.bottlenecks.gaussian import Gaussian
from ssl_irmae.bottlenecks.identity import Identity
from ssl_irmae.bottlenecks.linear_stack import LinearStack
from ssl_irmae.bottlenecks.low_rank_layer import LowRankLayer
from ssl_irmae.bottlenecks.penalised import Penalised
from ssl_irmae.bottlenecks.sketched_gaussian import SketchedGaussian
from ssl_irmae.bottlenecks.truncated import Truncated

__all__ = [
    "Bottleneck",
    "Gaussian",
    "Identity",
    "LinearStack",
    "LowRankLayer",
    "Penalised",
    "SketchedGaussian",
    "Truncated",
]
