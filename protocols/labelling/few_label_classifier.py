"""The scikit-learn face of ``classify``: fit on many images and few labels."""

import warnings
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from ssl_irmae._support.compute import find_device
from ssl_irmae.datasets.arrays import as_tensor
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.datasets.label_arrays import read_labels
from ssl_irmae.errors import OtherKindWarning, UserError
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.estimators import as_images
from ssl_irmae.protocols.labelling.learn import check_request, learn
from ssl_irmae.protocols.labelling.own_encoder import find_own_encoder, fitted_to, own_name


class FewLabelClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Classify images from few labels: what ``classify`` does, as a scikit-learn estimator.

    Args:
        encoder: Name of a bundled encoder, or a folder; None pretrains one on the images that ``fit`` is given.
        network: The function that returns the encoder's networks, if it was pretrained with networks of one's own.
        contender: Name of a contender to fit instead of the one that so many labels call for.
        seed: Seed of every random choice.
        device: ``"auto"`` or a device that torch knows.

    Attributes:
        classes_: The labels, sorted, -1 left out.
        contender_: Name of the contender that was fitted.
        expected_error_: What error to expect, by cross-validation; None if no class has two labels.
        calibrated_: Whether the probabilities are calibrated; that takes 50 labels.

    >>> import tempfile
    >>> import ssl_irmae
    >>> from ssl_irmae.pretraining.pretrain import pretrain
    >>> digits = ssl_irmae.load_images("digits")
    >>> images, labels = digits.images.numpy()[:500], digits.labels.numpy()[:500].copy()
    >>> labels[100:] = -1
    >>> with tempfile.TemporaryDirectory() as folder:  # a few steps, to be quick
    ...     encoder = pretrain(dataset="digits", out=f"{folder}/mine", max_steps=20, learning_rate=1e-3).folder
    ...     model = FewLabelClassifier(encoder=encoder).fit(images, labels)
    >>> model.predict_proba(images[:2]).shape
    (2, 10)
    """

    def __init__(
        self,
        encoder: str | Path | None = None,
        contender: str | None = None,
        seed: int = 0,
        device: str = "auto",
        network: Pair | None = None,
    ) -> None:
        self.encoder = encoder
        self.network = network
        self.contender = contender
        self.seed = seed
        self.device = device

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Learn from all images, and from the labels of a few.

        Args:
            X: Images, uint8, shape (n, h, w) or (n, c, h, w).
            y: Labels, shape (n,): whole numbers or names; -1, NaN or an empty name is none.

        Warns:
            OtherKindWarning: If the images differ in kind from those that ``encoder`` was pretrained on.

        Raises:
            UserError: If images or labels are of another kind, or fewer than two classes have a label.
        """
        images, given = as_images(X), np.asarray(y)
        if given.shape != (len(images),):
            raise UserError(f"`y` must have one label per image: got {len(images)} images and labels of {given.shape}")
        read = read_labels(given, "`y`")
        missing = ~read.labelled
        classes, indices = np.unique(read.values[~missing], return_inverse=True)
        labels = np.full(len(images), UNLABELLED, np.int64)
        labels[~missing] = indices
        device = find_device(self.device)
        named = ImageSet("images", images, as_tensor(labels), tuple(map(str, classes)))
        check_request(named, own_name(self.encoder), self.contender)
        encoder = find_own_encoder(named, encoder=self.encoder, network=self.network, device=device)
        if self.encoder is not None and (other_kind := encoder.other_kind(images)):
            warnings.warn(other_kind, OtherKindWarning, stacklevel=2)
        learned = learn(fitted_to(encoder, named), encoder, contender=self.contender, seed=self.seed, device=device)
        self.classes_ = classes
        self.classifier_ = learned.classifier
        self.contender_ = learned.contender
        self.expected_error_ = learned.expected
        self.calibrated_ = learned.classifier.calibrated
        return self

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the probability of each class, fp32 (n, classes), in the order of ``classes_``.

        Raises:
            NotFittedError: Before ``fit``.
            UserError: If X is anything but images.
        """
        check_is_fitted(self)
        probabilities: npt.NDArray[np.float32] = self.classifier_.probabilities(as_images(X)).numpy()
        return probabilities

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the most probable label of each image, of the kind that ``fit`` was given.

        Raises:
            NotFittedError: Before ``fit``.
            UserError: If X is anything but images.
        """
        labels: npt.NDArray[Any] = self.classes_[self.predict_proba(X).argmax(1)]
        return labels

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classifier_")
