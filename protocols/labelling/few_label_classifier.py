"""The scikit-learn face of readouts and learners: fit on many rows or images and few labels."""

import warnings
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d
from torch import Tensor

from ssl_irmae._support.compute import find_device
from ssl_irmae.datasets.estimator_input import (
    ImageLayout,
    RandomSeed,
    images_in,
    read_like_first,
    read_rows,
    seed_of,
    unchanged_if_it_fails,
)
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.datasets.label_arrays import LabelArray, from_objects, read_labels
from ssl_irmae.datasets.large_arrays import as_tensor
from ssl_irmae.datasets.pixel_range import PixelScale
from ssl_irmae.errors import OtherKindWarning, UserError
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.contenders.for_few_labels import contender_of, from_scratch
from ssl_irmae.protocols.labelling.expected_error import ExpectedError
from ssl_irmae.protocols.labelling.learn import learn, learn_from_rows
from ssl_irmae.protocols.labelling.own_encoder import at_usual_size, find_own_encoder, fitted_to, own_name
from ssl_irmae.protocols.predictors.form import Form
from ssl_irmae.protocols.predictors.on_graph import OnGraph
from ssl_irmae.protocols.representations.given_codes import as_codes, require_usable

_FAR = 1000
"""Ranges between a column and zero from which on it is centred first: single precision keeps seven digits."""


class FewLabelClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Classify rows of numbers, or images, from the labels of a few.

    Rows, such as codes from an earlier step of a pipeline, are what a readout reads. Images are encoded first, or train
    a network. What has no label takes part without it: it is where labels are spread.

    Args:
        readout: Name of a readout of frozen codes, such as ``"spread"``, ``"poisson"``, ``"poisson-prior"`` or
            ``"linear"``; None for what so many labels call for.
        learner: Name of a learner, which trains a network on images, such as ``"propagate"``; instead of a readout.
        encoder: For images: name of a bundled encoder, or a folder; None pretrains one on the images that ``fit`` is
            given, and keeps it in the cache.
        network: The function that returns the encoder's networks, if it was pretrained with networks of one's own.
        estimate_error: Whether to cross-validate over the labels, for ``expected_error_`` and calibrated probabilities:
            50 fits of a readout, three of a learner. Images without a named readout or learner are cross-validated in
            any case, as ``classify`` does, to compare codes with pixels.
        random_state: Seed of every random choice.
        device: Where networks run: ``"auto"`` or a device that torch knows.

    Attributes:
        classes_: The labels, sorted, without that of unlabelled rows.
        contender_: Name of the contender that was fitted; ``rows-`` and a readout for rows.
        transduction_: With a readout on a graph (``spread``, ``poisson``, ``poisson-prior``, ``cutssl``): the label of
            every row or image that ``fit`` was given, its own or else the one that spread to it.
        expected_error_: What error to expect, by cross-validation; None if there was none, or no class has two
            labelled ones that differ.
        calibrated_: Whether the probabilities are calibrated; that takes 50 labels.
        layout_: How the images were laid out; None for rows.
        classifier_: For images: everything from image to probability, with ``save`` for ``ssl_irmae.predict``.
        n_features_in_: For rows: their length.
        offset_: For rows: what is subtracted from each column; 0 unless it is far from zero, compared with its range.

    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> few = np.where(np.arange(len(y)) < 50, y, -1)
    >>> model = FewLabelClassifier(readout="poisson-prior").fit(X, few)
    >>> bool(model.score(X, y) > 0.9), bool((model.transduction_ == y).mean() > 0.9)
    (True, True)
    """

    def __init__(
        self,
        readout: str | None = None,
        learner: str | None = None,
        *,
        encoder: str | Path | None = None,
        network: Pair | None = None,
        estimate_error: bool = False,
        random_state: RandomSeed = 0,
        device: str = "auto",
    ) -> None:
        self.readout = readout
        self.learner = learner
        self.encoder = encoder
        self.network = network
        self.estimate_error = estimate_error
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from all rows or images, and from the labels of a few.

        Args:
            X: Rows of numbers, shape (n, d); or images, shape (n, h, w), (n, c, h, w) or (n, h, w, c), of any usual
                type.
            y: Labels, shape (n,): whole numbers or names; -1, NaN, None or an empty name is none.

        Warns:
            OtherKindWarning: If the images differ in kind from those that ``encoder`` was pretrained on.

        Raises:
            UserError: If fewer than two classes have a label, a name is unknown, or rows come with a learner or an
                encoder.
            ValueError: If X or y cannot be used, as scikit-learn says it.
        """
        with unchanged_if_it_fails(self):
            images = images_in(X)
            if images is None:
                self.layout_ = None
                self._fit_rows(read_rows(self, X, first=True, least=2), y)
            else:
                self.__dict__.pop("n_features_in_", None)
                self.layout_ = ImageLayout.of(images)
                self._fit_images(self.layout_.read(images), self.layout_.scale, y)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the probability of each class, fp32 (n, classes), in the order of ``classes_``.

        Raises:
            NotFittedError: Before ``fit``.
            UserError: If images come after rows, or rows after images.
            ValueError: If X is of another kind than ``fit`` was given.
        """
        check_is_fitted(self)
        read = read_like_first(self, X)
        if read.is_floating_point():
            rows = read - getattr(self, "offset_", 0)  # pickles of before there were offsets have none
            require_usable(rows.numpy(), "`X`")
            return _as_array((self.predictor_.logits(rows.float()) / self.temperature_).softmax(1))
        return _as_array(self.classifier_.probabilities(read))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable label of each row or image, of the kind that ``fit`` was given.

        Raises:
            NotFittedError: Before ``fit``.
            ValueError: As ``predict_proba``.
        """
        best = self.predict_proba(X).argmax(1)
        labels: npt.NDArray[Any] = self.classes_[best]
        return labels

    def score(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return the share of right predictions among those with a label: what has none is left out.

        Cross-validation without another ``scoring`` therefore works where few rows have a label.

        Raises:
            UserError: If none has a label.
        """
        read = _read_labels(y)
        if not read.labelled.any():
            raise UserError("`y`: none of these has a label, so there is nothing to compare predictions with")
        predicted = self.predict(X)[read.labelled]
        weights = None if sample_weight is None else np.asarray(sample_weight)[read.labelled]
        return float(np.average(predicted == read.values[read.labelled], weights=weights))

    def _fit_rows(self, rows: Tensor, y: Any) -> None:
        if self.encoder is not None:
            raise UserError(
                "`encoder` is for images, and X holds rows of numbers: leave it out, or make PretrainedEncoder an "
                "earlier step of the pipeline"
            )
        if self.learner is not None:
            raise UserError(
                f"`learner`: {self.learner!r} trains a network on images, and X holds rows of numbers of shape "
                f"{tuple(rows.shape)}: give images, such as (n, h, w), or choose a `readout`"
            )
        classes, labels = self._classes_of(y, len(rows))
        self.offset_ = _offset(rows)
        learned = learn_from_rows(
            as_tensor(as_codes((rows - self.offset_).numpy(), "`X`")),
            labels,
            tuple(map(str, classes)),
            readout=self.readout,
            estimate=self.estimate_error,
            seed=seed_of(self.random_state),
            device=find_device(self.device),
        )
        self.predictor_ = learned.predictor
        self.temperature_ = learned.temperature or 1.0
        self.calibrated_ = learned.temperature is not None
        self._remember(classes, labels, learned.contender, learned.expected, self.predictor_)

    def _fit_images(self, pixels: Tensor, scale: PixelScale, y: Any) -> None:
        classes, labels = self._classes_of(y, len(pixels))
        named = ImageSet("images", pixels, labels, tuple(map(str, classes)), scale=scale)
        source = own_name(self.encoder)
        chosen = (self.readout, self.learner) != (None, None)
        contender = contender_of(source, readout=self.readout, learner=self.learner) if chosen else None
        device = find_device(self.device)
        encoder = None
        if self.learner is None or not from_scratch(self.learner):
            encoder = find_own_encoder(named, encoder=self.encoder, network=self.network, device=device)
            if self.encoder is not None and (other_kind := encoder.other_kind(pixels)):
                warnings.warn(other_kind, OtherKindWarning, stacklevel=3)
        learned = learn(
            at_usual_size(named) if encoder is None else fitted_to(encoder, named),
            encoder,
            contender=contender,
            estimate=self.estimate_error,
            seed=seed_of(self.random_state),
            device=device,
        )
        self.classifier_ = learned.classifier
        self.calibrated_ = learned.classifier.calibrated
        self._remember(classes, labels, learned.contender, learned.expected, learned.classifier.predictor)

    def _classes_of(self, y: Any, count: int) -> tuple[npt.NDArray[Any], Tensor]:
        """Return the classes and the index of each label among them, int64 (n,), -1 without one."""
        if y is None:
            raise UserError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        read = _read_labels(y)
        if len(read.values) != count:
            raise UserError(f"`y` must have one label per row of X: got {count} rows and {len(read.values)} labels")
        classes, indices = np.unique(read.values[read.labelled], return_inverse=True)
        if len(classes) < 2:
            found = f"only one class has labels, {classes[0]!s}" if len(classes) else "there is not one label"
            raise UserError(f"`y`: {found}: give labels of at least two classes")
        labels = np.full(count, UNLABELLED, np.int64)
        labels[read.labelled] = indices
        return classes, as_tensor(labels)

    def _remember(
        self, classes: npt.NDArray[Any], labels: Tensor, contender: str, expected: ExpectedError | None, predictor: Form
    ) -> None:
        self.classes_ = classes
        self.contender_ = contender
        self.expected_error_ = expected
        self.__dict__.pop("transduction_", None)
        if isinstance(predictor, OnGraph):
            spread = torch.where(labels == UNLABELLED, predictor.at_nodes(), labels)
            self.transduction_ = classes[spread.numpy()]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classes_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _read_labels(y: Any) -> LabelArray:
    if hasattr(y, "notna"):  # pandas, whose missing values numpy knows as objects alone
        y = np.asarray(y, object)
    # numpy would turn the NaN among names of a list into a name
    given = column_or_1d(np.array(y, object) if isinstance(y, list | tuple) else np.asarray(y), warn=True)
    given = from_objects(given) if given.dtype.kind == "O" else given
    if given.dtype.kind == "f":
        check_classification_targets(given[~np.isnan(given)])
    return read_labels(given, "`y`")


def _offset(rows: Tensor) -> Tensor:
    """Return what to subtract from rows, fp64 (n, d), before they are rounded to fp32: shape (d,).

    It is the mean of a column that is so far from zero that rounding would lose what varies in it, such as seconds
    since 1970; a constant column is compared with the widest. All others keep their bits, and predictions theirs.
    """
    mean, span = rows.mean(0), rows.amax(0) - rows.amin(0)
    far = mean.abs() > _FAR * torch.where(span > 0, span, span.max())
    return torch.where(far, mean, 0.0)


def _as_array(probabilities: Tensor) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = probabilities.numpy()
    return array
