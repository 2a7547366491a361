"""Pretraining by one call: its result, its events, how it is stopped and continued, and the card it leaves."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ssl_irmae._support.files import sha256
from ssl_irmae._support.progress import Event, Message, Pretrained
from ssl_irmae.architecture import Architecture
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.open_run import make_run
from ssl_irmae.pretraining.pretrain import PretrainingResult, pretrain, train

NOISE = np.random.default_rng(0).integers(0, 256, (96, 32, 32), dtype=np.uint8)


def _pretrain(folder: str | Path, **arguments: Any) -> PretrainingResult:
    fixed: dict[str, Any] = {"dataset": NOISE, "latent_dim": 4, "depth": 1, "precision": "fp32", "out": folder}
    return pretrain(**{**fixed, **arguments})


def test_pretraining_returns_the_encoder_and_describes_it_in_one_line(tmp_path: Path) -> None:
    result = _pretrain(tmp_path / "r", dataset="digits", epochs=1, learning_rate=3e-3)
    assert result.folder == tmp_path / "r"
    assert result.steps_before == 0
    assert result.images_per_second is not None
    assert result.images_per_second > 0
    x = torch.rand(2, 1, 32, 32)
    assert torch.equal(result.encoder(x), Encoder.from_pretrained(tmp_path / "r")(x))
    card = result.encoder.config.card
    for line in (str(result), repr(result)):
        assert line == (
            f"irmae of digits: effective rank {card['effective_rank']:.1f} of 4, "
            f"reconstruction MSE {card['reconstruction_mse_test']:.4f} (test), in {tmp_path / 'r'}"
        )
    assert json.loads(json.dumps(result.to_dict()))["config"]["card"] == card
    again = _pretrain(tmp_path / "r", dataset="digits", epochs=1, learning_rate=3e-3)
    assert (again.steps_before, again.images_per_second) == (41, None)


def test_events_follow_a_run_over_its_sessions(tmp_path: Path) -> None:
    sessions: list[list[Event]] = [[], [], []]
    for events, epochs in zip(sessions, (1, 2, 2), strict=True):
        _pretrain(tmp_path / "r", recipe="paper", epochs=epochs, progress=events.append)
    first = sessions[0][0]
    assert isinstance(first, Pretrained)
    assert (first.step, first.first_step, first.total_steps) == (3, 0, 3)
    assert (first.epoch, first.epoch_done, first.seconds_left) == (1, True, 0)
    message, second = sessions[1][:2]
    assert message == Message(f"continuing {tmp_path / 'r'} at step 3")
    assert isinstance(second, Pretrained)
    assert (second.step, second.first_step, second.total_steps, second.epoch) == (6, 3, 6, 2)
    assert sessions[2][1:] == [Message(f"{tmp_path / 'r'} has had its 6 steps: nothing to train")]


def test_events_within_an_epoch_carry_the_last_rank_and_the_time_left(tmp_path: Path) -> None:
    events: list[Event] = []
    _pretrain(tmp_path / "r", batch_size=1, epochs=2, progress=events.append)
    trained = [event for event in events if isinstance(event, Pretrained)]
    assert [event.step for event in trained] == [50, 96, 146, 192]
    assert [event.epoch for event in trained] == [1, 1, 2, 2]
    assert [event.epoch_done for event in trained] == [False, True, False, True]
    ranks = [event.effective_rank for event in trained]
    assert ranks[0] is None
    assert ranks[1] == ranks[2] is not None
    assert trained[0].seconds_left == pytest.approx(142 / trained[0].images_per_second)


def test_a_run_that_a_listener_stopped_continues_bit_for_bit(tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Pretrained) and event.step == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _pretrain(tmp_path / "stopped", batch_size=1, epochs=1, progress=interrupt)
    assert _pretrain(tmp_path / "stopped", batch_size=1, epochs=1).steps_before == 50
    _pretrain(tmp_path / "whole", batch_size=1, epochs=1)
    hashes = {sha256(tmp_path / name / "model.safetensors") for name in ("stopped", "whole")}
    assert len(hashes) == 1


def test_an_open_run_is_trained_up_to_a_number_of_steps(tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "r",
        architecture=lambda _, c, s: Architecture.paper(method="ae", channels=c, image_size=s, latent_dim=4),
        dataset=NOISE,
        image_size=None,
        recipe="short",
        learning_rate=1e-3,
        steps=lambda images: images // 48,
        precision="fp32",
        device="cpu",
        seed=0,
    )
    events: list[Event] = []
    rate = train(run, progress=events.append)
    event = events[0]
    assert isinstance(event, Pretrained)
    assert rate == event.images_per_second
    assert event.total_steps == run.state.step == 2
    assert train(run) is None


def test_the_card_records_the_command_or_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("noise.npz", images=NOISE)

    def command(**arguments: Any) -> object:
        return _pretrain(max_steps=1, **arguments).encoder.config.card["command"]

    fixed = "latent_dim=4, depth=1, precision='fp32'"
    assert command(folder="a") == f"ssl_irmae.pretrain(dataset=arrays, out='a', max_steps=1, {fixed})"
    options: dict[str, Any] = {"folder": Path("b"), "dataset": Path("noise.npz")}
    assert command(**options) == f"ssl_irmae.pretrain(dataset='noise.npz', out='b', max_steps=1, {fixed})"
    assert command(folder="c", command="ssl-irmae pretrain") == "ssl-irmae pretrain"


def test_arrays_are_pretrained_on_as_a_file_of_them_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    train_images, test_images = (rng.integers(0, 256, (n, 32, 32), dtype=np.uint8) for n in (40, 8))
    labels = np.zeros(40, int)
    np.savez("mine.npz", images=train_images, labels=labels, test_images=test_images, test_labels=labels[:8])
    options: dict[str, Any] = {"max_steps": 2, "latent_dim": 4, "depth": 1, "precision": "fp32"}
    from_arrays = pretrain(dataset=(train_images, labels, test_images, labels[:8]), **options)
    from_file = pretrain(dataset="mine.npz", **options)
    assert (from_arrays.folder, from_file.folder) == (Path("runs/arrays-irmae"), Path("runs/mine-irmae"))
    cards = [result.encoder.config.card for result in (from_arrays, from_file)]
    for key in ("data_fingerprint", "reconstruction_mse_train", "reconstruction_mse_test"):
        assert cards[0][key] == cards[1][key]
    assert "(training images)" in str(pretrain(dataset=train_images, out="r", **options))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"recipe": "papre"}, "did you mean 'paper'"),
        ({"learning_rate": 0}, "`learning_rate` must be positive"),
        ({"minutes": 0}, "`minutes` must be positive"),
        ({"minutes": float("nan")}, "`minutes` must be positive"),
        ({"minutes": 5, "epochs": 1}, "`minutes` 5 and `epochs` both say how long to train"),
        ({"minutes": 5, "max_steps": 1}, "`minutes` 5 and `max_steps` both say how long to train"),
        ({"epochs": 0}, "`epochs` must be at least 1"),
        ({"max_steps": 0}, "`max_steps` must be at least 1"),
        ({"batch_size": -1}, "`batch_size` must be at least 1"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"method": "irmea"}, "did you mean 'irmae'"),
        ({"method": "vae"}, "`depth` belongs to the linear stack"),
        ({"latent_dim": 0}, "`latent_dim` 0: "),
        ({"precision": "fp16"}, "unknown `precision` 'fp16'"),
        ({"image_size": 7}, "`image_size`: 7 pixels is out of range: use 8 to 256"),
        ({"resume": True}, "`resume`: .* has no checkpoint"),
        ({"dataset": np.zeros((1, 8, 8), np.uint8)}, "arrays has one image"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        _pretrain(tmp_path / "r", **arguments)
    assert not (tmp_path / "r").exists()
