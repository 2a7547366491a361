"""A frozen encoder in a scikit-learn pipeline."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import OtherKindWarning, UserError
from ssl_irmae.estimators import CodeTransformer


def test_a_pipeline_gets_the_encoders_codes(tiny_encoder: Path) -> None:
    digits = load_images("digits")
    x = digits.images[:40].numpy()
    transformer = clone(CodeTransformer(tiny_encoder, reads="features")).fit(x)
    expected = Encoder.from_pretrained(tiny_encoder).encode(digits.images[:40], "features")
    np.testing.assert_array_equal(transformer.transform(x), expected)
    np.testing.assert_array_equal(transformer.transform(x[:, 0]), expected)
    assert digits.labels is not None
    model = make_pipeline(CodeTransformer(tiny_encoder), LogisticRegression()).fit(x, digits.labels[:40])
    assert model.predict(x).shape == (40,)


def test_non_images_are_rejected(tiny_encoder: Path) -> None:
    transformer = CodeTransformer(tiny_encoder).fit(np.zeros((1, 8, 8), np.uint8))
    for other in (np.zeros((2, 8, 8)), np.zeros((2, 64), np.uint8)):
        with pytest.raises(UserError, match="uint8"):
            transformer.transform(other)


def test_scikit_learns_contract_is_kept(tiny_encoder: Path) -> None:
    x = load_images("digits").images[:6].numpy()
    with pytest.raises(NotFittedError):
        CodeTransformer(tiny_encoder).transform(x)
    with pytest.raises(UserError, match="nope"):
        CodeTransformer(tiny_encoder, reads="nope").fit(x)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="uint8"):
        CodeTransformer(tiny_encoder).fit(x / 255)
    transformer = CodeTransformer(tiny_encoder).fit(x)
    expected = transformer.transform(x)
    read_only = x.copy()
    read_only.flags.writeable = False
    for same in (x[::-1][::-1], read_only, list(x)):
        np.testing.assert_array_equal(transformer.transform(same), expected)
    assert transformer.get_feature_names_out().tolist() == [f"codetransformer{i}" for i in range(8)]


def test_images_of_another_kind_are_warned_of(tiny_encoder: Path) -> None:
    x = load_images("digits").images[:20].numpy()
    with pytest.warns(OtherKindWarning, match="differ in kind from those that mnist-irmae was pretrained on"):
        CodeTransformer("mnist-irmae").fit(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CodeTransformer(tiny_encoder).fit(x)


def test_no_encoder_is_taken_that_was_not_named() -> None:
    with pytest.raises(TypeError, match="encoder"):
        CodeTransformer()  # type: ignore[call-arg]
