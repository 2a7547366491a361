"""A classifier from few labels: what it is fitted on, what it is expected to get wrong, how sure it is."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ssl_irmae._support.home import home
from ssl_irmae._support.progress import Event, Message, Pretrained
from ssl_irmae._support.seeding import generator
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.errors import OtherKindWarning, UserError
from ssl_irmae.estimators import FewLabelClassifier
from ssl_irmae.protocols.contenders.for_few_labels import contenders_for_few_labels
from ssl_irmae.protocols.labelling.calibration import fit_temperature
from ssl_irmae.protocols.labelling.classify import classify
from ssl_irmae.protocols.labelling.expected_error import error_interval, expected_error
from ssl_irmae.protocols.labelling.held_out import distinct, fold_count, folds, held_out_logits
from ssl_irmae.protocols.labelling.learn import check_request, learn
from ssl_irmae.protocols.labelling.own_encoder import needs_encoder, own_name
from ssl_irmae.protocols.labelling.pool import Pool
from ssl_irmae.protocols.labelling.predict import predict
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder, open_encoder

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def encoder() -> OpenedEncoder:
    return open_encoder("irmae", "mnist-irmae")


@pytest.fixture(scope="module")
def pictures(digits: ImageSet) -> ImageSet:
    return ImageSet("digits", digits.images[:400], digits.labels[:400], digits.classes)  # type: ignore[index]


def with_labels(images: ImageSet, positions: torch.Tensor) -> ImageSet:
    """Keep the labels of a few images."""
    assert images.labels is not None
    labels = torch.full_like(images.labels, UNLABELLED)
    labels[positions] = images.labels[positions]
    return dataclasses.replace(images, labels=labels)


def test_every_fold_holds_each_class_evenly_and_a_lone_label_is_never_held_out() -> None:
    labels = torch.tensor([0] * 10 + [1] * 7 + [2])
    dealt = folds(labels, count=5, rng=torch.Generator().manual_seed(0))
    held_out = torch.cat(dealt)
    assert sorted(held_out.tolist()) == list(range(17))
    for c, least, most in ((0, 2, 2), (1, 1, 2)):
        assert all(least <= int((labels[fold] == c).sum()) <= most for fold in dealt)


@pytest.mark.parametrize("per_class", [2, 3, 5, 7, 10, 15])
def test_classes_with_equally_many_labels_keep_equally_many_in_every_fold(
    per_class: int,
) -> None:
    labels = torch.arange(10).repeat(per_class)
    for fold in folds(labels, count=fold_count(labels, most=10), rng=torch.Generator().manual_seed(0)):
        taken = labels[fold].bincount(minlength=10)
        assert int(taken.max() - taken.min()) <= (per_class % 10 != 0 and per_class > 10)


@pytest.mark.parametrize("contender", ["irmae-poisson", "irmae-linear", "pixels-knn", "irmae-finetune"])
def test_what_is_said_of_a_held_out_picture_does_not_depend_on_its_label(
    pictures: ImageSet, encoder: OpenedEncoder, contender: str
) -> None:
    chosen = contenders_for_few_labels("irmae")[contender].with_steps(2)
    few = with_labels(pictures, torch.arange(30))
    assert few.labels is not None
    logits = held_out_logits(Pool(few, {"irmae": encoder}, CPU), chosen, count=30, repeats=1).logits
    for position in (0, 17):
        other = few.labels.clone()
        # a class with other labels, so that the folds stay the same; each picture is a fold of its own
        other[position] = (other[position] + 1) % 10
        changed = dataclasses.replace(few, labels=other)
        again = held_out_logits(Pool(changed, {"irmae": encoder}, CPU), chosen, count=30, repeats=1).logits
        assert torch.equal(logits[position], again[position])


def test_without_copies_the_folds_are_those_of_all_labelled_pictures(
    pictures: ImageSet, encoder: OpenedEncoder
) -> None:
    chosen = contenders_for_few_labels("irmae")["irmae-poisson"]
    pool = Pool(with_labels(pictures, torch.arange(30)), {"irmae": encoder}, CPU)
    positions, labels = pool.labelled
    found = held_out_logits(pool, chosen, count=5, repeats=2, seed=3)
    for r in range(2):
        for fold in folds(labels, count=5, rng=generator("cpu", 3, "folds", r)):
            rest = torch.tensor(sorted(set(range(30)) - set(fold.tolist())))
            (alone,) = pool.fit(chosen, [(positions[rest], labels[rest])], seed=3)
            assert torch.equal(found.logits[30 * r + fold], alone.logits(pool.inputs(chosen)[positions[fold]]))


@pytest.mark.parametrize("readout", ["knn", "poisson", "centroid"])
def test_copies_do_not_make_an_error_look_smaller_than_it_is(readout: str) -> None:
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows, coins = rng.normal(size=(200, 5)), rng.integers(0, 2, 60)  # nothing can be learned
        twice = np.concatenate([rows[:60], rows])
        few = np.concatenate([coins, coins, np.full(140, -1)])
        expected = FewLabelClassifier(readout, estimate_error=True).fit(twice, few).expected_error_
        assert expected is not None
        assert (expected.pictures, expected.copies) == (60, 60)
        found.append((expected.low, expected.mean, expected.high))
    low, mean, high = np.transpose(found)
    assert np.mean((low <= 50) & (high >= 50)) > 0.7  # 20 draws, and errors of one draw are not independent
    assert np.mean(mean) == pytest.approx(50, abs=5)


def test_labelling_everything_twice_tells_nothing_new() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 60)
    rows = rng.normal(size=(60, 5)) + labels[:, None]
    once, twice = (
        FewLabelClassifier("centroid", estimate_error=True)
        .fit(np.tile(rows, (times, 1)), np.tile(labels, times))
        .expected_error_
        for times in (1, 2)
    )
    assert once is not None
    assert twice == dataclasses.replace(once, copies=60)


def test_copies_count_once_and_not_at_all_where_their_labels_differ(pictures: ImageSet, tmp_path: Path) -> None:
    images = pictures.images[:100]
    # 3 equals 0, whose label it has; 4 equals 1, whose label it has not; class 2 is one picture, twice
    images = torch.cat([images[:3], images[:2], images[5:6], images[5:6], images[7:]])
    labels = torch.tensor([0, 0, 1, 0, 1, 2, 2, 0, 1, 0, 1] + [UNLABELLED] * 89)
    found = classify((images.numpy(), labels.numpy()), contender="pixels-knn", out=tmp_path / "out")
    expected = found.learned.expected
    assert expected is not None
    assert (expected.pictures, expected.copies, expected.left_out) == (6, 3, ("2",))
    assert "Labelled pictures that are copies of others: 3;" in str(found)
    positions, labels = Pool(dataclasses.replace(pictures, images=images, labels=labels), {}, CPU).labelled
    originals = torch.tensor([0, 1, 2, 0, 1, 5, 5, 7, 8, 9, 10])
    assert positions[distinct(labels, originals)].tolist() == [0, 2, 5, 7, 8, 9, 10]


def test_pictures_labelled_twice_are_no_two_of_a_class(pictures: ImageSet, tmp_path: Path) -> None:
    images = torch.cat([pictures.images[:2], pictures.images[:40]]).numpy()
    labels = np.array([0, 1, 0, 1] + [UNLABELLED] * 38)
    found = classify((images, labels), contender="pixels-knn", out=tmp_path / "out")
    assert found.learned.expected is None
    assert "label two or more of each that differ" in str(found)


def test_the_interval_covers_a_known_error_in_about_95_of_100_samples() -> None:
    rng = np.random.default_rng(0)
    for error in (0.05, 0.3):
        wrong = rng.binomial(100, error, 4000) / 100
        covered = [low <= error <= high for low, high in (error_interval(w, 100) for w in wrong)]
        assert 0.93 < np.mean(covered) < 0.97


def test_an_error_is_held_against_always_naming_the_most_frequent_class() -> None:
    labels = torch.tensor([0] * 60 + [1] * 40)
    for wrong, no_better in ((10, False), (35, True)):
        predictions = torch.where(torch.arange(100) < wrong, 1 - labels, labels)
        found = expected_error("knn", predictions, labels, repeats=1)
        assert found is not None
        assert (round(found.most_frequent), found.no_better) == (40, no_better)


def test_a_temperature_makes_confidence_the_share_of_right_predictions() -> None:
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(5000, 3, generator=rng)
    y = torch.distributions.Categorical(logits=z).sample()
    assert fit_temperature(z, y) == pytest.approx(1, abs=0.1)
    assert fit_temperature(10 * z, y) == pytest.approx(10, rel=0.1)


def test_where_no_prediction_was_wrong_confidence_is_what_so_many_right_ones_allow() -> None:
    z = 10 * torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    for logits in (z, 100 * z):
        for times in (1, 5):
            t = fit_temperature(logits.repeat(times, 1), z.argmax(1).repeat(times), pictures=60)
            # Jeffreys: (60 + 1/2) / (60 + 1)
            assert (logits / t).softmax(1).amax(1).mean().item() == pytest.approx(60.5 / 61, abs=1e-4)
    ties = torch.zeros(60, 3)  # no temperature makes these certain
    assert 0 < fit_temperature(ties, torch.zeros(60, dtype=torch.int64)) < float("inf")


def test_confidence_is_not_far_from_accuracy_where_hardly_a_held_out_row_was_wrong() -> None:
    kept = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, 2000)
        rows = np.stack([4.4 * y + rng.normal(size=2000), rng.normal(size=2000)], 1)  # 1.4 % is the least error
        model = FewLabelClassifier("centroid", estimate_error=True).fit(rows, np.where(np.arange(2000) < 60, y, -1))
        assert model.expected_error_ is not None
        if model.expected_error_.mean < 100 / 60:  # fewer than one row
            p = model.predict_proba(rows[60:])
            right = p.argmax(1) == y[60:]
            kept.append((p.max(1).mean() - right.mean(), p.max(1)[~right].mean()))
    assert len(kept) > 3
    above, confidence_of_wrong = np.mean(kept, 0)
    assert abs(above) < 0.005
    assert confidence_of_wrong < 0.9


def test_one_label_per_class_gives_a_classifier_but_no_estimate(pictures: ImageSet, encoder: OpenedEncoder) -> None:
    assert pictures.labels is not None
    first = torch.tensor([int((pictures.labels == c).nonzero()[0]) for c in range(10)])
    learned = learn(with_labels(pictures, first), encoder, contender="irmae-poisson", device=CPU)
    assert learned.expected is None
    assert not learned.classifier.calibrated
    assert learned.contender == "irmae-poisson"


def test_with_enough_labels_the_error_is_estimated_and_confidence_calibrated(
    pictures: ImageSet, encoder: OpenedEncoder
) -> None:
    # a random sample, as the interval assumes: scikit-learn's digits are in the order of their writers
    few, rest = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0)).split((80, 320))
    learned = learn(with_labels(pictures, few), encoder, contender="irmae-poisson", device=CPU)
    assert pictures.labels is not None
    wrong = learned.classifier.logits(pictures.images[rest]).argmax(1) != pictures.labels[rest]
    true = 100 * float(wrong.double().mean())
    assert learned.expected is not None
    assert learned.expected.low <= true <= learned.expected.high
    assert learned.classifier.calibrated


def test_codes_that_do_harm_are_left_for_pixels(pictures: ImageSet, tiny_encoder: Path) -> None:
    harmful = open_encoder("tiny", tiny_encoder)  # 40 steps: its codes are nearly constant
    learned = learn(with_labels(pictures, torch.arange(100)), harmful, device=CPU)
    assert learned.contender == "pixels-poisson"
    assert "plain pixels" in learned.reason


@pytest.mark.parametrize(("positions", "message"), [([], "no picture has a label"), ([0], "all labels are '0'")])
def test_fewer_than_two_classes_are_refused(
    pictures: ImageSet, encoder: OpenedEncoder, positions: list[int], message: str
) -> None:
    few = with_labels(pictures, torch.tensor(positions, dtype=torch.int64))
    with pytest.raises(UserError, match=message):
        learn(few, encoder, device=CPU)


@pytest.mark.parametrize("names", [False, True])
def test_the_estimator_takes_scikit_learns_labels_and_gives_them_back(pictures: ImageSet, *, names: bool) -> None:
    assert pictures.labels is not None
    images, y = pictures.images.numpy(), pictures.labels.numpy().copy()
    truth = np.array([f"digit {label}" for label in y]) if names else y + 3
    given = truth.copy()
    given[60:] = "" if names else -1
    model = FewLabelClassifier("poisson", encoder="mnist-irmae")
    with pytest.warns(OtherKindWarning, match="differ in kind from those that mnist-irmae was pretrained on"):
        model.fit(images, given)
    assert list(model.classes_) == sorted(set(truth[:60]))
    assert model.predict(images).dtype.kind == given.dtype.kind
    assert model.score(images[60:], truth[60:]) > 0.7
    np.testing.assert_allclose(model.predict_proba(images[:5]).sum(1), 1, atol=1e-5)


@pytest.mark.filterwarnings("ignore::ssl_irmae.errors.OtherKindWarning")
@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (np.array(["a", "b", ""] * 20, dtype=object), 20),
        (np.array([0, 1, np.nan] * 20), 20),
        (np.array([0, 1, -1] * 20), 20),
    ],
)
def test_labels_that_are_missing_never_become_a_class(
    pictures: ImageSet, given: npt.NDArray[Any], missing: int
) -> None:
    images = pictures.images[: len(given)].numpy()
    model = FewLabelClassifier("knn", encoder="mnist-irmae", estimate_error=True).fit(images, given)
    assert len(model.classes_) == 2
    assert model.expected_error_ is not None
    assert model.expected_error_.pictures == len(given) - missing


def test_an_encoder_named_like_something_else_does_not_shadow_it(tiny_encoder: Path) -> None:
    for name in ("pixels", "pca", "irmae", "scratch"):
        assert own_name(tiny_encoder.parent / name) == "own"
    assert own_name("runs/mine") == "mine"


def test_mistakes_are_found_before_anything_is_pretrained(pictures: ImageSet) -> None:
    few = with_labels(pictures, torch.arange(30))
    for contender in ("irmae-poison", "irmae-poisson-transductive", "supervised-irmae"):
        with pytest.raises(UserError, match=f"unknown contender '{contender}'"):
            check_request(few, "irmae", contender)
    with pytest.raises(
        UserError, match="can be evaluated, but not kept as a classifier; take another, such as irmae-p"
    ):
        check_request(few, "irmae", "fused-propagate-prior")


def test_a_contender_that_needs_no_encoder_has_none_pretrained(
    pictures: ImageSet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert pictures.labels is not None
    labels = torch.cat([pictures.labels[:30], torch.full((len(pictures) - 30,), UNLABELLED)])
    events: list[Event] = []
    found = classify(
        dataclasses.replace(pictures, labels=labels), contender="pixels-knn", out="out", progress=events.append
    )
    assert found.learned.contender == "pixels-knn"
    assert not needs_encoder("supervised")
    assert not any(isinstance(event, Pretrained) for event in events)
    assert not list(home().glob("encoders/*"))


def test_pictures_that_are_harder_than_the_labelled_ones_are_said_to_be(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    levels = np.concatenate([np.repeat([40, 210], 40), rng.integers(110, 140, 100)])  # the labelled ones are clear
    images = np.clip(levels[:, None, None] + rng.integers(-9, 10, (180, 8, 8)), 0, 255).astype(np.uint8)
    labels = np.concatenate([np.repeat([0, 1], 40), np.full(100, -1)])
    hard = classify((images, labels), contender="pixels-linear", out=tmp_path / "hard")
    some = np.where(np.arange(80) % 4, labels[:80], -1)
    easy = classify((images[:80], some), contender="pixels-linear", out=tmp_path / "easy")
    assert hard.learned.classifier.calibrated
    assert easy.learned.classifier.calibrated
    assert "they may be harder than these" in str(hard)
    assert "harder than these" not in str(easy)
    for pictures, harder in ((images[:80], False), (images[80:], True)):
        said: list[Event] = []
        predict(tmp_path / "easy" / "classifier", pictures, progress=said.append)
        texts = [event.text for event in said if isinstance(event, Message)]
        assert any("may be harder, or of another kind" in text for text in texts) is harder


def _dim_and_bright(kind: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return 20 dim and 20 bright images, and labels of half of each."""
    rng = np.random.default_rng(0)
    low, high = {"u1": (9, 200), "u2": (800, 25000), "f8": (0.02, 0.8)}[kind]
    levels = np.repeat([low, high], 20)[:, None, None] * rng.uniform(0.9, 1.1, (40, 8, 8))
    labels = np.where(np.arange(40) % 2, np.repeat([0, 1], 20), UNLABELLED)
    return levels.astype(kind), labels


def _heard(classifier: Path, dataset: Any) -> tuple[tuple[str, ...], tuple[float, ...], str]:
    heard: list[Event] = []
    found = predict(classifier, dataset, device="cpu", progress=heard.append)
    return found.labels, found.confidence, " ".join(event.text for event in heard if isinstance(event, Message))


@pytest.mark.parametrize("kind", ["u1", "u2", "f8"])
def test_a_label_does_not_depend_on_the_pictures_beside_it(kind: str, tmp_path: Path) -> None:
    images, labels = _dim_and_bright(kind)
    classify((images, labels), contender="pixels-centroid", out=tmp_path, device="cpu")
    all_labels, all_confidences, said = _heard(tmp_path / "classifier", images)
    assert all_labels == ("0",) * 20 + ("1",) * 20
    assert said == ""
    for first, end in ((0, 5), (3, 4), (30, 40)):
        found, confidence, said = _heard(tmp_path / "classifier", images[first:end])
        assert found == all_labels[first:end]
        assert confidence == pytest.approx(all_confidences[first:end], abs=1e-6)
        assert "otherwise than" not in said
        assert ("check that both are scaled alike" in said) is (end <= 20)


def test_pictures_that_are_brighter_than_the_classifier_has_white_are_refused(tmp_path: Path) -> None:
    images, labels = _dim_and_bright("u2")
    classify((images // 30, labels), contender="pixels-centroid", out=tmp_path, device="cpu")
    with pytest.raises(UserError, match="the images before had them from 0 to 1023: scale them alike"):
        predict(tmp_path / "classifier", images, device="cpu")


def test_a_classifier_of_an_estimator_reads_pictures_as_the_estimator_does(tmp_path: Path) -> None:
    images, labels = _dim_and_bright("u2")
    with pytest.warns(OtherKindWarning):
        model = FewLabelClassifier("centroid", encoder="mnist-irmae").fit(images, labels)
    model.classifier_.save(tmp_path)
    assert _heard(tmp_path, images[:3])[1] == pytest.approx(model.predict_proba(images[:3]).max(1).tolist(), abs=1e-6)


def test_a_classifier_of_before_there_were_scales_reads_pictures_by_their_own(tmp_path: Path) -> None:
    images, labels = _dim_and_bright("u2")
    classify((images, labels), contender="pixels-centroid", out=tmp_path, device="cpu")
    card = tmp_path / "classifier" / "config.json"
    fields = json.loads(card.read_text())
    del fields["scale"]
    card.write_text(json.dumps({**fields, "format": 1}))
    _, confidence, said = _heard(tmp_path / "classifier", images[:5])
    assert "otherwise than" in said
    assert _heard(tmp_path / "classifier", load_images(images[:5]))[1] == confidence
