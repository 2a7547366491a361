"""A run whose reconstructions are no better than the mean picture is recognised, and says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae._support.progress import Event, Message, Pretrained
from ssl_irmae.architecture import Architecture
from ssl_irmae.autoencoder import Reconstruction
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.pretraining.loop import Pretraining
from ssl_irmae.pretraining.plateau import mean_picture, plateau_loss
from ssl_irmae.pretraining.pretrain import PretrainingResult, pretrain

NOISE = np.random.default_rng(0).integers(0, 256, (96, 32, 32), dtype=np.uint8)
TWO = np.repeat(np.array([0, 255], np.uint8), 2048).reshape(4, 1, 32, 32)  # two black images and two white ones


def _pretrain(folder: Path, **arguments: Any) -> tuple[PretrainingResult, list[Event]]:
    events: list[Event] = []
    fixed: dict[str, Any] = {"dataset": NOISE, "latent_dim": 4, "precision": "fp32", "out": folder}
    return pretrain(**{**fixed, **arguments}, progress=events.append), events


def _messages(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Message)]


def test_the_mean_picture_is_the_mean() -> None:
    images = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (1000, 3, 32, 32), dtype=np.uint8))
    torch.testing.assert_close(mean_picture(images), images.double().mean(0).float() / 255)


@pytest.mark.parametrize("reconstruction", ["squared-error", "cross-entropy"])
def test_the_mean_picture_is_on_the_plateau_and_a_perfect_reconstruction_is_not(
    digits: ImageSet, reconstruction: Reconstruction
) -> None:
    x = digits.images.double() / 255
    mean = x.mean(0)

    def loss(predicted: Tensor) -> float:
        if reconstruction == "squared-error":
            return float((x - predicted).square().mean((1, 2, 3)).sum())
        predicted = predicted.expand_as(x)
        entropy = torch.special.xlogy(x, predicted) + torch.special.xlogy(1 - x, 1 - predicted)
        return float(-entropy.mean((1, 2, 3)).sum())

    limit = plateau_loss(digits.images, mean_picture(digits.images), reconstruction)
    assert loss(x) < limit < loss(mean)
    assert (loss(mean) - limit) / (loss(mean) - loss(x)) == pytest.approx(0.05, rel=1e-3), "95 % of the way"


@pytest.mark.parametrize("method", ["ae", "vae"])
def test_a_run_leaves_the_plateau_once_it_tells_images_apart(method: str) -> None:
    def start() -> Pretraining:
        net = Architecture.paper(method=method, channels=1, image_size=32, latent_dim=2).build(0)
        settings: dict[str, Any] = {"seed": 0, "batch_size": 4, "learning_rate": 3e-3, "precision": "fp32"}
        return Pretraining(net, torch.from_numpy(TWO), device=torch.device("cpu"), **settings)

    whole, first, second = start(), start(), start()
    records = whole.run(max_steps=99)
    assert next(records).on_plateau, "every run begins on it"
    left = next(record.step for record in records if not record.on_plateau)
    assert whole.plateau_steps == left - 1
    list(first.run(max_steps=2))
    second.load_state_dict(first.state_dict())
    list(second.run(max_steps=left + 1))
    assert second.plateau_steps == whole.plateau_steps, "stopping does not change it"


def test_a_run_that_ends_on_the_plateau_says_what_it_means_and_what_to_do(tmp_path: Path) -> None:
    result, events = _pretrain(tmp_path / "r", depth=3, max_steps=4)
    (message,) = _messages(events)
    assert message.startswith(
        f"{tmp_path / 'r'} ends on the plateau: after 4 steps reconstructions are no better than "
    )
    assert message.endswith("train longer, or with fewer linear layers than 3")
    assert ", no better than the mean picture, in " in str(result)
    assert result.encoder.config.card["plateau_steps"] == 4
    assert (
        "| steps before it was better than the mean picture | 4, which are all |"
        in (tmp_path / "r" / "README.md").read_text()
    )
    _, events = _pretrain(tmp_path / "ae", method="ae", max_steps=4)
    assert _messages(events)[0].endswith("train longer"), "there are no layers to leave out"


def test_leaving_a_long_plateau_is_reported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.pretraining.pretrain.NOTABLE", 2)
    settings: dict[str, Any] = {"method": "ae", "dataset": TWO[:, 0], "latent_dim": 2, "learning_rate": 1e-3}
    result, events = _pretrain(tmp_path / "r", max_steps=12, **settings)
    steps = result.encoder.config.card["plateau_steps"]
    assert 2 <= steps < 12
    assert _messages(events) == [f"left the plateau by step {steps + 1}: now better than the mean picture"]
    shown = [event.step for event in events if isinstance(event, Pretrained) and event.on_plateau]
    assert shown == list(range(2, steps + 1)), "the first steps of a run are not worth a word"
    assert "mean picture" not in str(result)
