"""A pretrained encoder as a step of a scikit-learn pipeline."""

import warnings
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from ssl_irmae.datasets.estimator_input import ImageLayout, images_in, read_like_first, read_rows, unchanged_if_it_fails
from ssl_irmae.encoders.encoder import Encoder, read_config
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.encoders.files import find_encoder
from ssl_irmae.encoders.kind import describe_other_kind, times_worse
from ssl_irmae.errors import OtherKindWarning, UserError
from ssl_irmae.networks.own import Pair


class PretrainedEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Encode images, or rows of numbers, with a frozen encoder inside a scikit-learn pipeline.

    Args:
        encoder: Name of a bundled encoder, or a folder: one that was pretrained on images, or rows, like those to be
            encoded.
        reads: ``"code"`` or ``"features"``.
        network: The function that returns the encoder's networks, if it was pretrained with networks of one's own.

    Attributes:
        encoder_: The encoder.
        layout_: How the images that ``fit`` was given are laid out; None for rows.
        n_features_in_: For rows: their length.

    >>> images = np.zeros((3, 28, 28), np.uint8)
    >>> PretrainedEncoder("mnist-irmae").fit(images).transform(images).shape
    (3, 128)
    """

    def __init__(self, encoder: str | Path, reads: Reads = "code", network: Pair | None = None) -> None:
        self.encoder = encoder
        self.network = network
        self.reads = reads

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  # scikit-learn's signature
        """Load the encoder; nothing is learned from X but the range of pixels.

        Args:
            X: Images of any size, shape (n, h, w), (n, c, h, w) or (n, h, w, c), of any usual type; or rows of numbers,
                shape (n, d), for an encoder of such rows.
            y: Ignored.

        Warns:
            OtherKindWarning: If X differs in kind from what the encoder was pretrained on.

        Raises:
            UserError: If there is no such encoder, it has no such reading, or X is not what it encodes.
            ValueError: If rows cannot be used, as scikit-learn says it.
        """
        encoder = Encoder.from_pretrained(self.encoder, network=self.network)
        with unchanged_if_it_fails(self):
            images = images_in(X)
            columns = encoder.config.columns
            if columns is not None and images is None:
                layout, x = None, read_rows(self, X, first=True)
                columns.require(getattr(self, "feature_names_in_", ()), width=x.shape[1], title="`X`")
            elif images is None:
                raise UserError(
                    f"`X` must be images of shape (n, h, w), (n, c, h, w) or (n, h, w, c), got {np.shape(X)}"
                )
            else:
                layout = ImageLayout.of(images)
                x = layout.read(images)
            encoder.encode(x[:1], self.reads)
            if times := times_worse(encoder, x):
                warnings.warn(describe_other_kind(str(self.encoder), times), OtherKindWarning, stacklevel=2)
            self.encoder_, self.layout_ = encoder, layout
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float32]:
        """Encode images or rows as ``fit`` takes them.

        Returns:
            fp32, shape (n, d).

        Raises:
            NotFittedError: Before ``fit``.
            ValueError: If X is of another kind than ``fit`` was given, or images are brighter.
        """
        check_is_fitted(self)
        codes: npt.NDArray[np.float32] = self.encoder_.encode(read_like_first(self, X), self.reads).numpy()
        return codes

    @property
    def _n_features_out(self) -> int:
        return self.encoder_.autoencoder.latent_dim

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "encoder_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        try:
            rows = read_config(find_encoder(self.encoder)).columns is not None
        except UserError:  # it is `fit` that says so
            rows = False
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = rows, not rows
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
