"""A kept classifier: it predicts what the contender predicts, survives the disk bit for bit, and refuses damage."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from ssl_irmae._support.files import sha256
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.representations.pretrained import open_encoder
from ssl_irmae.protocols.representations.representation import Representation
from ssl_irmae.protocols.task import Task
from tests.protocols.small_grids import QUICK

CPU = torch.device("cpu")

Fitted = tuple[Classifier, Predictor, torch.Tensor]
Fit = Callable[[Contender, Representation | None], Fitted]


@pytest.fixture(scope="module")
def fit(task: Task) -> Fit:
    """Return a function that fits a contender, keeps it, and returns both with what the contender reads when scored."""

    def fitted(contender: Contender, representation: Representation | None) -> Fitted:
        assert task.train.labels is not None
        inputs, scored, start = task.train.images, task.scored.images[:200], None
        if contender.reads != "images":
            assert representation is not None
            encode = representation.fit(task.train.images, CPU)
            inputs, scored = encode(inputs, contender.reads), encode(scored, contender.reads)
        elif representation is not None:
            start = representation.load().autoencoder  # type: ignore[attr-defined]
        i = torch.arange(100)
        sample = Sample(inputs[i], task.train.labels[i], inputs, i, 10, 0, CPU, "fp32")
        (predictor,) = contender.fit_all([sample], start)
        assert callable(predictor)
        kept = Classifier.of(
            predictor,
            representation=representation,
            reads=contender.reads,
            classes=task.train.classes,
            train=task.train.images,
        )
        return dataclasses.replace(kept, card={"contender": "this one"}), predictor, scored

    return fitted


@pytest.fixture(scope="module")
def linear(fit: Fit, tiny_encoder: Path) -> Classifier:
    """Return a linear classifier of the code of a tiny encoder."""
    return fit(CONTENDERS["irmae-linear"], open_encoder("tiny", tiny_encoder))[0]


@pytest.fixture
def saved(linear: Classifier, tmp_path: Path) -> Path:
    """Return a folder with the linear classifier."""
    linear.save(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.mark.parametrize(
    "name", ["pixels-linear", "pca-knn", "irmae-poisson", "irmae-features-linear", "irmae-joint", "supervised"]
)
def test_a_kept_classifier_predicts_what_the_contender_predicts(
    name: str, fit: Fit, task: Task, tiny_encoder: Path, tmp_path: Path
) -> None:
    contender = QUICK.get(name, CONTENDERS[name])
    representation: Representation | None = FLOORS.get(contender.representation or "")
    if contender.representation and representation is None:
        representation = open_encoder("tiny", tiny_encoder)
    kept, predictor, scored = fit(contender, representation)
    images = task.scored.images[:200]
    # folding and another product for principal components round differently
    assert (kept.logits(images).argmax(1) == predictor(scored)).double().mean() >= 0.97
    kept.save(tmp_path / "kept")
    assert {file.name for file in (tmp_path / "kept").iterdir()} == {"config.json", "model.safetensors"}
    loaded = Classifier.load(tmp_path / "kept")
    assert torch.equal(loaded.logits(images), kept.logits(images))
    assert dataclasses.replace(loaded, codes=kept.codes, predictor=kept.predictor) == kept


def test_a_classifier_reads_images_of_any_size_and_colour(saved: Path) -> None:
    images = torch.randint(0, 256, (3, 3, 20, 28), dtype=torch.uint8)
    assert Classifier.load(saved).probabilities(images).sum(1) == pytest.approx(torch.ones(3))


def test_a_temperature_changes_confidence_and_no_prediction(saved: Path, task: Task) -> None:
    plain, images = Classifier.load(saved), task.scored.images[:50]
    flat = dataclasses.replace(plain, temperature=4.0)
    assert torch.equal(flat.probabilities(images).argmax(1), plain.probabilities(images).argmax(1))
    assert flat.probabilities(images).numpy() == pytest.approx((plain.logits(images) / 4).softmax(1).numpy())
    assert (flat.probabilities(images).amax(1) < plain.probabilities(images).amax(1)).all()


def edited(folder: Path, **values: Any) -> None:
    """Change values of the configuration."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def reweighted(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Change the weights, and with them the hash, as somebody might who writes such a file."""
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    change(tensors)
    content = safetensors.torch.save(tensors)
    (folder / "model.safetensors").write_bytes(content)
    edited(folder, weights=sha256(content))


def junk(folder: Path) -> None:
    """Put something else in the place of the weights, under its right hash."""
    (folder / "model.safetensors").write_bytes(b"junk")
    edited(folder, weights=sha256(b"junk"))


def flipped(folder: Path) -> None:
    """Change one bit of the weights."""
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)


HUGE = {"channels": 1, "image_size": 32, "outputs": 1_000_000, "width": 8}

DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit": (flipped, "not the one"),
    "weights cut short": (lambda f: (f / "model.safetensors").write_bytes(b"\x08"), "not the one"),
    "no tensors": (junk, "cannot be used"),
    "no JSON": (lambda f: (f / "config.json").write_text("{"), "JSON"),
    "an unknown field": (lambda f: edited(f, author="me"), "author"),
    "a temperature of 0": (lambda f: edited(f, temperature=0), "temperature"),
    "an unknown predictor": (lambda f: edited(f, predictor={"kind": "oracle", "settings": {}}), "'oracle' is unknown"),
    "fewer classes": (lambda f: edited(f, classes=["0", "1"]), "2 classes"),
    "no classes": (lambda f: edited(f, classes=[]), "classes"),
    "images of another size": (lambda f: edited(f, image_size=16), "cannot be used"),
    "an encoder that needs 65 GB": (lambda f: edited(f, codes={"kind": "encoder", "settings": HUGE}), "sizes"),
    "an encoder without sizes": (lambda f: edited(f, codes={"kind": "encoder", "settings": {}}), "settings"),
    "codes that do not fit": (lambda f: edited(f, codes={"kind": "pixels", "settings": {}}), "tensors"),
    "weights that are not finite": (
        lambda f: reweighted(f, lambda t: t["predictor.bias"].fill_(torch.nan)),  # type: ignore[arg-type]
        "'predictor.bias' is not finite",
    ),
    "a tensor of nothing": (
        lambda f: reweighted(f, lambda t: t.update({"more": torch.zeros(1)})),
        "neither",
    ),
    "a file that is missing": (lambda f: (f / "config.json").unlink(), "config.json missing"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_classifiers_are_refused_with_one_sentence(case: str, saved: Path) -> None:
    damage, message = DAMAGE[case]
    Classifier.load(saved)
    damage(saved)
    with pytest.raises(UserError, match=message) as refused:
        Classifier.load(saved)
    assert "\n" not in str(refused.value)
    assert str(saved) in str(refused.value)
    assert "`ssl-irmae classify` wrote" in str(refused.value)


def test_folders_of_other_kinds_are_refused(saved: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        Classifier.load(tmp_path / "nowhere")
    with pytest.raises(UserError, match="cannot be used as a classifier"):
        Classifier.load(tiny_encoder)
    saved.rename(tmp_path / "classifier")
    with pytest.raises(UserError, match=f"whole run: give {tmp_path / 'classifier'}"):
        Classifier.load(tmp_path)


@pytest.mark.parametrize("name", ["supervised-irmae", "random-knn"])
def test_what_cannot_be_kept_is_refused_in_words(name: str, fit: Fit) -> None:
    contender = CONTENDERS[name]
    if "steps" in contender.settings:
        contender = contender.with_settings(steps=1)
    with pytest.raises(UserError, match=r"`contender`: .* cannot be kept"):
        fit(contender, FLOORS.get(contender.representation or ""))


def test_class_names_that_no_file_could_hold_are_refused(linear: Classifier, task: Task) -> None:
    with pytest.raises(UserError, match=r"'caf.udce9' has a name that is not UTF-8"):
        Classifier.of(
            linear.predictor,
            representation=FLOORS["pixels"],
            reads="code",
            classes=["caf\udce9"],
            train=task.train.images,
        )
