"""Recipes say before the first step how long to train and at which rate; a run keeps to that, whatever stops it."""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ssl_irmae._support.files import sha256
from ssl_irmae._support.progress import Event, Message, Pretrained
from ssl_irmae._support.seeding import generator
from ssl_irmae.architecture import Architecture
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.loop import Pretraining
from ssl_irmae.pretraining.pretrain import PretrainingResult, pretrain
from ssl_irmae.pretraining.recipes import RECIPES, NamedRecipe, learning_rate_at

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 32, 32), dtype=np.uint8)
CPU = torch.device("cpu")


def _pretrain(folder: Path, **arguments: Any) -> PretrainingResult:
    fixed: dict[str, Any] = {"method": "ae", "dataset": IMAGES, "latent_dim": 4, "precision": "fp32", "out": folder}
    return pretrain(**{**fixed, "batch_size": 8, **arguments})


def _written(folder: Path) -> dict[str, Any]:
    recipe: dict[str, Any] = json.loads((folder / "recipe.json").read_text())
    return recipe


def _keep_what_is_written_first(folder: Path) -> None:
    """Leave a folder as a kill leaves it that comes before the first checkpoint."""
    for path in folder.iterdir():
        if path.name != "recipe.json":
            path.unlink()


def _weights(folder: Path) -> str:
    return sha256(folder / "model.safetensors")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_length_is_epochs_within_limits_and_grows_with_the_images(recipe: NamedRecipe) -> None:
    lengths = [recipe.steps(n) for n in (2, 33, 1000, 10_000, 60_000, 10**6)]
    assert lengths == sorted(lengths)
    assert lengths[0] == max(recipe.epochs, recipe.least_steps)
    assert recipe.most_steps is None or lengths[-1] == recipe.most_steps
    assert recipe.steps(100, batch_size=32, epochs=7) == 7 * 4, "epochs that are given are exact"
    assert recipe.steps(100, max_steps=5) == 5


@pytest.mark.parametrize(
    ("arguments", "depth"),
    [({"recipe": "paper"}, 8), ({"recipe": "short"}, 2), ({}, 2), ({"depth": 6}, 6), ({"method": "vae"}, None)],
)
def test_the_short_recipe_has_fewer_linear_layers_than_the_paper_unless_a_depth_is_given(
    arguments: dict[str, Any], depth: int | None, tmp_path: Path
) -> None:
    result = _pretrain(tmp_path, **{"method": "irmae", "max_steps": 1, **arguments})
    assert result.encoder.config.architecture.depth == depth


def test_more_images_get_more_linear_layers() -> None:
    few, nearly_many, many, more = (RECIPES["short"].most_depth(n) or 0 for n in (10, 19_999, 20_000, 10**6))
    assert few == nearly_many < many == more
    assert {RECIPES["paper"].most_depth(n) for n in (10, 10**6)} == {None}


def test_the_rate_is_constant_and_then_falls_linearly_to_zero() -> None:
    rates = [learning_rate_at(t, learning_rate=1e-3, cooldown=0.2, steps=100) for t in range(101)]
    assert set(rates[:81]) == {1e-3}
    assert rates[100] == 0
    falls = [a - b for a, b in pairwise(rates[80:])]
    assert falls == pytest.approx([1e-3 / 20] * 20)
    assert {learning_rate_at(t, learning_rate=1e-3, cooldown=0, steps=100) for t in range(101)} == {1e-3}


def test_the_paper_recipe_is_plain_adam_at_a_constant_rate(tmp_path: Path) -> None:
    """The loop of the first versions, written out: the recipe must never change what it computes."""
    assert RECIPES["paper"].steps(60_000) == 100 * 1875
    result = pretrain(recipe="paper", dataset=IMAGES, max_steps=5, precision="fp32", device="cpu", out=tmp_path / "r")
    autoencoder = Architecture.paper(method="irmae", channels=1, image_size=32).build(0)
    autoencoder = autoencoder.to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(autoencoder.parameters(), lr=1e-4, fused=True)
    x = torch.from_numpy(IMAGES)[:, None].to(torch.float32, memory_format=torch.channels_last) / 255
    batches = [
        part
        for epoch in range(3)
        for part in torch.randperm(40, generator=generator("cpu", 0, "order", epoch)).split(32)
    ]
    for chosen in batches[:5]:
        adam.zero_grad()
        autoencoder.loss(x[chosen]).backward()
        adam.step()
    trained, written_out = result.encoder.autoencoder.state_dict(), autoencoder.state_dict()
    assert trained.keys() == written_out.keys()
    assert all(torch.equal(trained[name], written_out[name]) for name in trained)


@pytest.mark.parametrize("stop", [1, 9, 10, 13])
def test_a_cooldown_resumes_bit_for_bit_at_any_step(stop: int) -> None:
    def start() -> Pretraining:
        net = Architecture.paper(method="vae", channels=1, image_size=32, latent_dim=4).build(0)
        images = torch.from_numpy(IMAGES)[:, None]
        settings: dict[str, Any] = {"seed": 0, "batch_size": 8, "learning_rate": 1e-3, "precision": "fp32"}
        return Pretraining(net, images, device=CPU, cooldown=0.5, steps=14, **settings)

    whole, first, second = start(), start(), start()
    list(whole.run())
    list(first.run(max_steps=stop))
    second.load_state_dict(first.state_dict())
    list(second.run(epochs=99))
    assert whole.step == second.step == 14, "a cooldown ends where the steps end"
    pairs = zip(whole.autoencoder.state_dict().values(), second.autoencoder.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_cooldown_without_a_length_is_refused() -> None:
    net = Architecture.paper(method="ae", channels=1, image_size=32, latent_dim=4).build(0)
    settings: dict[str, Any] = {"seed": 0, "batch_size": 8, "learning_rate": 1e-3, "precision": "fp32"}
    with pytest.raises(UserError, match=r"`cooldown` 0\.2 needs the planned `steps`"):
        Pretraining(net, torch.from_numpy(IMAGES)[:, None], device=CPU, cooldown=0.2, **settings)


def test_a_run_whose_rate_falls_to_zero_cannot_be_made_longer_and_a_constant_one_can(tmp_path: Path) -> None:
    for recipe in ("short", "paper"):
        _pretrain(tmp_path / recipe, recipe=recipe, epochs=1)
    with pytest.raises(UserError, match=r"a run of 5 steps \(now 10 steps\), .* `recipe` paper"):
        _pretrain(tmp_path / "short", epochs=2)
    assert _pretrain(tmp_path / "short", epochs=1).images_per_second is None, "its own length continues it"
    assert _pretrain(tmp_path / "paper", recipe="paper", epochs=2).encoder.config.card["steps"] == 10


def test_max_steps_of_a_cooldown_is_where_it_ends(tmp_path: Path) -> None:
    _pretrain(tmp_path / "r", max_steps=7)
    assert _written(tmp_path / "r")["steps"] == 7
    _pretrain(tmp_path / "constant", recipe="paper", max_steps=7, learning_rate=RECIPES["short"].learning_rate)
    assert _weights(tmp_path / "r") != _weights(tmp_path / "constant"), "the last of the seven steps are smaller"


def test_a_folder_of_the_first_versions_continues_with_the_paper_recipe(tmp_path: Path) -> None:
    _pretrain(tmp_path / "old", recipe="paper", epochs=1)
    recipe = _written(tmp_path / "old")
    for name in ("recipe", "cooldown", "steps", "minutes"):
        del recipe[name]
    (tmp_path / "old" / "recipe.json").write_text(json.dumps(recipe))
    checkpoint = torch.load(tmp_path / "old" / "checkpoint.pt", weights_only=True)
    del checkpoint["plateau_steps"]
    torch.save(checkpoint, tmp_path / "old" / "checkpoint.pt")
    with pytest.raises(UserError, match=r"`recipe` paper \(now short\)"):
        _pretrain(tmp_path / "old", epochs=2)
    continued = _pretrain(tmp_path / "old", recipe="paper", epochs=2)
    _pretrain(tmp_path / "new", recipe="paper", epochs=2)
    assert _weights(tmp_path / "old") == _weights(tmp_path / "new")
    assert continued.encoder.config.card["plateau_steps"] is None


def test_minutes_become_steps_before_the_first_and_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "r"
    planned: list[str] = []

    def kill(event: Event) -> None:
        if isinstance(event, Message) and event.text.startswith("planned"):
            planned.append(event.text)
        if isinstance(event, Pretrained):
            raise RuntimeError

    monkeypatch.setattr("ssl_irmae.pretraining.minutes.seconds_per_step", lambda *_: 0.6)
    with pytest.raises(RuntimeError):
        _pretrain(folder, minutes=0.1, progress=kill)
    assert planned == ["planned 10 steps: about 0.1 min on this machine"]
    _keep_what_is_written_first(folder)
    monkeypatch.setattr("ssl_irmae.pretraining.minutes.seconds_per_step", lambda *_: pytest.fail("measured again"))
    card = _pretrain(folder, minutes=0.1).encoder.config.card
    assert (card["steps"], card["minutes_asked"]) == (10, 0.1)
    assert "| minutes of training asked for | 0.1 |" in (folder / "README.md").read_text()
    _pretrain(tmp_path / "steps", max_steps=10)
    assert _weights(folder) == _weights(tmp_path / "steps"), "the run does not depend on the measurement"
    monkeypatch.setattr("ssl_irmae.pretraining.minutes.seconds_per_step", lambda *_: 0.6)
    with pytest.raises(UserError, match=r"a run of 10 steps for `minutes` 0\.1 \(now 20 steps for `minutes` 0\.2\)"):
        _pretrain(folder, minutes=0.2)


def test_minutes_of_another_run_are_measured_anew(tmp_path: Path) -> None:
    _pretrain(tmp_path / "r", minutes=1e-4)
    _keep_what_is_written_first(tmp_path / "r")
    events: list[Event] = []
    _pretrain(tmp_path / "r", minutes=1e-4, seed=1, progress=events.append)
    assert isinstance(events[0], Message)
    assert events[0].text.startswith("planned ")


def test_a_constant_run_trains_on_for_more_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.pretraining.minutes.seconds_per_step", lambda *_: 0.6)
    for minutes in (0.02, 0.04):
        card = _pretrain(tmp_path / "r", recipe="paper", minutes=minutes).encoder.config.card
        assert card["steps"] == math.floor(60 * minutes / 0.6)
