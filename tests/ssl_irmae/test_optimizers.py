"""Optimisers of a pretraining: their steps, and runs by them that stop, continue and are told apart."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ssl_irmae.architecture import Architecture
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.loop import Pretraining
from ssl_irmae.pretraining.optimizers import OPTIMIZERS, make_optimizer
from ssl_irmae.pretraining.pretrain import pretrain

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
GRADIENTS, RATES = [2.0, -1.0, 0.5], [0.1, 0.1, 0.02]


def _steps_written_out(name: str) -> float:
    """Take the steps of an optimiser on one weight that begins at 1, by the formulas of their papers."""
    w, first, second = 1.0, 0.0, 0.0
    for t, (g, rate) in enumerate(zip(GRADIENTS, RATES, strict=True), 1):
        if name == "sgd":
            w -= rate * g
        elif name == "momentum":
            first = 0.9 * first + g
            w -= rate * first
        elif name == "adagrad":
            second += g * g
            w -= rate * g / (second**0.5 + 1e-10)
        elif name == "rmsprop":
            second = 0.99 * second + 0.01 * g * g
            w -= rate * g / (second**0.5 + 1e-8)
        else:
            w *= 1 - rate * 0.01 * (name == "adamw")
            first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
            w -= rate * first / (1 - 0.9**t) / ((second / (1 - 0.999**t)) ** 0.5 + 1e-8)
    return w


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_the_formula_and_follow_a_changing_rate(name: str) -> None:
    moved, still = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = make_optimizer(name, [moved, still], 1.0)
    for gradient, rate in zip(GRADIENTS, RATES, strict=True):
        optimizer.zero_grad()
        moved.grad = torch.full((1,), gradient)
        optimizer.learning_rate = rate
        optimizer.step()
    assert moved.item() == pytest.approx(_steps_written_out(name), abs=1e-6)
    assert still.item() == 1, "a parameter without a gradient has moved"


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_a_methods_weight_decay_is_decoupled_from_the_step(name: str) -> None:
    plain, decayed = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    for weight, decay in ((plain, 0.0), (decayed, 0.5)):
        optimizer = make_optimizer(name, [weight], 0.1, weight_decay=decay)
        weight.grad = torch.ones(1)
        optimizer.step()
    assert plain.item() - decayed.item() == pytest.approx(0.1 * 0.5, abs=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_resumed_run_is_bit_identical(name: str) -> None:
    def start() -> Pretraining:
        net = Architecture.paper(method="irmae", channels=1, image_size=16, latent_dim=4).build(0)
        images = torch.from_numpy(IMAGES)[:, None]
        settings: dict[str, Any] = {"seed": 0, "batch_size": 8, "learning_rate": 1e-3, "precision": "fp32"}
        return Pretraining(
            net, images, **settings, device=torch.device("cpu"), optimizer=name, cooldown=0.5, steps=10
        )  # fmt: skip

    whole, first, second = start(), start(), start()
    begun = [w.clone() for w in whole.autoencoder.parameters()]
    list(whole.run())
    list(first.run(max_steps=3))
    second.load_state_dict(first.state_dict())
    list(first.run())  # what was saved is its own
    list(second.run())
    for a, b, c in zip(*(state.autoencoder.parameters() for state in (whole, first, second)), strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a, c)
    assert not all(torch.equal(a, b) for a, b in zip(whole.autoencoder.parameters(), begun, strict=True))


def _pretrain(out: Path, *, max_steps: int = 2, **settings: Any) -> dict[str, Any]:
    fixed: dict[str, Any] = {"dataset": IMAGES, "image_size": 16, "recipe": "paper", "latent_dim": 4, "device": "cpu"}
    return pretrain(**fixed, **settings, max_steps=max_steps, out=out).encoder.config.card


def test_a_run_records_its_optimiser_and_continues_with_no_other(tmp_path: Path) -> None:
    card = _pretrain(tmp_path / "r", optimizer="momentum", learning_rate=0.1)
    assert card["optimizer"] == "momentum"
    assert "(momentum)" in (tmp_path / "r" / "README.md").read_text()
    for other in ("adam", "sgd"):
        with pytest.raises(UserError, match=rf"`optimizer` momentum \(now {other}\)"):
            _pretrain(tmp_path / "r", learning_rate=0.1, optimizer=other)
    longer = _pretrain(tmp_path / "r", optimizer="momentum", learning_rate=0.1, max_steps=4)
    whole = _pretrain(tmp_path / "whole", optimizer="momentum", learning_rate=0.1, max_steps=4)
    assert longer["reconstruction_mse_train"] == whole["reconstruction_mse_train"]


def test_the_usual_optimiser_is_written_nowhere_so_that_earlier_versions_read_the_run(tmp_path: Path) -> None:
    assert "optimizer" not in _pretrain(tmp_path / "r", optimizer="adam")
    assert "optimizer" not in json.loads((tmp_path / "r" / "recipe.json").read_text())
    assert "(Adam)" in (tmp_path / "r" / "README.md").read_text()
    with pytest.raises(UserError, match=r"`optimizer` adam \(now adamw\)"):
        _pretrain(tmp_path / "r", optimizer="adamw")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adagard"}, "unknown optimizer 'adagard': known are .*; did you mean 'adagrad'"),
        ({"optimizer": "sgd"}, "`optimizer` sgd needs a `learning_rate`"),
        ({"optimizer": "adamw", "method": "irmae-wd"}, "`optimizer` adamw: .* a weight decay of its own"),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        _pretrain(tmp_path / "r", **settings)
    assert not (tmp_path / "r").exists()
