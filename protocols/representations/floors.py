"""Floors, the representations that encoders have to beat: pixels, principal components, an untrained encoder."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from sklearn.decomposition import PCA
from torch import Tensor

from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.columns import Columns
from ssl_irmae.datasets.image_set import are_rows, pixel_rows
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.networks.registry import CONV, Networks
from ssl_irmae.networks.sizes import paper_settings
from ssl_irmae.protocols.representations.representation import Encode


@dataclass(frozen=True)
class Floor:
    """A representation without pretraining: a function of the training images.

    Args:
        name: The name that contenders use for it.
        learn: Takes training images, uint8 (n, c, s, s), and returns a function that encodes images.
        learns: Whether it learns from the training images, more than their size.
        hash: None, as are the other facts of a pretrained encoder: a floor has no weights.
        pretrain_seed: None.
        pretraining: None.
        quick: False.
        network: Name of its family of networks, where that is not the usual one; None otherwise.
    """

    name: str
    learn: Callable[[Tensor], Callable[[Tensor], Tensor]]
    learns: bool = False
    hash: None = None
    pretrain_seed: None = None
    pretraining: None = None
    quick: bool = False
    network: str | None = None

    def fit(self, train: Tensor, _device: torch.device) -> Encode:
        """Return the function that encodes images; as there are no features, it returns the code for both readings."""
        encode = self.learn(train)

        def read(images: Tensor, reads: Reads) -> Tensor:  # noqa: ARG001 (as of every representation)
            return encode(images)

        return read


def pixels(train: Tensor) -> Callable[[Tensor], Tensor]:
    """Use the pixels themselves as the code, in [0, 1], with d = c * s * s; of rows their standardised columns.

    Args:
        train: Training images, uint8 (n, c, s, s), of which nothing is used; or rows, which give the scale of columns.
    """
    if are_rows(train):
        columns = Columns.of(train)
        return lambda rows: columns.standardise(rows).flatten(1)
    return pixel_rows


def pca(train: Tensor) -> Callable[[Tensor], Tensor]:
    """Project pixels on the leading principal components of the training images, as many as an encoder's code has.

    Args:
        train: Training images, uint8 (n, c, s, s).
    """
    flat, fitted = pixels(train), principal_components(train)
    return lambda images: torch.from_numpy(fitted.transform(flat(images).numpy())).float()


def principal_components(train: Tensor) -> PCA:
    """Fit scikit-learn's PCA to the pixels of training images, uint8 (n, c, s, s), as ``pca`` uses it."""
    x = pixels(train)(train)
    width = paper_settings(channels=train.shape[1], image_size=train.shape[2]).latent_dim
    return PCA(min(width, *x.shape), svd_solver="covariance_eigh").fit(x.numpy())


def random(train: Tensor, networks: Networks = CONV) -> Callable[[Tensor], Tensor]:
    """Encode with an encoder before any training.

    Args:
        train: Training images, uint8 (n, c, s, s), of which only the size is used; or rows.
        networks: The family of the encoder.
    """
    channels, image_size = train.shape[1:3]
    architecture = Architecture.paper(method="ae", channels=channels, image_size=image_size, networks=networks)
    columns = Columns.of(train) if are_rows(train) else None
    return Encoder(EncoderConfig(architecture=architecture, columns=columns)).encode


FLOORS: dict[str, Floor] = {
    floor.name: floor for floor in (Floor("pixels", pixels), Floor("pca", pca, learns=True), Floor("random", random))
}


def floors_of(networks: Networks) -> dict[str, Floor]:
    """Return the floors where networks are of some family, which the untrained encoder is one of."""
    if networks == CONV:
        return FLOORS
    untrained = Floor("random", functools.partial(random, networks=networks), network=networks.name)
    return {**FLOORS, "random": untrained}


FLOOR_SOFTWARE = {"pca": ("numpy", "scipy", "scikit-learn")}
"""Packages beyond torch that can change a bit of a floor's codes."""
