"""scikit-learn estimators: a pretrained encoder as a step of a pipeline."""

import warnings
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ssl_irmae.datasets.arrays import as_tensor
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.kind import describe_other_kind, times_worse
from ssl_irmae.errors import OtherKindWarning, UserError
from ssl_irmae.networks.own import Pair


class CodeTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Encode images with a frozen encoder inside a scikit-learn pipeline.

    Args:
        encoder: Name of a bundled encoder, or a folder: one that was pretrained on images like those to be encoded.
        reads: ``"code"`` or ``"features"``.
        network: The function that returns the encoder's networks, if it was pretrained with networks of one's own.

    >>> images = np.zeros((3, 28, 28), np.uint8)
    >>> CodeTransformer("mnist-irmae").fit(images).transform(images).shape
    (3, 128)
    """

    def __init__(
        self, encoder: str | Path, reads: Literal["code", "features"] = "code", network: Pair | None = None
    ) -> None:
        self.encoder = encoder
        self.network = network
        self.reads = reads

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:  # noqa: ARG002  # scikit-learn's signature
        """Load the encoder; nothing is learned from X, and y is ignored.

        Warns:
            OtherKindWarning: If X differs in kind from the images that the encoder was pretrained on.

        Raises:
            UserError: If there is no such encoder, it has no such reading, or X is anything but images.
        """
        encoder = Encoder.from_pretrained(self.encoder, network=self.network)
        images = as_images(X)
        encoder.encode(images[:1], self.reads)
        if times := times_worse(encoder, images):
            warnings.warn(describe_other_kind(str(self.encoder), times), OtherKindWarning, stacklevel=2)
        self.encoder_ = encoder
        return self

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Encode images of any size.

        Args:
            X: uint8, shape (n, h, w) or (n, c, h, w).

        Returns:
            fp32, shape (n, d).

        Raises:
            NotFittedError: Before ``fit``.
            UserError: If X is anything but images.
        """
        check_is_fitted(self)
        codes: npt.NDArray[np.float32] = self.encoder_.encode(as_images(X), self.reads).numpy()
        return codes

    @property
    def _n_features_out(self) -> int:
        return self.encoder_.autoencoder.latent_dim

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "encoder_")


def as_images(X: npt.ArrayLike) -> Tensor:
    """Take images as scikit-learn hands them on, uint8 (n, h, w) or (n, c, h, w), as a tensor (n, c, h, w).

    Raises:
        UserError: If they are anything else.
    """
    x = np.asarray(X)
    x = x[:, None] if x.ndim == 3 else x
    if x.dtype != np.uint8 or x.ndim != 4:
        raise UserError(f"images must be uint8 of shape (n, h, w) or (n, c, h, w), got {x.dtype} of {np.shape(X)}")
    return as_tensor(x)
