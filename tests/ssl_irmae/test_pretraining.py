"""The loop learns, stops, continues bit for bit, and rejects any run but the same."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ssl_irmae._support.files import sha256
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.encoding import reconstruction_error
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.loop import NonFiniteLossError, Pretraining
from ssl_irmae.pretraining.open_run import make_run
from ssl_irmae.pretraining.run_folder import Run

CPU = torch.device("cpu")


def _start(images: ImageSet, method: str = "vae", learning_rate: float = 1e-3) -> Pretraining:
    net = Architecture.paper(method=method, channels=1, image_size=32, latent_dim=8).build(0)
    return Pretraining(
        net, images.images[:300], seed=0, batch_size=32, learning_rate=learning_rate, precision="fp32", device=CPU
    )


def _open(
    folder: Path, *, method: str = "irmae", seed: int = 0, learning_rate: float = 1e-3, dataset: str = "digits"
) -> Run:
    return make_run(
        folder,
        architecture=lambda _, c, s: Architecture.paper(method=method, channels=c, image_size=s, latent_dim=8),
        dataset=dataset,
        image_size=None,
        recipe="paper",
        batch_size=64,
        learning_rate=learning_rate,
        precision="fp32",
        device="cpu",
        seed=seed,
    )


def _weights(state: Pretraining) -> list[torch.Tensor]:
    return [w.clone() for w in state.autoencoder.state_dict().values()]


def test_training_beats_the_best_constant_image(digits: ImageSet) -> None:
    state = _start(digits, "ae")
    list(state.run(epochs=25))
    x = digits.images[:300].double() / 255
    constant = (x - x.mean(0)).square().mean().item()
    assert reconstruction_error(state.autoencoder, digits.images[:300]) < 0.7 * constant


def test_records_count_all_images_and_epochs(digits: ImageSet) -> None:
    state = _start(digits)
    records = list(state.run(epochs=2))
    assert [r.epoch for r in records if r.epoch_done] == [1, 2]
    assert state.step == 2 * state.steps_per_epoch == 2 * 10  # 300 images in batches of 32: the last has 12
    assert all(r.effective_rank is not None and 1 <= r.effective_rank <= 8 for r in records if r.epoch_done)


@pytest.mark.parametrize(
    ("method", "stop"),
    [*itertools.product(["irmae", "ae", "vae"], [1, 10, 13]), ("rrae", 13), ("contractive", 13), ("sigreg", 13)],
)
def test_a_resumed_run_is_bit_identical(digits: ImageSet, method: str, stop: int) -> None:
    whole = _start(digits, method)
    list(whole.run(epochs=2))
    first = _start(digits, method)
    list(first.run(epochs=2, max_steps=stop))
    second = _start(digits, method)
    second.load_state_dict(first.state_dict())
    list(second.run(epochs=2))
    assert all(torch.equal(a, b) for a, b in zip(_weights(whole), _weights(second), strict=True))


def test_depth_zero_trains_exactly_as_the_plain_autoencoder(digits: ImageSet) -> None:
    trained = []
    for method, depth in (("irmae", 0), ("ae", None)):
        net = Architecture.paper(method=method, channels=1, image_size=32, latent_dim=8, depth=depth).build(0)
        state = Pretraining(
            net, digits.images[:100], seed=0, batch_size=32, learning_rate=1e-3, precision="fp32", device=CPU
        )
        list(state.run(epochs=1))
        trained.append(_weights(state))
    assert all(torch.equal(a, b) for a, b in zip(*trained, strict=True))


def test_a_non_finite_loss_stops_training_and_names_the_step(digits: ImageSet) -> None:
    state = _start(digits, learning_rate=1e30)
    with pytest.raises(NonFiniteLossError, match=r"epoch 1, step 2, with learning rate 1e\+30"):
        list(state.run(epochs=1))


def test_a_non_finite_loss_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    run = _open(tmp_path / "r")
    list(run.train(epochs=1))
    good = sha256(tmp_path / "r" / "checkpoint.pt")
    run.state.autoencoder.encoder.last.weight.data.fill_(torch.nan)
    with pytest.raises(NonFiniteLossError):
        list(run.train(epochs=2))
    assert sha256(tmp_path / "r" / "checkpoint.pt") == good


def test_non_finite_weights_are_never_saved(tmp_path: Path) -> None:
    """One step with a huge learning rate: its loss is finite, the weights after it are not."""
    with pytest.raises(NonFiniteLossError, match="not finite at epoch 1, step 1,"):
        list(_open(tmp_path / "r", learning_rate=1e10).train(epochs=1, max_steps=1))
    assert not (tmp_path / "r" / "checkpoint.pt").exists()
    # the advice can be followed: the folder contains no run that would be in the way
    list(_open(tmp_path / "r", learning_rate=1e-3).train(epochs=1, max_steps=1))


def test_repeating_a_finished_run_keeps_its_card(tmp_path: Path) -> None:
    for epochs, command in ((2, "made it"), (1, "did nothing")):
        run = _open(tmp_path / "r")
        list(run.train(epochs=epochs))
        assert run.finish(command).config.card["command"] == "made it"
    assert "made it" in (tmp_path / "r" / "README.md").read_text()


def test_two_processes_cannot_train_in_one_folder(tmp_path: Path) -> None:
    first, second, third = _open(tmp_path / "r"), _open(tmp_path / "r"), _open(tmp_path / "r", learning_rate=1e-2)
    training = first.train(epochs=1)
    next(training)
    with pytest.raises(UserError, match="is being trained by another process"):
        next(second.train(epochs=1))
    list(training)
    for late in (second, third):
        with pytest.raises(UserError, match="was trained by another process meanwhile"):
            next(late.train(epochs=1))


@pytest.mark.parametrize("content", [b"hello world", {"a": 1}, [1, 2]])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: object) -> None:
    list(_open(tmp_path / "r").train(epochs=1, max_steps=1))
    path = tmp_path / "r" / "checkpoint.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(UserError, match=r"checkpoint\.pt is damaged"):
        _open(tmp_path / "r")


def test_a_damaged_test_split_is_an_error_and_a_missing_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "set" / "train").mkdir(parents=True)
    for i in range(3):
        Image.fromarray(np.full((8, 8), 50 * i, np.uint8)).save(tmp_path / "set" / "train" / f"{i}.png")
    images = str(tmp_path / "set")
    assert _open(tmp_path / "r", dataset=images).test_images is None
    (tmp_path / "set" / "test").mkdir()
    (tmp_path / "set" / "test" / "0.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"0\.png cannot be read"):
        _open(tmp_path / "r", dataset=images)


def test_more_epochs_continue_a_finished_run(tmp_path: Path) -> None:
    for epochs in (1, 2):
        run = _open(tmp_path / "a")
        list(run.train(epochs=epochs))
        run.finish("a test")
    whole = _open(tmp_path / "b")
    list(whole.train(epochs=2))
    whole.finish("a test")
    assert sha256(tmp_path / "a" / "model.safetensors") == sha256(tmp_path / "b" / "model.safetensors")
    lines = [json.loads(line) for line in (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]


@pytest.mark.parametrize("change", [{"seed": 1}, {"learning_rate": 1e-2}, {"method": "ae"}], ids=str)
def test_another_configuration_is_rejected_with_the_difference(tmp_path: Path, change: dict[str, Any]) -> None:
    list(_open(tmp_path / "r").train(epochs=1, max_steps=1))
    with pytest.raises(UserError, match=f"`{next(iter(change))}` .* another `out`"):
        _open(tmp_path / "r", **change)


def test_a_finished_run_is_an_encoder_with_a_card_and_a_figure(tmp_path: Path) -> None:
    run = _open(tmp_path / "r")
    list(run.train(epochs=1))
    run.finish("the command")
    card = Encoder.from_pretrained(tmp_path / "r").config.card
    assert card["command"] == "the command"
    assert card["data_fingerprint"] == run.recipe.data_fingerprint
    measured = reconstruction_error(run.state.autoencoder, run.images.images)
    assert card["reconstruction_mse_train"] == pytest.approx(measured)
    assert (tmp_path / "r" / "spectrum.png").read_bytes().startswith(b"\x89PNG")
    assert "the command" in (tmp_path / "r" / "README.md").read_text()


def _command(folder: Path) -> list[str]:
    options = "--dataset digits --epochs 3 --latent-dim 8 --learning-rate 1e-3 --method vae --precision fp32 --out"
    return [sys.executable, "-m", "ssl_irmae.cli", "pretrain", *options.split(), str(folder)]


def test_a_killed_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    subprocess.run(_command(tmp_path / "whole"), check=True, capture_output=True)
    folder = tmp_path / "killed"
    for epoch in (1, 2):
        process = subprocess.Popen(_command(folder), stderr=subprocess.DEVNULL)
        metrics = folder / "metrics.jsonl"
        while not (metrics.is_file() and len(metrics.read_text().splitlines()) >= epoch):
            assert process.poll() is None or process.returncode == 0
            if process.poll() is not None:
                break
            time.sleep(0.02)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(_command(folder), check=True, capture_output=True)
    assert sha256(folder / "model.safetensors") == sha256(tmp_path / "whole" / "model.safetensors")
