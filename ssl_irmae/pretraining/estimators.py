"""scikit-learn estimators that pretrain: autoencoders of rows of numbers, or of images."""

import warnings
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted
from torch import Tensor

from ssl_irmae._support.compute import find_device, find_precision
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.columns import Columns
from ssl_irmae.datasets.estimator_input import (
    ImageLayout,
    RandomSeed,
    images_in,
    read_like_first,
    read_rows,
    seed_of,
    unchanged_if_it_fails,
)
from ssl_irmae.datasets.image_set import ImageSet, fit_images
from ssl_irmae.datasets.reading import count
from ssl_irmae.datasets.registry import IMAGE_SIZE
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.encoders.encoding import encode, reconstruction_error
from ssl_irmae.errors import UserError
from ssl_irmae.networks.registry import Network, find_networks
from ssl_irmae.networks.sizes import ROW
from ssl_irmae.pretraining.loop import Pretraining
from ssl_irmae.pretraining.recipes import DEFAULT, find_recipe
from ssl_irmae.spectrum import effective_rank, spectrum


class _PretrainingEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What the estimators share, and the parameters of those without a stack."""

    _method: ClassVar[str]

    def __init__(
        self,
        latent_dim: int | None = None,
        *,
        recipe: str = DEFAULT,
        epochs: int | None = None,
        max_steps: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        image_size: int | None = None,
        network: Network | None = None,
        random_state: RandomSeed = 0,
        device: str = "auto",
    ) -> None:
        self.latent_dim = latent_dim
        self.recipe = recipe
        self.epochs = epochs
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.image_size = image_size
        self.network = network
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  # scikit-learn's signature
        """Train an autoencoder.

        Args:
            X: Rows of numbers, shape (n, d); or images, shape (n, h, w), (n, c, h, w) or (n, h, w, c), of any usual
                type.
            y: Ignored.

        Warns:
            ConvergenceWarning: If reconstructions are no better than the mean row or image at the end.

        Raises:
            UserError: If a parameter or an image cannot be used, or all rows are equal.
            NonFiniteLossError: If the loss diverges.
            ValueError: If rows cannot be used, as scikit-learn says it.
        """
        device = find_device(self.device)
        with unchanged_if_it_fails(self):
            images = images_in(X)
            if images is None:
                if self.image_size is not None:
                    raise UserError(f"`image_size` {self.image_size} is for images, and X holds rows: leave it out")
                rows = read_rows(self, X, first=True, least=2)
                columns = Columns.of(rows, getattr(self, "feature_names_in_", ()))
                self.encoder_, self.layout_ = self._pretrain(rows[:, :, None, None], columns, device), None
            else:
                self.__dict__.pop("n_features_in_", None)
                if len(images) < 2:
                    raise UserError("`X` has one image: training needs at least two")
                layout = ImageLayout.of(images)
                self.encoder_, self.layout_ = self._pretrain(layout.read(images), None, device), layout
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the codes of rows or images as ``fit`` takes them: fp32 (n, latent_dim).

        Raises:
            NotFittedError: Before ``fit``.
            ValueError: If X is of another kind than ``fit`` was given.
        """
        check_is_fitted(self)
        codes: npt.NDArray[np.float32] = self.encoder_.encode(read_like_first(self, X)).numpy()
        return codes

    def inverse_transform(self, X: Any) -> npt.NDArray[Any]:
        """Return what codes, shape (n, latent_dim), are decoded to, as ``fit`` was given it.

        Rows come back in the units of their columns, fp64; images in the size, the axes and the range of pixels of
        those that ``fit`` was given, fp32.

        Raises:
            NotFittedError: Before ``fit``.
            ValueError: If X holds anything else.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=np.float32)
        if codes.shape[1] != self._n_features_out:
            raise UserError(f"`X` has codes of {codes.shape[1]} numbers, and the decoder reads {self._n_features_out}")
        decoded = self.encoder_.decode(torch.from_numpy(codes))
        restored: npt.NDArray[Any] = decoded.numpy() if self.layout_ is None else self.layout_.restore(decoded)
        return restored

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002  # scikit-learn's signature
        """Return minus the mean squared error of reconstruction: per standardised number, or per pixel in [0, 1].

        Raises:
            NotFittedError: Before ``fit``.
            ValueError: If X is of another kind than ``fit`` was given.
        """
        check_is_fitted(self)
        return -reconstruction_error(self.encoder_.autoencoder, self.encoder_.fit_images(read_like_first(self, X)))

    def _pretrain(self, given: Tensor, columns: Columns | None, device: torch.device) -> Encoder:
        """Train on images as they were read, or on rows, fp64 (n, d, 1, 1); return the encoder with its card."""
        recipe, seed = find_recipe(self.recipe), seed_of(self.random_state)
        lengths = {"epochs": self.epochs, "max_steps": self.max_steps, "batch_size": self.batch_size}
        for name, value in lengths.items():
            if value is not None and value < 1:
                raise UserError(f"`{name}` must be at least 1, got {value}")
        if self.learning_rate is not None and not 0 < self.learning_rate < float("inf"):
            raise UserError(f"`learning_rate` must be positive, got {self.learning_rate:g}: the paper's is 1e-4")
        channels = given.shape[1]
        size = ROW if columns is not None else IMAGE_SIZE if self.image_size is None else self.image_size
        architecture = Architecture.paper(
            method=self._method,
            channels=channels,
            image_size=size,
            latent_dim=self.latent_dim,
            depth=getattr(self, "depth", None),
            most_depth=recipe.most_depth(len(given)),
            networks=find_networks(self.network, channels=channels, image_size=size, code=self.latent_dim),
        )
        x = columns.standardise(given) if columns else fit_images(given, channels=channels, image_size=size)
        run = Pretraining(
            architecture.build(seed),
            x,
            seed=seed,
            batch_size=self.batch_size or recipe.batch_size,
            learning_rate=self.learning_rate or recipe.learning_rate,
            precision="fp32" if columns is not None else find_precision("auto", device),
            device=device,
            cooldown=recipe.cooldown,
            steps=recipe.steps(len(x), **lengths),
        )
        losses = [record.loss for record in run.run()]
        if run.on_plateau:
            fewer = f", or with fewer linear layers than {architecture.depth}" if (architecture.depth or 0) > 1 else ""
            warnings.warn(
                f"after {count(run.step, 'step')} reconstructions are no better than the mean of X, so the codes say "
                f"next to nothing: train longer{fewer}",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.spectrum_ = spectrum(encode(run.autoencoder, x, reads="code")).numpy()
        self.effective_rank_ = effective_rank(torch.from_numpy(self.spectrum_))
        card = {
            "command": f"{' '.join(repr(self).split())}.fit(X)",
            "dataset": "X",
            "data_fingerprint": ImageSet("X", given).fingerprint,
            "images": len(x),
            "seed": seed,
            "epochs": run.epoch,
            "steps": run.step,
            "batch_size": run.batch_size,
            "learning_rate": run.learning_rate,
            "recipe": self.recipe,
            "cooldown": run.cooldown,
            "precision": run.precision,
            "training_loss": losses[-1],
            "effective_rank": self.effective_rank_,
            "reconstruction_mse_train": reconstruction_error(run.autoencoder, x),
            "reconstruction_mse_test": None,
            "plateau_steps": run.plateau_steps,
        }
        config = EncoderConfig(architecture=architecture, columns=columns, card=card)
        return Encoder(config, run.autoencoder.state_dict())

    @property
    def _n_features_out(self) -> int:
        return self.encoder_.autoencoder.latent_dim

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "encoder_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class IRMAE(_PretrainingEstimator):
    """Learn codes of low rank without labels: an implicit rank-minimising autoencoder.

    Rows of numbers are standardised by their columns and have fully connected networks; images have the paper's.

    Source: Jing, Zbontar and LeCun, NeurIPS 2020, https://arxiv.org/abs/2010.00679.

    Args:
        latent_dim: Code width; None is as many as there are columns, 128 at most, or the paper's for images.
        depth: Number of linear layers between encoder and decoder; None as in ``pretrain``.
        recipe: ``"short"`` or ``"paper"``: learning rate, batch size and length, where they are not given.
        epochs: Passes over X.
        max_steps: Optimiser steps after which to stop, if that comes first.
        batch_size: Rows or images per step.
        learning_rate: Adam's learning rate, before it falls.
        image_size: 8 to 256 pixels, to which images are resized; None is 32.
        network: Family of networks, or a function that returns a pair, as in ``pretrain``; None is ``"mlp"`` for rows
            and ``"conv"`` for images.
        random_state: Seed of initial weights, order and noise.
        device: ``"auto"`` or a device that torch knows.

    Attributes:
        encoder_: The encoder, whose ``save_pretrained`` writes what ``PretrainedEncoder`` and ``evaluate`` take.
        effective_rank_: Effective rank of the codes of X.
        spectrum_: Singular values of their covariance, the largest first.
        layout_: How the images were laid out; None for rows.
        n_features_in_: For rows: their length.

    >>> from sklearn.datasets import load_wine
    >>> X, _ = load_wine(return_X_y=True)
    >>> irmae = IRMAE(latent_dim=5, depth=2, max_steps=300).fit(X)
    >>> irmae.transform(X).shape, bool(irmae.score(X) > -0.8)
    ((178, 5), True)
    """

    _method = "irmae"

    def __init__(
        self,
        latent_dim: int | None = None,
        depth: int | None = None,
        *,
        recipe: str = DEFAULT,
        epochs: int | None = None,
        max_steps: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        image_size: int | None = None,
        network: Network | None = None,
        random_state: RandomSeed = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(
            latent_dim,
            recipe=recipe,
            epochs=epochs,
            max_steps=max_steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            image_size=image_size,
            network=network,
            random_state=random_state,
            device=device,
        )
        self.depth = depth


class AE(_PretrainingEstimator):
    """Learn codes without labels: a plain autoencoder, which is an IRMAE of depth 0.

    Parameters and attributes are those of ``IRMAE``, except ``depth``.

    >>> from sklearn.datasets import load_wine
    >>> X, _ = load_wine(return_X_y=True)
    >>> AE(latent_dim=5, max_steps=300).fit_transform(X).shape
    (178, 5)
    """

    _method = "ae"


class VAE(_PretrainingEstimator):
    """Learn codes without labels: a variational autoencoder, whose code is the mean.

    Source: Kingma and Welling, ICLR 2014, https://arxiv.org/abs/1312.6114.

    Parameters and attributes are those of ``IRMAE``, except ``depth``.

    >>> from sklearn.datasets import load_wine
    >>> X, _ = load_wine(return_X_y=True)
    >>> VAE(latent_dim=5, max_steps=300).fit_transform(X).shape
    (178, 5)
    """

    _method = "vae"
