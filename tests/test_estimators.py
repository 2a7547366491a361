"""scikit-learn's estimators: its own checks, pipelines and searches over them, rows of numbers and images."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from ssl_irmae.errors import UserError
from ssl_irmae.estimators import AE, IRMAE, VAE, FewLabelClassifier, PretrainedEncoder
from ssl_irmae.protocols.graphs.graph import build_graph

EXPECTED_FAILURES = {
    "FewLabelClassifier": {
        "check_classifiers_classes": "names one of two classes -1, which is no label, as in sklearn.semi_supervised; "
        "scikit-learn leaves that part out for its own semi-supervised classifiers, by their names",
    },
}
"""By estimator: checks of scikit-learn that fail, and why they should."""

STEPS = 2  # scikit-learn fits each estimator dozens of times
Rows = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


class OfAnyWidth(PretrainedEncoder):
    """The encoder of rows in ``encoder`` whose rows are as long as those given: a frozen one reads a single length."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Pretrain such an encoder if there is none, and fit the one that is tested."""
        shape = X.shape if hasattr(X, "toarray") else np.shape(np.asarray(X))
        width = shape[1] if len(shape) == 2 and shape[1] else 3
        folder = Path(self.encoder).parent / str(width)
        if not folder.exists():
            rows = np.random.default_rng(0).normal(size=(20, width))
            AE(max_steps=STEPS).fit(rows).encoder_.save_pretrained(folder)
        inner = PretrainedEncoder(folder, self.reads).fit(X, y)
        self.__dict__ |= {name: value for name, value in vars(inner).items() if name.endswith("_")}
        return self


def failed_checks(estimator: Any) -> dict[str, str]:
    """Run scikit-learn's checks; return what went otherwise than expected, by check."""
    expected = EXPECTED_FAILURES.get(type(estimator).__name__, {})
    results = check_estimator(estimator, expected_failed_checks=expected, on_fail=None, on_skip=None)
    assert len(results) > 40, "scikit-learn leaves out nearly all of its checks where rows are not taken"
    assert {result["check_name"] for result in results if result["status"] == "xfail"} == expected.keys()
    return {result["check_name"]: repr(result["exception"]) for result in results if result["status"] == "failed"}


@pytest.mark.filterwarnings("ignore")  # what scikit-learn warns of, its checks look at
@pytest.mark.parametrize(
    "estimator",
    [IRMAE(max_steps=STEPS), AE(max_steps=STEPS), VAE(max_steps=STEPS), FewLabelClassifier("poisson")],
    ids=lambda estimator: type(estimator).__name__,
)
def test_scikit_learns_own_checks_pass(estimator: Any) -> None:
    assert failed_checks(estimator) == {}


@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks_pass_on_a_pretrained_encoder_of_rows(tmp_path: Path) -> None:
    estimator = OfAnyWidth(tmp_path / "3").fit(np.random.default_rng(0).normal(size=(5, 3)))
    assert failed_checks(clone(estimator)) == {}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_tags_say_whether_a_pretrained_encoder_reads_images_or_rows(tmp_path: Path) -> None:
    OfAnyWidth(tmp_path / "3").fit(np.eye(3))
    taken = [PretrainedEncoder(name).__sklearn_tags__().input_tags for name in ("mnist-irmae", tmp_path / "3")]
    assert [(tags.two_d_array, tags.three_d_array) for tags in taken] == [(False, True), (True, False)]


@pytest.fixture(scope="module")
def wine() -> tuple[Rows, Labels]:
    """Return rows of 13 numbers in units of their own, and three classes, of which every fifth row has a label."""
    X, y = load_wine(return_X_y=True)
    return X, np.where(np.arange(len(y)) % 5 == 0, y, -1)


@pytest.mark.parametrize("estimator", [IRMAE(max_steps=300), AE(max_steps=300), VAE(max_steps=300)])
def test_rows_come_back_in_their_own_units_and_the_score_is_their_error(
    wine: tuple[Rows, Labels], estimator: Any
) -> None:
    X, _ = wine
    model = clone(estimator).set_params(learning_rate=2e-3).fit(X)
    error = ((model.inverse_transform(model.transform(X)) - X) / X.std(0)) ** 2
    assert model.score(X) == pytest.approx(-error.mean(), rel=1e-4)
    assert model.score(X) > -0.6, "of a variance of 1"


def test_the_same_seed_gives_the_same_codes(wine: tuple[Rows, Labels]) -> None:
    X, _ = wine

    def codes(random_state: Any) -> npt.NDArray[np.float32]:
        with pytest.warns(ConvergenceWarning, match="after 2 steps reconstructions are no better than the mean of X"):
            return IRMAE(random_state=random_state, max_steps=STEPS).fit_transform(X)  # type: ignore[no-any-return]

    np.testing.assert_array_equal(codes(1), codes(1))
    np.testing.assert_array_equal(codes(np.random.RandomState(1)), codes(np.random.RandomState(1)))
    assert not np.array_equal(codes(1), codes(2))
    assert not np.array_equal(codes(None), codes(None))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_tables_of_pandas_go_in_and_come_out(wine: tuple[Rows, Labels]) -> None:
    X = pd.DataFrame(wine[0], columns=load_wine().feature_names)
    model = IRMAE(latent_dim=2, max_steps=STEPS).set_output(transform="pandas").fit(X)
    assert list(model.transform(X).columns) == ["irmae0", "irmae1"]
    assert list(model.encoder_.config.columns.names) == list(X.columns)
    with pytest.raises(ValueError, match="feature names"):
        model.transform(X.rename(columns={"alcohol": "water"}))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_was_fitted_is_kept_as_a_pretrained_encoder(wine: tuple[Rows, Labels], tmp_path: Path) -> None:
    X, _ = wine
    for given in (X, load_digits().images[:40]):
        model = IRMAE(latent_dim=4, max_steps=STEPS).fit(given)
        model.encoder_.save_pretrained(tmp_path / str(given.ndim))
        again = PretrainedEncoder(tmp_path / str(given.ndim)).fit(given)
        np.testing.assert_array_equal(again.transform(given), model.transform(given))
        assert again.encoder_.config.card["effective_rank"] == pytest.approx(model.effective_rank_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_images_come_back_in_their_own_size_range_and_axes() -> None:
    def restored(images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        model = AE(latent_dim=4, max_steps=STEPS).fit(images)
        assert model.score(images) < 0
        return model.inverse_transform(model.transform(images))

    grey = load_digits().images[:20]  # 8 x 8, from 0 to 16
    expected = restored(grey / 16)
    assert expected.shape == grey.shape
    assert expected.min() >= 0
    np.testing.assert_allclose(restored(grey), 16 * expected, rtol=1e-6)
    np.testing.assert_allclose(restored(np.round(grey * 255 / 16).astype(np.uint8)), 255 * expected, rtol=1e-6)
    colour = np.stack([grey / 16, grey / 32, grey / 64], 3)
    np.testing.assert_array_equal(np.moveaxis(restored(colour), 3, 1), restored(np.moveaxis(colour, 3, 1)))


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (IRMAE(max_steps=0), "`max_steps` must be at least 1, got 0"),
        (IRMAE(depth=-1), "`depth` -1"),
        (IRMAE(learning_rate=0), "`learning_rate` must be positive, got 0"),
        (VAE(random_state=-1), "`random_state` must be at least 0, got -1"),
        (AE(recipe="long"), "unknown recipe 'long'"),
        (VAE(image_size=32), "`image_size` 32 is for images"),
        (AE(network="conv"), "`network`: conv reads pictures"),
        (
            FewLabelClassifier(learner="propagate"),
            "'propagate' trains a network on images, and X holds rows",
        ),
        (FewLabelClassifier(encoder="mnist-irmae"), "`encoder` is for images, and X holds rows"),
        (FewLabelClassifier("propagate"), "`readout`: 'propagate' is a learner: give it as `learner`"),
        (FewLabelClassifier("poison"), "unknown readout 'poison': .* did you mean 'poisson'"),
        (FewLabelClassifier("spread-transductive"), "unknown readout"),
    ],
    ids=str,
)
def test_a_parameter_that_cannot_be_used_is_named(wine: tuple[Rows, Labels], estimator: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        estimator.fit(*wine)


def test_rows_that_tell_nothing_apart_or_are_too_large_are_refused(wine: tuple[Rows, Labels]) -> None:
    X, few = wine
    with pytest.raises(UserError, match="`X` has the same numbers in all 178 rows"):
        FewLabelClassifier("poisson").fit(np.ones_like(X), few)
    with pytest.raises(UserError, match=r"`X` must be finite numbers below 1e\+15 in size, and row 0 holds"):
        FewLabelClassifier("poisson").fit(1e20 * X, few)
    with pytest.raises(UserError, match="below 1e"):
        FewLabelClassifier("poisson").fit(X, few).predict(1e20 * X)


@pytest.mark.parametrize(
    "readout", ["poisson", "spread", "knn", "linear", "centroid", "metric", "mlp", "self-training"]
)
def test_a_constant_added_to_columns_changes_nothing(readout: str) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    few = np.where(np.arange(200) < 40, y, -1)
    X = np.round(4 * y[:, None] + rng.normal(size=(200, 2)), 2)
    expected = FewLabelClassifier(readout).fit(X, few)
    assert not expected.offset_.any(), "columns near zero are read as they are"
    for offset in (1e8, -1.7e12):
        for columns in (np.array([offset, offset]), np.array([offset, 0])):
            model = FewLabelClassifier(readout).fit(X + columns, few)
            np.testing.assert_allclose(model.predict_proba(X + columns), expected.predict_proba(X), atol=0.02)
            assert model.score(X + columns, y) > 0.97
        constant = np.c_[X, np.full(200, offset)]
        assert FewLabelClassifier(readout).fit(constant, few).score(constant, y) > 0.97


def test_a_classifier_that_was_pickled_before_there_were_offsets_predicts(wine: tuple[Rows, Labels]) -> None:
    model = FewLabelClassifier("knn").fit(*wine)
    older = clone(model)
    older.__dict__ |= {name: value for name, value in vars(model).items() if name != "offset_"}
    np.testing.assert_array_equal(older.predict_proba(wine[0]), model.predict_proba(wine[0]))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_images_after_rows_and_rows_after_images_are_refused(wine: tuple[Rows, Labels]) -> None:
    images = load_digits().images[:20]
    with pytest.raises(UserError, match="`X` holds images, and `fit` was given rows of numbers"):
        AE(max_steps=STEPS).fit(wine[0]).transform(images)
    with pytest.raises(UserError, match="`X` holds rows of numbers, and `fit` was given images"):
        AE(max_steps=STEPS).fit(images).transform(wine[0])
    with pytest.raises(UserError, match="`X` holds images, and `fit` was given rows of numbers"):
        FewLabelClassifier("knn").fit(*wine).predict(images)


def _after_a_failed_fit(model: Any, *given: Any) -> dict[str, Any]:
    with pytest.raises(ValueError, match=r"\b(X|y|rows|array)\b"):
        model.fit(*given)
    return dict(vars(model))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::ssl_irmae.errors.OtherKindWarning")
def test_a_fit_that_fails_leaves_the_model_as_it_was(wine: tuple[Rows, Labels], tmp_path: Path) -> None:
    X, few = wine
    images, y = load_digits().images[:40], load_digits().target[:40]
    bright = 15.9 * images
    AE(max_steps=STEPS).fit(X).encoder_.save_pretrained(tmp_path)
    one_class, none = np.zeros(len(X), int), np.full(40, -1)
    rows = [
        (X, one_class),
        (X[:, :3], one_class),
        (X[:1], few[:1]),
        (images, none),
        (np.full((2, 4, 4), np.nan), y[:2]),
    ]
    pictures = [*rows, (bright, none), (bright, y[:7]), (np.ones((3, 5)), y[:3])]
    named = pd.DataFrame(X).add_prefix("column ")
    for classifier, fitted, wrong in (
        (FewLabelClassifier("poisson"), (X, few), rows),
        (FewLabelClassifier("centroid", encoder="mnist-irmae"), (images, y), pictures),
    ):
        before = dict(vars(classifier.fit(*fitted)))
        predicted = classifier.predict_proba(fitted[0])
        for given in wrong:
            assert _after_a_failed_fit(classifier, *given) == before
            np.testing.assert_array_equal(classifier.predict_proba(fitted[0]), predicted)
    for coder, fitted_on, others in (
        (AE(max_steps=STEPS), X, [X[:1], np.full_like(X, np.inf), images[:1], images - 9]),
        (IRMAE(max_steps=STEPS), images, [named[:1], np.ones((9, 4)), images[:1], images - 9]),
        (VAE(max_steps=STEPS, image_size=16), images, [named]),
        (PretrainedEncoder(tmp_path), named, [X[:, :3], named.iloc[:, :2], images]),
        (PretrainedEncoder("mnist-irmae"), images, [X, images - 9]),
    ):
        before = dict(vars(coder.fit(fitted_on)))
        codes = coder.transform(fitted_on)
        for X_wrong in others:
            assert _after_a_failed_fit(coder, X_wrong) == before
            np.testing.assert_array_equal(coder.transform(fitted_on), codes)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("readout", ["spread", "poisson", "poisson-prior", "cutssl", "linear", None])
def test_readouts_stand_in_pipelines_searches_and_cross_validation(
    wine: tuple[Rows, Labels], readout: str | None
) -> None:
    X, few = wine
    y = load_wine().target
    codes = IRMAE(depth=2, max_steps=200, learning_rate=2e-3)
    model = make_pipeline(StandardScaler(), codes, FewLabelClassifier(readout))
    assert model.fit(X, few).score(X, y) > 0.85
    if readout is None:
        search = GridSearchCV(
            make_pipeline(StandardScaler(), FewLabelClassifier()),
            {"fewlabelclassifier__readout": ["poisson", "spread", "knn"]},
        ).fit(X, few)
        assert search.best_score_ > 0.85
        assert search.predict(X).shape == y.shape
        errors = 1 - cross_validate(search.best_estimator_, X, few, cv=4)["test_score"]
        assert errors.mean() < 0.2


@pytest.mark.filterwarnings("ignore::ssl_irmae.errors.OtherKindWarning")
def test_images_of_more_than_8_bits_are_cross_validated_as_floats() -> None:
    images, y = 60 * load_digits().images[:60], load_digits().target[:60]  # 10 bits, but for the last
    images[-1] *= 1030 / images[-1].max()
    model = FewLabelClassifier("centroid", encoder="mnist-irmae")
    with pytest.raises(UserError, match="from 0 to 1023: scale them alike, such as all to floats from 0 to 1"):
        model.fit(images[:-1].astype(np.uint16), y[:-1]).predict(images[-1:].astype(np.uint16))
    scores = cross_validate(model, images / 4095, np.where(np.arange(60) % 3, y, -1), cv=KFold(3))["test_score"]
    assert np.isfinite(scores).all()


def test_rows_without_a_label_are_not_scored(wine: tuple[Rows, Labels]) -> None:
    X, few = wine
    model = FewLabelClassifier("poisson").fit(X, few)
    labelled = few != -1
    assert model.score(X, few) == (model.predict(X) == few)[labelled].mean()
    weights = np.arange(len(X))
    right = (model.predict(X) == few)[labelled]
    assert model.score(X, few, weights) == pytest.approx(np.average(right, weights=weights[labelled]))
    with pytest.raises(UserError, match="none of these has a label"):
        model.score(X, np.full(len(X), -1))


@pytest.mark.parametrize("missing", [-1, np.nan, None, "", pd.NA])
def test_every_usual_mark_of_a_missing_label_is_understood(wine: tuple[Rows, Labels], missing: Any) -> None:
    X, few = wine
    expected = FewLabelClassifier("poisson").fit(X, few)
    names = [] if isinstance(missing, int) else [[f"wine {label}" if label >= 0 else missing for label in few]]
    numbers = [] if isinstance(missing, str) else [[int(label) if label >= 0 else missing for label in few]]
    for given in (*names, *numbers):
        series = pd.Series(given)
        of_pandas = (series, series.convert_dtypes(), pd.Categorical(given), pd.Index(given), pd.array(given))
        for y in (*of_pandas, given, np.array(given, object)):
            model = FewLabelClassifier("poisson").fit(X, y)
            assert [str(label)[-1] for label in model.classes_] == ["0", "1", "2"]
            np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_rows_may_be_tensors_of_any_kind(wine: tuple[Rows, Labels]) -> None:
    X, few = wine
    for rows in (torch.tensor(X, requires_grad=True), torch.tensor(X).bfloat16(), torch.tensor(X).float()):
        same = rows.detach().double().numpy()
        model = FewLabelClassifier("knn").fit(rows, torch.tensor(few))
        np.testing.assert_array_equal(model.predict_proba(rows), model.predict_proba(same))
        np.testing.assert_array_equal(
            FewLabelClassifier("knn").fit(same, few).predict_proba(same), model.predict_proba(rows)
        )
        codes, expected = (AE(max_steps=STEPS).fit(x).transform(x) for x in (rows, same))
        np.testing.assert_array_equal(codes, expected)


def test_transduction_is_what_spread_along_the_graph(wine: tuple[Rows, Labels]) -> None:
    X, few = StandardScaler().fit_transform(wine[0]), wine[1]
    model = FewLabelClassifier("spread").fit(X, few)
    # Zhou et al., 2003: F = (I - alpha S)^-1 Y, here on classes of their own weight
    weights = build_graph(torch.from_numpy(X).float(), k=10).weights.toarray()
    scale = np.diag(weights.sum(1) ** -0.5)
    given = np.stack([(few == c) / (few == c).sum() for c in range(3)], 1)
    alpha = 0.99
    scores = np.linalg.solve(np.eye(len(X)) - alpha * scale @ weights @ scale, given)
    labelled = few != -1
    np.testing.assert_array_equal(model.transduction_[labelled], few[labelled])
    assert (model.transduction_ == scores.argmax(1))[~labelled].mean() > 0.95
    assert not hasattr(FewLabelClassifier("linear").fit(X, few), "transduction_")


def test_an_error_is_expected_and_confidence_calibrated_where_asked_for() -> None:
    X, y = load_digits(return_X_y=True)
    few = np.where(np.arange(len(y)) < 80, y, -1)[:600]
    model = FewLabelClassifier("poisson", estimate_error=True).fit(X[:600], few)
    true = 100 * (1 - model.score(X[80:600], y[80:600]))
    assert model.expected_error_ is not None
    assert model.expected_error_.low <= true <= model.expected_error_.high
    assert model.calibrated_
    plain = FewLabelClassifier("poisson").fit(X[:600], few)
    assert plain.expected_error_ is None
    assert not plain.calibrated_
    np.testing.assert_array_equal(plain.predict(X), model.predict(X))


@pytest.mark.filterwarnings("ignore::ssl_irmae.errors.OtherKindWarning")
@pytest.mark.parametrize("learner", ["propagate", "supervised"])
def test_learners_train_on_images_of_any_usual_kind(
    learner: str, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.contenders.for_few_labels._STEPS", 2)
    images, y = load_digits().images[:60], load_digits().target[:60]
    few = np.where(np.arange(60) < 30, y, -1)
    encoder = tiny_encoder if learner == "propagate" else None
    predicted = []
    for given in (images, images[:, None], images / 16, (images * 15).astype(int)):
        model = FewLabelClassifier(learner=learner, encoder=encoder).fit(given, few)
        predicted.append(model.predict_proba(given))
        model.classifier_.save(tmp_path / "kept")
    assert predicted[0].shape == (60, 10)
    np.testing.assert_array_equal(predicted[0], predicted[1])
    np.testing.assert_array_equal(predicted[0], predicted[2])
    assert not list((tmp_path / "cache").rglob("model.safetensors")), "nothing was pretrained"
