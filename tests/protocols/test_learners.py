"""Learners: their objectives, their pseudo-labels, and the optional metric loss."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Normal, kl_divergence

from ssl_irmae._support.compute import Precision
from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.bottlenecks import LinearStack
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.networks.convolutional import conv_encoder
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.graphs.graph import Graph
from ssl_irmae.protocols.graphs.poisson_equation import poisson_scores
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.learners.consistency import consistency
from ssl_irmae.protocols.learners.finetune import finetune
from ssl_irmae.protocols.learners.joint import joint
from ssl_irmae.protocols.learners.propagate import Scorer, pseudo_labels, safe_labels
from ssl_irmae.protocols.learners.training import labelled_batches, train
from ssl_irmae.protocols.learners.vib import vib
from ssl_irmae.protocols.predictors.residual import Residual
from ssl_irmae.protocols.readouts.metric_learning import LOSSES, has_pairs
from ssl_irmae.protocols.readouts.sample import Memo, Sample

TRAINING: dict[str, Any] = {"steps": 4, "learning_rate": 1e-3, "batch_size": 16}


def _sample(digits: ImageSet, labelled: int = 30) -> Sample:
    images, labels = digits.images[:400], digits.labels
    assert labels is not None
    return Sample(
        images[:labelled], labels[:labelled], images, torch.arange(labelled), 10, 3, torch.device("cpu"), "fp32"
    )


def _two_classes(digits: ImageSet, labelled: int = 30) -> Sample:
    """Sevens and eights, most of which a few steps can tell apart."""
    assert digits.labels is not None
    chosen = (digits.labels == 7) | (digits.labels == 8)
    images, labels = digits.images[chosen], digits.labels[chosen] - 7
    i = torch.arange(labelled)
    return Sample(images[i], labels[i], images[:200], i, 2, 3, torch.device("cpu"), "fp32")


def _thirds(images: torch.Tensor) -> torch.Tensor:
    """Return three parts of the pixels side by side, as codes of three encoders would be."""
    rows = images.float() / 255
    return torch.cat([rows[:, :, top : top + 20].flatten(1) for top in (0, 6, 12)], 1)


def test_joint_without_reconstruction_is_finetuning(digits: ImageSet, tiny_encoder: Path) -> None:
    autoencoder, sample = Encoder.from_pretrained(tiny_encoder).autoencoder, _sample(digits)
    a = joint(sample, autoencoder, **TRAINING, unlabelled_batch_size=4, reconstruction_weight=0.0)
    b = finetune(sample, autoencoder, **TRAINING)
    assert torch.equal(a(digits.images[400:]), b(digits.images[400:]))


# for each setting of the learners, a value far from the one in force
FAR: dict[str, Any] = {
    "agree": 0.2,
    "batch_size": 5,
    "beta": 10.0,
    "confidence": 1.1,  # out of reach
    "depth": 2,
    "init_scale": 0.5,
    "k": 2,
    "learning_rate": 3e-2,
    "parts": 1,
    "reconstruction_weight": 1e4,
    "steps": 7,
    "true_batch_size": 0,
    "unlabelled_batch_size": 7,
    "views": "none",
    "width": 48,
}
LEARNERS = (
    *("irmae-finetune", "irmae-joint", "irmae-consistency", "irmae-propagate"),
    *("supervised-irmae", "supervised-augment", "vib", "scratch-consistency"),
    *("supervised-residual", "fused-propagate"),
)


@pytest.mark.parametrize("name", LEARNERS)
def test_every_setting_and_the_precision_have_an_effect(name: str, digits: ImageSet, tiny_encoder: Path) -> None:
    contender = CONTENDERS[name]
    # from 100 labels on, these have batches of their own
    sample = _two_classes(digits, 100 if "true_batch_size" in contender.settings else 30)
    start: object = None if contender.representation is None else Encoder.from_pretrained(tiny_encoder).autoencoder
    if "parts" in contender.settings:
        start = _thirds(sample.unlabelled)
    settings = {**contender.settings, "steps": 25, "batch_size": 16, "learning_rate": 2e-3}
    settings |= {"unlabelled_batch_size": 16} if "unlabelled_batch_size" in settings else {}
    settings |= {"width": 16} if "true_batch_size" in settings else {}
    # few predictions are confident after so few steps: let more of them be targets
    settings |= {"confidence": 0.8} if "confidence" in settings else {}

    def predictions(precision: Precision = "fp32", **changed: float | str) -> torch.Tensor:
        changed_contender = dataclasses.replace(contender, settings=settings | changed)
        (predictor,) = changed_contender.fit_all([dataclasses.replace(sample, precision=precision, memo=Memo())], start)
        assert callable(predictor)
        return predictor(digits.images[400:])

    usual = predictions()
    assert len(usual.unique()) > 1
    assert torch.equal(predictions(), usual)
    for setting in settings:
        assert not torch.equal(predictions(**{setting: FAR[setting]}), usual), setting
    assert not torch.equal(predictions("bf16"), usual)


def test_a_supervised_linear_stack_keeps_the_size_of_a_signal() -> None:
    """By weights of variance 1 / width; torch's default divides it by the square root of 3 at each of eight layers."""
    settings, h = CONTENDERS["supervised-irmae"].settings, torch.randn(64, 128, generator=generator("cpu", 0))

    def gain(init_scale: float) -> float:
        with seeded(0):
            stack = LinearStack(width=128, depth=int(settings["depth"]), init_scale=init_scale)
        with torch.no_grad():
            return float(stack(h).norm() / h.norm())

    assert gain(float(settings["init_scale"])) == pytest.approx(1.0, rel=0.2)
    assert gain(1.0) == pytest.approx(3**-4, rel=0.2)


def test_supervised_training_with_a_linear_stack_gets_going_from_every_start(digits: ImageSet) -> None:
    """From torch's default start, or at twice the rate, some of these networks lose all ReLUs of a layer."""
    sample, contender = _two_classes(digits), CONTENDERS["supervised-irmae"].with_settings(steps=30, batch_size=16)
    assert digits.labels is not None
    chosen = (digits.labels == 7) | (digits.labels == 8)
    images, labels = digits.images[chosen][30:], digits.labels[chosen][30:] - 7
    learned = contender.fit_all([dataclasses.replace(sample, seed=seed) for seed in range(8)], None)
    found = [predictor(images) for predictor in learned if callable(predictor)]
    assert len(found) == 8
    assert all((each != labels).double().mean() < 0.3 for each in found)


def test_vib_minimises_cross_entropy_and_the_divergence_from_the_prior(digits: ImageSet) -> None:
    """Its loss retyped with torch's distributions predicts the same from the same start and batches."""
    sample, settings = _two_classes(digits), dict[str, Any](steps=40, learning_rate=3e-3)
    with seeded(sample.seed, "network"):
        encoder = conv_encoder(channels=1, image_size=32, features=256)
        net = nn.ModuleDict({"encoder": encoder, "head": nn.Linear(128, 2)})
    noise_rng, labelled = generator("cpu", sample.seed, "noise"), labelled_batches(sample, 16)

    def loss() -> torch.Tensor:
        x, y = next(labelled)
        out = net["encoder"](x)
        code = Normal(out[:, :128], nn.functional.softplus(out[:, 128:] - 5))
        z = code.loc + code.scale * torch.empty_like(code.loc).normal_(generator=noise_rng)
        likelihood: torch.Tensor = Categorical(logits=net["head"](z)).log_prob(y).mean()
        divergence: torch.Tensor = kl_divergence(code, Normal(0.0, 1.0)).sum(1).mean()
        return 0.01 * divergence - likelihood

    train(loss, net.parameters(), sample, **settings)
    with torch.no_grad():
        expected = net["head"](net["encoder"](digits.images[400:] / 255)[:, :128]).argmax(1)
    found = vib(sample, **settings, batch_size=16, beta=0.01)(digits.images[400:])
    assert len(expected.unique()) > 1
    assert (found == expected).double().mean() > 0.99, "float error may flip a tie"


def test_unlabelled_images_matter_only_above_the_confidence_threshold(digits: ImageSet) -> None:
    """Another order draws other unlabelled images: that matters at threshold 0, but not at one out of reach."""
    sample = _sample(digits)
    other = dataclasses.replace(sample, unlabelled=sample.unlabelled.flip(0), memo=Memo())
    settings = {**TRAINING, "learning_rate": 1e-2, "unlabelled_batch_size": 16, "reconstruction_weight": 0.0}

    def predictions(confidence: float) -> list[torch.Tensor]:
        learned = (consistency(each, None, **settings, confidence=confidence) for each in (sample, other))
        return [predictor(digits.images[400:]) for predictor in learned]

    assert torch.equal(*predictions(1.1))
    assert not torch.equal(*predictions(0.0))


@pytest.mark.parametrize("score", [poisson_scores, functools.partial(poisson_mbo, slack=0.15)])
def test_pseudo_labels_keep_true_labels_and_are_mostly_right(score: Scorer, digits: ImageSet) -> None:
    sample = _sample(digits)
    positions, labels = pseudo_labels(sample, None, score, k=5)
    label_at = dict(zip(positions.tolist(), labels.tolist(), strict=True))
    assert all(label_at[i] == label for i, label in enumerate(sample.labels.tolist()))
    assert len(positions.unique()) == len(positions) < 400, "some have neighbours that disagree"
    assert digits.labels is not None
    wrong = (labels != digits.labels[:400][positions]).double().mean()
    assert wrong < 0.2, "with 30 labels and the graph of pixels; guessing is wrong nine times in ten"


def test_a_pseudo_label_is_kept_where_enough_neighbours_share_it(digits: ImageSet) -> None:
    """Nodes 0 and 1 are labelled; the others' neighbours share their label: all four, three, two, three, none."""
    nearest = [[1, 1, 1, 1], [0, 0, 0, 0], [0, 3, 4, 0], [0, 2, 4, 1], [0, 0, 1, 1], [1, 1, 1, 0], [4, 4, 4, 4]]
    graph = Graph(None, (), torch.tensor(nearest))
    spread = torch.tensor([1, 1, 0, 0, 0, 1, 1])  # node 0 is labelled otherwise
    i = torch.arange(2)
    sample = Sample(digits.images[i], i, digits.images[:7], i, 2, 0, torch.device("cpu"), "fp32")

    def kept(agree: float) -> dict[int, int]:
        positions, labels = safe_labels(sample, graph, lambda *_: torch.eye(2)[spread], agree=agree)
        return dict(zip(positions.tolist(), labels.tolist(), strict=True))

    assert kept(1.0) == {0: 0, 1: 1, 2: 0}
    assert kept(0.75) == {0: 0, 1: 1, 2: 0, 3: 0, 5: 1}
    assert kept(0.5) == {0: 0, 1: 1, 2: 0, 3: 0, 4: 0, 5: 1}
    assert kept(0.0) == {0: 0, 1: 1, 2: 0, 3: 0, 4: 0, 5: 1, 6: 1}


def test_fused_labels_with_a_prior_hold_classes_to_equal_shares(digits: ImageSet) -> None:
    """Of the unlabelled images four in five are sevens: labels change with how far shares may be from one half."""
    sample = _two_classes(digits, 20)
    sevens, eights = (digits.images[digits.labels == c] for c in (7, 8))
    sample = dataclasses.replace(sample, unlabelled=torch.cat([sample.inputs, sevens[20:100], eights[20:40]]))
    contender = CONTENDERS["fused-propagate-prior"].with_settings(steps=3, width=16, unlabelled_batch_size=4)

    def logits(slack: float) -> torch.Tensor:
        fresh, codes = dataclasses.replace(sample, memo=Memo()), _thirds(sample.unlabelled)
        (predictor,) = contender.with_settings(slack=slack).fit_all([fresh], codes)
        assert isinstance(predictor, Residual)
        return predictor.logits(digits.images[:20])

    assert torch.equal(logits(0.0), logits(0.0))
    assert not torch.equal(logits(0.0), logits(0.9))


@pytest.mark.parametrize(("labels", "matter"), [(99, False), (100, True)])
def test_true_labels_have_batches_of_their_own_where_there_are_enough(
    labels: int, matter: bool, digits: ImageSet
) -> None:
    contender = CONTENDERS["fused-propagate"].with_settings(steps=3, width=16, unlabelled_batch_size=4)

    def logits(true_batch_size: int) -> torch.Tensor:
        sample = _two_classes(digits, labels)
        changed = contender.with_settings(true_batch_size=true_batch_size)
        (predictor,) = changed.fit_all([sample], _thirds(sample.unlabelled))
        assert isinstance(predictor, Residual)
        return predictor.logits(digits.images[:20])

    assert torch.equal(logits(0), logits(8)) != matter


@pytest.mark.parametrize("loss", LOSSES)
def test_a_metric_loss_changes_joint_training(loss: str, digits: ImageSet, tiny_encoder: Path) -> None:
    autoencoder, sample = Encoder.from_pretrained(tiny_encoder).autoencoder, _sample(digits)
    settings = {**TRAINING, "unlabelled_batch_size": 4, "reconstruction_weight": 1.0}
    plain, added = (joint(sample, autoencoder, **settings, metric_loss=name) for name in ("", loss))
    assert not torch.equal(plain(digits.images[400:]), added(digits.images[400:]))
    one_class = dataclasses.replace(sample, labels=torch.full((30,), 4))
    plain, added = (joint(one_class, autoencoder, **settings, metric_loss=name) for name in ("", loss))
    assert torch.equal(plain(digits.images[400:]), added(digits.images[400:])), "one class has no pairs"


def test_a_metric_loss_needs_two_of_one_class_and_one_of_another() -> None:
    assert [has_pairs(torch.tensor(y)) for y in ([1, 1, 2], [1, 2, 3], [1, 1], [4])] == [True, False, False, False]
