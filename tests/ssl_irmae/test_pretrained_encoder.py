"""A frozen encoder in a scikit-learn pipeline."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import OtherKindWarning, UserError
from ssl_irmae.estimators import PretrainedEncoder


def test_a_pipeline_gets_the_encoders_codes(tiny_encoder: Path) -> None:
    digits = load_images("digits")
    x = digits.images[:40].numpy()
    transformer = clone(PretrainedEncoder(tiny_encoder, reads="features")).fit(x)
    expected = Encoder.from_pretrained(tiny_encoder).encode(digits.images[:40], "features")
    np.testing.assert_array_equal(transformer.transform(x), expected)
    np.testing.assert_array_equal(transformer.transform(x[:, 0]), expected)
    assert digits.labels is not None
    model = make_pipeline(PretrainedEncoder(tiny_encoder), LogisticRegression()).fit(x, digits.labels[:40])
    assert model.predict(x).shape == (40,)


def test_images_of_any_usual_type_and_axis_order_have_the_same_codes(tiny_encoder: Path) -> None:
    x = load_images("digits").images[:20].numpy()
    transformer = PretrainedEncoder(tiny_encoder)
    expected = transformer.fit_transform(x)
    for same in (x[:, 0], np.moveaxis(x, 1, 3), x.astype(float), x / 255, x.astype(np.int64), list(x[:, 0])):
        np.testing.assert_array_equal(clone(transformer).fit(same).transform(same), expected)


def test_later_images_are_scaled_as_the_first_were(tiny_encoder: Path) -> None:
    x = load_images("digits").images[:20, 0].numpy()
    for first in (x, x.astype(np.int64), x // 16):  # the last are 0 to 15, as scikit-learn has them
        transformer = PretrainedEncoder(tiny_encoder).fit(first)
        dark = np.minimum(first, 1)
        together = transformer.transform(np.r_[first, dark])[20:]  # batches of other sizes round differently
        np.testing.assert_allclose(together, transformer.transform(dark), rtol=0, atol=1e-6)
    with pytest.raises(UserError, match="pixels from 0 to 255, and the images before had them from 0 to 16: scale"):
        transformer.transform(x)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (np.zeros((2, 64), np.uint8), r"`X` must be images of shape .*, got \(2, 64\)|`X` holds rows of numbers"),
        (np.zeros((2, 8, 8), complex), "whole numbers or floats"),
        (np.full((2, 8, 8), np.nan), "NaN"),
        (np.full((2, 8, 8), -1), "-1"),
        (np.zeros((0, 8, 8)), "no pixels"),
    ],
)
def test_non_images_are_rejected(tiny_encoder: Path, other: npt.NDArray[Any], message: str) -> None:
    transformer = PretrainedEncoder(tiny_encoder).fit(np.zeros((1, 8, 8), np.uint8))
    with pytest.raises(UserError, match=message):
        transformer.transform(other)
    with pytest.raises(UserError, match=message):
        PretrainedEncoder(tiny_encoder).fit(other)


def test_scikit_learns_contract_is_kept(tiny_encoder: Path) -> None:
    x = load_images("digits").images[:6].numpy()
    with pytest.raises(NotFittedError):
        PretrainedEncoder(tiny_encoder).transform(x)
    with pytest.raises(UserError, match="nope"):
        PretrainedEncoder(tiny_encoder, reads="nope").fit(x)  # type: ignore[arg-type]
    transformer = PretrainedEncoder(tiny_encoder).fit(x)
    expected = transformer.transform(x)
    read_only = x.copy()
    read_only.flags.writeable = False
    for same in (x[::-1][::-1], read_only, list(x)):
        np.testing.assert_array_equal(transformer.transform(same), expected)
    assert transformer.get_feature_names_out().tolist() == [f"pretrainedencoder{i}" for i in range(8)]


def test_images_of_another_kind_are_warned_of(tiny_encoder: Path) -> None:
    x = load_images("digits").images[:20].numpy()
    with pytest.warns(OtherKindWarning, match="differ in kind from those that mnist-irmae was pretrained on"):
        PretrainedEncoder("mnist-irmae").fit(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PretrainedEncoder(tiny_encoder).fit(x)


def test_no_encoder_is_taken_that_was_not_named() -> None:
    with pytest.raises(TypeError, match="encoder"):
        PretrainedEncoder()  # type: ignore[call-arg]
