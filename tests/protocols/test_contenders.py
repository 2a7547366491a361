"""The contract of every contender: deterministic, in place, able to learn, and to be kept with its scores."""

import dataclasses
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS, choose, contenders_of
from ssl_irmae.protocols.predictors.registry import FORMS, form_name, is_kept_form
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.task import Task
from tests.protocols.small_grids import QUICK

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def encoder(tiny_encoder: Path) -> Encoder:
    return Encoder.from_pretrained(tiny_encoder)


def inputs_of(contender: Contender, encoder: Encoder, task: Task) -> tuple[Tensor, Tensor]:
    """Return what a contender reads of the training and of the scored images."""
    train, scored = task.train.images, task.scored.images
    if contender.frozen:
        return beside(encoder.encode(train), contender), beside(encoder.encode(scored), contender)
    return train, scored


def beside(codes: Tensor, contender: Contender) -> Tensor:
    """Repeat codes side by side, as often as a contender expects encoders."""
    return codes.repeat(1, int(contender.settings.get("parts", 1)))


def sample_of(contender: Contender, inputs: Tensor, scored: Tensor, task: Task, i: Tensor, seed: int) -> Sample:
    """Return the sample of the labelled positions ``i``."""
    assert task.train.labels is not None
    seen = torch.cat([inputs, scored]) if contender.transductive else inputs
    n = len(scored) if contender.transductive else 0
    return Sample(inputs[i], task.train.labels[i], seen, i, 10, seed, CPU, "fp32", n)


def fit(contender: Contender, sample: Sample, encoder: Encoder) -> Predictor:
    start: object = encoder.autoencoder
    if not contender.frozen and "parts" in contender.settings:
        # pixels say more than the code of a tiny encoder
        start = beside(sample.unlabelled.flatten(1).float() / 255, contender)
    (predictor,) = contender.fit_all([sample], start)
    assert callable(predictor)
    return predictor


@pytest.mark.parametrize("name", QUICK)
def test_contenders_predict_the_same_again_and_leave_global_generators_alone(
    name: str, task: Task, encoder: Encoder
) -> None:
    contender = QUICK[name]
    inputs, scored = inputs_of(contender, encoder, task)
    sample = sample_of(contender, inputs, scored, task, torch.arange(30), seed=5)
    before, numpys, pythons = torch.random.get_rng_state(), pickle.dumps(np.random.get_state()), random.getstate()  # noqa: NPY002
    predictor, twin = (fit(contender, sample, encoder) for _ in range(2))
    predictions = predictor(scored)
    assert torch.equal(before, torch.random.get_rng_state()), "torch's global generator was used or reseeded"
    assert numpys == pickle.dumps(np.random.get_state()), "numpy's global generator was used or reseeded"  # noqa: NPY002
    assert pythons == random.getstate(), "Python's global generator was used or reseeded"
    assert predictions.shape == (497,)
    assert predictions.dtype == torch.int64
    assert ((predictions >= 0) & (predictions < 10)).all()
    assert torch.equal(predictions, twin(scored))
    if contender.transductive:
        with pytest.raises(ValueError, match="no others"):
            predictor(scored[3:4])
    else:
        assert torch.equal(predictions[3:4], predictor(scored[3:4])), "a prediction must not depend on the others"


@pytest.mark.parametrize("name", [name for name, c in QUICK.items() if c.deterministic_at_full_set])
def test_deterministic_readouts_give_the_same_at_the_full_set_whatever_the_seed(
    name: str, task: Task, encoder: Encoder
) -> None:
    contender = QUICK[name]
    inputs, scored = inputs_of(contender, encoder, task)
    everything = torch.arange(len(inputs))
    first, second = (sample_of(contender, inputs, scored, task, everything, seed) for seed in (1, 2))
    predictions = fit(contender, first, encoder)(scored)
    assert torch.equal(predictions, fit(contender, second, encoder)(scored))


@pytest.mark.parametrize("name", [name for name, contender in QUICK.items() if contender.several])
def test_samples_fitted_together_are_predicted_as_each_alone(name: str, task: Task, encoder: Encoder) -> None:
    """One of them holds three classes, one a single class: they must not matter to the others, nor these to them."""
    contender = QUICK[name]
    inputs, scored = inputs_of(contender, encoder, task)
    labels = task.train.labels
    assert labels is not None
    subsets = [
        torch.arange(12),
        torch.arange(100, 112),
        (labels == 4).nonzero().flatten()[:12],
        (labels < 3).nonzero().flatten()[:12],
        torch.arange(200, 212),
    ]
    samples = [sample_of(contender, inputs, scored, task, i, seed) for seed, i in enumerate(subsets)]
    together = [predictor(scored) for predictor in contender.fit_all(samples, None) if callable(predictor)]
    alone = [fit(contender, sample, encoder)(scored) for sample in samples]
    assert all(torch.equal(a, b) for a, b in zip(together, alone, strict=True))
    assert len({tuple(a.tolist()) for a in alone}) == len(alone)


DEGENERATE = {
    "three of one class": ([0, 1, 2], [4, 4, 4]),
    "one label": ([7], [9]),
    "one of each of three classes": ([0, 1, 2], [3, 8, 5]),
    "one class once, another often": ([0, 1, 2, 3, 4, 5, 6], [3, 3, 3, 3, 3, 3, 1]),
    "duplicates": ([0, 20, 40, 1], [2, 2, 6, 6]),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("name", QUICK)
def test_contenders_accept_degenerate_subsets(name: str, case: str, task: Task, encoder: Encoder) -> None:
    """They predict the classes that the subset has, whatever it lacks; every unlabelled input comes four times."""
    contender = QUICK[name]
    few = task.train.images[:20]
    inputs = torch.cat([beside(encoder.encode(few), contender) if contender.frozen else few] * 4)
    positions, labels = (torch.tensor(values) for values in DEGENERATE[case])
    scored = 5 if contender.transductive else 0
    sample = Sample(inputs[positions], labels, inputs, positions, 10, 0, CPU, "fp32", scored)
    predictor = fit(contender, sample, encoder)
    predictions = predictor(inputs[-5:])
    assert predictions.shape == (5,)
    unlearned = "width" in contender.settings  # a head of 3 steps has yet to learn what is absent
    if contender.frozen and not unlearned:
        assert set(predictions.tolist()) <= set(labels.tolist())
    assert is_kept_form(predictor) == (not contender.transductive and "depth" not in contender.settings)
    if is_kept_form(predictor):
        logits = predictor.logits(inputs[-5:])
        assert (logits.shape, logits.dtype) == ((5, 10), torch.float32)
        assert logits.isfinite().all()
        if contender.frozen and not unlearned:
            assert logits.softmax(1)[:, labels.unique()].sum(1) == pytest.approx(torch.ones(5))


@pytest.mark.parametrize("name", QUICK)
def test_contenders_learn(name: str, task: Task, encoder: Encoder) -> None:
    """From 200 labelled digits every contender must do far better than the 90 % error of guessing."""
    contender = CONTENDERS[name]
    if not contender.frozen:  # a tenth of the steps and of the work each, at a rate that suits all
        fewer = {"steps": 60, "learning_rate": 2e-3, "unlabelled_batch_size": 16, "true_batch_size": 16, "width": 16}
        settings = {k: fewer.get(k, v) for k, v in contender.settings.items()}
        contender = dataclasses.replace(contender, settings=settings)
    inputs, scored = task.train.images, task.scored.images
    if contender.frozen:  # pixels say more than the code of a tiny encoder
        inputs, scored = (beside(images.flatten(1).float() / 255, contender) for images in (inputs, scored))
    assert task.scored.labels is not None
    sample = sample_of(contender, inputs, scored, task, torch.arange(200), seed=0)
    predictor = fit(contender, sample, encoder)
    predictions = predictor(scored)
    wrong = (predictions != task.scored.labels).double()
    assert wrong.mean() < 0.75
    if not is_kept_form(predictor):
        return
    logits = predictor.logits(scored)
    assert (logits.argmax(1) == predictions).double().mean() >= 0.97, "scores and predictions must agree"
    surest = logits.softmax(1).amax(1).argsort(descending=True)
    assert wrong[surest[:248]].mean() < wrong[surest[248:]].mean(), "scores must rank how certain predictions are"
    kept = FORMS[form_name(predictor)].rebuild(predictor.tensors(), predictor.settings(), CPU)
    assert torch.equal(kept.logits(scored), logits)
    assert torch.equal(kept(scored), predictions)


def test_unknown_contenders_name_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'irmae-linear'"):
        choose(["irmae-liner"], CONTENDERS)
    assert {"mine-linear", "mine-features-linear", "mine-joint"} <= contenders_of("mine").keys()


def test_readouts_of_one_id_share_family_software_and_determinism() -> None:
    facts: dict[str, set[object]] = {}
    for contender in CONTENDERS.values():
        facts.setdefault(contender.readout, set()).add(
            (contender.family, contender.software, contender.deterministic_at_full_set, contender.transductive)
        )
    assert all(len(found) == 1 for found in facts.values())
