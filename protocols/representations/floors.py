"""The representations that every table needs as a floor: what encoders have to beat."""

from collections.abc import Callable

import torch
from sklearn.decomposition import PCA
from torch import Tensor

from ssl_irmae.architecture import Architecture
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.networks import reference_settings

Encode = Callable[[Tensor], Tensor]
"""Maps uint8 images (n, c, s, s) to codes, fp32 (n, d), on the CPU."""


def pixels(train: Tensor) -> Encode:  # noqa: ARG001
    """Take the pixels themselves as the code, in [0, 1], d = c * s * s.

    Args:
        train: Training images, uint8 (n, c, s, s); not looked at.
    """
    return lambda images: images.flatten(1).float() / 255


def pca(train: Tensor) -> Encode:
    """Project pixels on the leading principal components of the training images, as many as an encoder's code has.

    Args:
        train: Training images, uint8 (n, c, s, s).
    """
    flat = pixels(train)
    width = reference_settings(channels=train.shape[1], image_size=train.shape[2]).latent_dim
    fitted = PCA(min(width, *flat(train).shape), svd_solver="covariance_eigh").fit(flat(train).numpy())
    return lambda images: torch.from_numpy(fitted.transform(flat(images).numpy())).float()


def random(train: Tensor) -> Encode:
    """Encode with the reference encoder as it is before any training.

    Args:
        train: Training images, uint8 (n, c, s, s); only their size is looked at.
    """
    architecture = Architecture.reference(method="ae", channels=train.shape[1], image_size=train.shape[2])
    return Encoder(EncoderConfig(architecture=architecture)).encode


FLOORS: dict[str, Callable[[Tensor], Encode]] = {"pixels": pixels, "pca": pca, "random": random}
