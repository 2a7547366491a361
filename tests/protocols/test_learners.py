"""What is trained end to end: its objective, its pseudo-labels, its optional metric loss."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Normal, kl_divergence

from ssl_irmae._support.compute import Precision
from ssl_irmae._support.extras import EXTRAS
from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.networks import reference_encoder
from ssl_irmae.protocols.contenders.registry import CONTENDERS, call_readouts
from ssl_irmae.protocols.learners.consistency import consistency
from ssl_irmae.protocols.learners.finetune import finetune
from ssl_irmae.protocols.learners.joint import joint
from ssl_irmae.protocols.learners.propagate import Scorer, pseudo_labels
from ssl_irmae.protocols.learners.training import labelled_batches, train
from ssl_irmae.protocols.learners.vib import vib
from ssl_irmae.protocols.readouts import Memo, Sample
from ssl_irmae.protocols.readouts.metric_learning import LOSSES, has_pairs
from ssl_irmae.protocols.readouts.poisson import poisson_mbo, poisson_scores
from ssl_irmae.protocols.request import make_plan

TRAINING = {"steps": 4, "learning_rate": 1e-3, "batch_size": 16}


def _sample(digits: ImageSet, labelled: int = 30) -> Sample:
    images, labels = digits.images[:400], digits.labels
    assert labels is not None
    return Sample(
        images[:labelled], labels[:labelled], images, torch.arange(labelled), 10, 3, torch.device("cpu"), "fp32"
    )


def _two_classes(digits: ImageSet) -> Sample:
    """Sevens and eights: a few steps tell most of them apart."""
    assert digits.labels is not None
    of_two = (digits.labels == 7) | (digits.labels == 8)
    images, labels = digits.images[of_two], digits.labels[of_two] - 7
    return Sample(images[:30], labels[:30], images[:200], torch.arange(30), 2, 3, torch.device("cpu"), "fp32")


def test_joint_without_reconstruction_is_finetuning(digits: ImageSet, tiny_encoder: Path) -> None:
    autoencoder, sample = Encoder.from_pretrained(tiny_encoder).autoencoder, _sample(digits)
    a = joint(sample, autoencoder, **TRAINING, unlabelled_batch_size=4, reconstruction_weight=0.0)
    b = finetune(sample, autoencoder, **TRAINING)
    assert torch.equal(a(digits.images[400:]), b(digits.images[400:]))


# for each setting of what is trained end to end, a value that is far from the one in force
FAR = {
    "batch_size": 5,
    "beta": 10.0,
    "confidence": 1.1,  # which none can reach
    "depth": 2,
    "k": 2,
    "learning_rate": 3e-2,
    "reconstruction_weight": 1e4,
    "steps": 7,
    "unlabelled_batch_size": 7,
    "views": "none",
}
LEARNERS = ("irmae-finetune", "irmae-joint", "irmae-consistency", "irmae-propagate", "supervised-irmae")
LEARNERS += ("supervised-augment", "vib", "scratch-consistency")


@pytest.mark.parametrize("name", LEARNERS)
def test_each_setting_and_the_precision_have_an_effect(name: str, digits: ImageSet, tiny_encoder: Path) -> None:
    contender, sample = CONTENDERS[name], _two_classes(digits)
    if contender.extra:
        pytest.importorskip(EXTRAS[contender.extra])
    start = None if contender.encoder is None else Encoder.from_pretrained(tiny_encoder).autoencoder
    few = {**contender.settings, "steps": 25, "batch_size": 16, "learning_rate": 2e-3}
    few |= {"unlabelled_batch_size": 16} if "unlabelled_batch_size" in few else {}
    # pseudo-labels are unsure after so few steps: let more of them teach
    few |= {"confidence": 0.6} if "confidence" in few else {}

    def predictions(precision: Precision = "fp32", **changed: float | str) -> torch.Tensor:
        of = dataclasses.replace(sample, precision=precision, memo=Memo())
        (predictor,) = call_readouts(dataclasses.replace(contender, settings=few | changed), [of], start)
        assert callable(predictor)
        return predictor(digits.images[400:])

    usual = predictions()
    assert len(usual.unique()) > 1
    assert torch.equal(predictions(), usual)
    for setting in few:
        assert not torch.equal(predictions(**{setting: FAR[setting]}), usual), setting
    assert not torch.equal(predictions("bf16"), usual)


def test_vib_minimises_cross_entropy_and_the_divergence_from_the_prior(digits: ImageSet) -> None:
    """Its loss typed anew with torch's own distributions; started and batched alike, it predicts the same."""
    sample, settings = _two_classes(digits), {"steps": 40, "learning_rate": 3e-3}
    with seeded(sample.seed, "network"):
        encoder = reference_encoder(channels=1, image_size=32, features=256)
        net = nn.ModuleDict({"encoder": encoder, "head": nn.Linear(128, 2)})
    noise, labelled = generator("cpu", sample.seed, "noise"), labelled_batches(sample, 16)

    def loss() -> torch.Tensor:
        x, y = next(labelled)
        out = net["encoder"](x)
        code = Normal(out[:, :128], nn.functional.softplus(out[:, 128:] - 5))
        z = code.loc + code.scale * torch.empty_like(code.loc).normal_(generator=noise)
        likelihood = Categorical(logits=net["head"](z)).log_prob(y).mean()
        return 0.01 * kl_divergence(code, Normal(0.0, 1.0)).sum(1).mean() - likelihood

    train(loss, net.parameters(), sample, **settings)
    with torch.no_grad():
        expected = net["head"](net["encoder"](digits.images[400:] / 255)[:, :128]).argmax(1)
    found = vib(sample, **settings, batch_size=16, beta=0.01)(digits.images[400:])
    assert len(expected.unique()) > 1
    assert (found == expected).double().mean() > 0.99, "float error may turn a tie"


def test_unlabelled_images_teach_only_where_the_classifier_is_sure(digits: ImageSet) -> None:
    """In another order other unlabelled images come up: that matters at threshold 0, not at one that none can reach."""
    sample = _sample(digits)
    other = dataclasses.replace(sample, unlabelled=sample.unlabelled.flip(0), memo=Memo())
    settings = {**TRAINING, "learning_rate": 1e-2, "unlabelled_batch_size": 16, "reconstruction_weight": 0.0}

    def predictions(confidence: float) -> list[torch.Tensor]:
        learned = (consistency(each, None, **settings, confidence=confidence) for each in (sample, other))
        return [predictor(digits.images[400:]) for predictor in learned]

    assert torch.equal(*predictions(1.1))
    assert not torch.equal(*predictions(0.0))


@pytest.mark.parametrize("score", [poisson_scores, poisson_mbo])
def test_pseudo_labels_keep_true_ones_and_agree_with_their_neighbours(score: Scorer, digits: ImageSet) -> None:
    pytest.importorskip(EXTRAS["graph"])
    sample = _sample(digits)
    kept, labels = pseudo_labels(sample, None, score, k=5)
    given = dict(zip(kept.tolist(), labels.tolist(), strict=True))
    assert all(given[i] == label for i, label in enumerate(sample.labels.tolist()))
    assert len(kept.unique()) == len(kept) < 400, "some have neighbours that disagree"
    assert digits.labels is not None
    wrong = (labels != digits.labels[:400][kept]).double().mean()
    assert wrong < 0.2, "30 labels and the graph of pixels; guessing is wrong nine times in ten"


@pytest.mark.parametrize("loss", LOSSES)
def test_a_metric_loss_changes_joint_training(loss: str, digits: ImageSet, tiny_encoder: Path) -> None:
    autoencoder, sample = Encoder.from_pretrained(tiny_encoder).autoencoder, _sample(digits)
    settings = {**TRAINING, "unlabelled_batch_size": 4, "reconstruction_weight": 1.0}
    plain, added = (joint(sample, autoencoder, **settings, metric_loss=name) for name in ("", loss))
    assert not torch.equal(plain(digits.images[400:]), added(digits.images[400:]))
    one_class = dataclasses.replace(sample, labels=torch.full((30,), 4))
    plain, added = (joint(one_class, autoencoder, **settings, metric_loss=name) for name in ("", loss))
    assert torch.equal(plain(digits.images[400:]), added(digits.images[400:])), "one class has no pairs"


def test_a_batch_has_pairs_with_two_of_one_class_and_one_of_another() -> None:
    assert [has_pairs(torch.tensor(y)) for y in ([1, 1, 2], [1, 2, 3], [1, 1], [4])] == [True, False, False, False]


def test_a_metric_loss_renames_what_trains_jointly() -> None:
    plan = make_plan(contenders=["irmae-joint", "irmae-linear"], metric_loss="supcon", reference="irmae-joint")
    assert plan.parts[0].contenders == ("irmae-joint+supcon", "irmae-linear")
    assert plan.contenders["irmae-joint+supcon"].settings["metric_loss"] == "supcon"
    assert plan.reference == "irmae-joint+supcon"
    with pytest.raises(UserError, match="did you mean 'supcon'"):
        make_plan(metric_loss="supcom")
    with pytest.raises(UserError, match="no contender trains jointly"):
        make_plan(contenders=["supervised"], metric_loss="supcon")
