"""Several encoders at once: their codes side by side, each encoded once, and what reports say of them."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.fused import FUSED
from ssl_irmae.protocols.contenders.registry import CONTENDERS, SETTING_GROUPS
from ssl_irmae.protocols.evaluation import evaluate
from ssl_irmae.protocols.folds import draw_folds
from ssl_irmae.protocols.plan import Plan
from ssl_irmae.protocols.readouts.poisson_prior import poisson_prior
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.readouts.scaling import Scaling
from ssl_irmae.protocols.representations.fused import FusedEncoders, fuse
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder, needed_methods, open_encoder
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.storage.rows import Pretraining
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import Task
from ssl_irmae.protocols.typical_subsets import choose_typical
from tests.protocols.small_grids import plan
from tests.ssl_irmae.pictures import random_pixels

NAME, PARTS = next(iter(FUSED.items()))
TRAIN, SCORED = 150, 40
COURSE: dict[str, Any] = {"steps": 5, "batch_size": 32, "learning_rate": 1e-3, "precision": "fp32"}

Found = Callable[..., OpenedEncoder]


@pytest.fixture
def small(digits: ImageSet) -> Task:
    """Return a few digits, scored on a few others."""
    assert digits.labels is not None
    train = dataclasses.replace(digits, images=digits.images[:TRAIN], labels=digits.labels[:TRAIN])
    scored = dataclasses.replace(digits, images=digits.images[-SCORED:], labels=digits.labels[-SCORED:])
    return Task(train, scored, train.fingerprint)


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Return a function that makes an encoder of a method, untrained, whose card has a seed of its own."""

    def make(method: str, seed: int = 0, width: int = 8) -> OpenedEncoder:
        architecture = Architecture.paper(method=method, channels=1, image_size=32, latent_dim=width)
        folder = tmp_path / "encoders" / f"{method}-{seed}-{width}"
        encoder = Encoder(EncoderConfig(architecture=architecture, card={"seed": seed, **COURSE}))
        next(encoder.autoencoder.parameters()).data.mul_(1 + seed)
        encoder.save_pretrained(folder)
        return open_encoder(method, folder)

    return make


@pytest.fixture
def three(found: Found) -> dict[str, tuple[OpenedEncoder, ...]]:
    """Return an encoder of every method that stands side by side with the others."""
    return {method: (found(method),) for method in PARTS}


def make_grid(
    task: Task,
    encoders: dict[str, tuple[OpenedEncoder, ...]],
    store: Path,
    names: Sequence[str],
    known: dict[str, Contender] | None = None,
) -> Grid:
    some: Plan = plan(names, seeds=(0,), known=known or CONTENDERS)
    return Grid(some, task, {**encoders, **fuse(encoders)}, Store(store))


def side_by_side(encoders: dict[str, tuple[OpenedEncoder, ...]], images: Tensor) -> Tensor:
    return torch.cat([encoders[method][0].load().encode(images) for method in PARTS], 1)


def test_a_fused_contender_is_the_readout_of_the_codes_side_by_side(
    small: Task, three: dict[str, tuple[OpenedEncoder, ...]], tmp_path: Path
) -> None:
    grid = make_grid(small, three, tmp_path / "s", [f"{NAME}-poisson-prior"])
    (job,), (outcome,) = grid.jobs, list(grid.run())
    i, codes = torch.from_numpy(job.subset.indices), side_by_side(three, small.train.images)
    assert small.train.labels is not None
    assert small.scored.labels is not None
    sample = Sample(codes[i], small.train.labels[i], codes, i, 10, 0, torch.device("cpu"), "fp32")
    (expected,) = poisson_prior([sample], k=10, slack=0.1, parts=len(PARTS))
    wrong = expected(side_by_side(three, small.scored.images)) != small.scored.labels
    assert outcome.row.error == pytest.approx(100 * wrong.double().mean().item())


def test_each_encoder_encodes_once_whoever_reads_its_codes(
    small: Task, three: dict[str, tuple[OpenedEncoder, ...]], tmp_path: Path
) -> None:
    names = [f"{NAME}-poisson", f"{NAME}-poisson-prior", *(f"{method}-poisson" for method in PARTS)]
    grid = make_grid(small, three, tmp_path / "s", names)
    assert len(list(grid.run())) == len(names)
    assert grid.runner.codes.encoding.images == len(PARTS) * (TRAIN + SCORED)
    again = make_grid(small, three, tmp_path / "another", names)
    assert len(list(again.run())) == len(names)
    assert again.runner.codes.encoding.images == 0, "they are kept for the next command, each by itself"


@pytest.mark.parametrize("in_folds", [False, True])
def test_a_learner_starts_from_the_codes_of_the_images_that_it_learns_from(
    in_folds: bool, small: Task, three: dict[str, tuple[OpenedEncoder, ...]], tmp_path: Path
) -> None:
    seen: list[tuple[Sample, Tensor]] = []

    def fit(sample: Sample, codes: Tensor) -> Predictor:
        seen.append((sample, codes))
        return lambda x: torch.zeros(len(x), dtype=torch.int64)

    if in_folds:
        small = dataclasses.replace(small, scored=small.train, scored_on="folds")
    known = {"recorder": Contender("recorder", fit, "images", {}, representation=NAME)}
    grid = make_grid(small, three, tmp_path / "s", ["recorder"], known)
    assert len(list(grid.run())) == len(seen) == (len(draw_folds(small.train, 0)) if in_folds else 1)
    for sample, codes in seen:
        assert torch.allclose(codes, side_by_side(three, sample.unlabelled), atol=1e-6)


def test_pretraining_seeds_are_fused_seed_by_seed(found: Found) -> None:
    encoders = {method: tuple(found(method, seed) for seed in (3, 4)) for method in PARTS}
    several = fuse(encoders)[NAME]
    assert [each.parts for each in several] == [tuple(encoders[m][i] for m in PARTS) for i in (0, 1)]
    assert [each.pretrain_seed for each in several] == [3, 4]
    assert len({each.hash for each in several}) == 2
    assert fuse({method: encoders[method] for method in PARTS[:-1]}) == {}, "one of them is not at hand"
    mixed = FusedEncoders(NAME, (encoders[PARTS[0]][0], encoders[PARTS[1]][1]))
    assert mixed.pretrain_seed is None


def test_evaluate_pretrains_each_encoder_once_for_every_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.representations.pretrained.QUICK_STEPS", 1)
    pixels, labels = random_pixels(24, 32, 32), np.arange(24) % 2
    said: list[str] = []
    report = evaluate(
        dataset=(pixels, labels, pixels, labels),
        budgets=4,
        seeds=2,
        pretrain_seeds=2,
        contenders=[f"{NAME}-poisson", f"{PARTS[1]}-knn"],
        store=tmp_path / "s",
        progress=lambda event: said.append(str(event)),
    )
    fused = [row for row in report.rows() if row.representation == NAME]
    assert sorted((row.pretrain_seed or 0, row.seed) for row in fused) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len({row.encoder_hash for row in fused}) == 2
    assert sum("no bundled" in event for event in said) == 2 * len(PARTS)
    (sentence,) = [
        f.result.sentence for f in report.checks if f.outcome == "failed" and "on the spot" in f.result.sentence
    ]
    assert NAME in sentence


def test_encoders_are_needed_once_whether_a_contender_reads_them_alone_or_fused() -> None:
    fused, alone = CONTENDERS[f"{NAME}-poisson"], CONTENDERS[f"{PARTS[1]}-linear"]
    assert needed_methods([alone, fused, CONTENDERS["pixels-linear"]]) == [PARTS[1], PARTS[0], PARTS[2]]
    assert set(needed_methods([CONTENDERS["supervised"]], chosen_on=NAME)) == set(PARTS)


def test_codes_of_different_widths_cannot_be_fused(found: Found) -> None:
    with pytest.raises(UserError, match=rf"'{NAME}'.*widths \(irmae 8, vae 4, ae 8\)"):
        fuse({method: (found(method, width=4 if method == "vae" else 8),) for method in PARTS})


def test_rows_record_what_the_encoders_share_and_the_worst_that_is_noted_of_any(found: Found) -> None:
    irmae, vae, ae = (found(method) for method in PARTS)
    assert FusedEncoders(NAME, (irmae, vae, ae)).pretraining == Pretraining(method="irmae+vae+ae", **COURSE)
    other = vae.pretraining.model_copy(update={"steps": 7, "other_data": "0123", "times_worse": 9.0})
    worse = ae.pretraining.model_copy(update={"times_worse": 4.0})
    vae, ae = dataclasses.replace(vae, pretraining=other, quick=True), dataclasses.replace(ae, pretraining=worse)
    fused = FusedEncoders(NAME, (irmae, vae, ae))
    assert fused.pretraining == Pretraining(method="irmae+vae+ae", other_data="0123", times_worse=9.0)
    assert "9 times worse" in str(fused.pretraining)
    assert fused.quick


def test_retrieval_is_measured_for_each_encoder(
    small: Task, three: dict[str, tuple[OpenedEncoder, ...]], tmp_path: Path
) -> None:
    names = [f"{PARTS[1]}-poisson", f"{NAME}-poisson", f"{NAME}-poisson-prior"]
    measured = make_grid(small, three, tmp_path / "s", names).retrieval()
    assert [each.representation for each in measured] == [PARTS[1], PARTS[0], PARTS[2]]


def test_typical_images_are_chosen_on_codes_of_which_none_outweighs_the_others(
    small: Task, three: dict[str, tuple[OpenedEncoder, ...]], tmp_path: Path
) -> None:
    typical = dataclasses.replace(plan(["pixels-knn"], seeds=(0,), known=CONTENDERS), rule="typical", chosen_on=NAME)
    grid = Grid(typical, small, {**three, **fuse(three)}, Store(tmp_path / "s"))
    (job,) = grid.jobs
    codes = [three[method][0].load().encode(small.train.images) for method in PARTS]
    scaled = torch.cat([Scaling.of(z)(z) for z in codes], 1)
    assert small.train.labels is not None
    fingerprint = small.train.fingerprint
    expected = choose_typical(small.train.labels.numpy(), scaled, fingerprint=fingerprint, budget=20, seed=0)
    assert job.subset.indices.tolist() == expected.indices.tolist()
    assert job.trial.chosen_on == fuse(three)[NAME][0].hash


def test_readouts_of_fused_codes_have_the_settings_of_those_of_one_encoder_but_for_where_they_start() -> None:
    for name, start in (("poisson", set()), ("poisson-prior", {"starts"})):
        fused, alone = CONTENDERS[f"{NAME}-{name}"].settings, CONTENDERS[f"irmae-{name}"].settings
        assert {key: value for key, value in fused.items() if key not in start} == {**alone, "parts": len(PARTS)}
    assert not any(name.startswith(NAME) for group in SETTING_GROUPS.values() for name in group)
