"""What TensorBoard is given while an encoder is pretrained, and that training is the same with it."""

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from docs.extending.small_network import small
from ssl_irmae._support.files import sha256
from ssl_irmae._support.progress import Event, Listener, Pretrained, silent
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.pretrain import pretrain


def normalised(*, channels: int, image_size: int, code: int) -> tuple[nn.Module, nn.Module]:
    """Return a pair that a forward pass in training mode would change."""
    encoder, decoder = small(channels=channels, image_size=image_size, code=code)
    return nn.Sequential(nn.BatchNorm2d(channels), encoder, nn.Dropout(0.1)), decoder


def train(
    folder: Path, steps: int, *, tensorboard: bool = True, method: str = "irmae", progress: Listener = silent
) -> None:
    pretrain(
        dataset="digits",
        out=folder,
        method=method,
        network=normalised,
        recipe="paper",
        max_steps=steps,
        batch_size=2,
        learning_rate=1e-3,
        latent_dim=4,
        image_size=8,
        precision="fp32",
        device="cpu",
        tensorboard=tensorboard,
        command="a test",
        progress=progress,
    )


def events(folder: Path) -> EventAccumulator:
    read = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0, "images": 0})
    return read.Reload()


def steps_of(folder: Path) -> dict[str, list[int]]:
    read = events(folder)
    found = {tag: [event.step for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
    return found | {tag: [event.step for event in read.Images(tag)] for tag in read.Tags()["images"]}


@pytest.mark.parametrize("method", ["irmae", "vae"])
def test_training_is_the_same_bit_for_bit(method: str, tmp_path: Path) -> None:
    after = []
    for tensorboard in (False, True):
        torch.manual_seed(0)
        train(tmp_path / str(tensorboard), 700, tensorboard=tensorboard, method=method)
        after.append(torch.get_rng_state())
    assert torch.equal(*after)
    for name in ("model.safetensors", "recipe.json"):
        without, with_it = (sha256(tmp_path / str(tensorboard) / name) for tensorboard in (False, True))
        assert without == with_it
    assert not (tmp_path / "False" / "tensorboard").exists()
    shown = steps_of(tmp_path / "True")
    assert shown["loss"] == [*range(50, 650, 50), 650, 700]  # 1,300 images: the epoch ends at step 650
    assert shown["reconstructions"] == [500, 700], "there were pictures while it trained"
    assert shown["effective rank"] == shown["spectrum"] == [650, 700]


def test_a_run_goes_on_from_its_last_checkpoint_and_shows_no_step_twice(tmp_path: Path) -> None:
    run = tmp_path / "r"
    train(run, 60)
    kept = (run / "checkpoint.pt").read_bytes()
    train(run, 130)
    assert steps_of(run)["loss"] == [50, 60, 110, 130]
    (run / "checkpoint.pt").write_bytes(kept)  # as after a kill that came before the next checkpoint
    train(run, 120)
    assert steps_of(run)["loss"] == [50, 60, 110, 120]
    assert steps_of(run)["reconstructions"] == [60, 120]


def test_a_run_that_was_killed_before_its_first_checkpoint_starts_again(tmp_path: Path) -> None:
    run = tmp_path / "r"
    train(run, 60)
    for file in run.iterdir():
        if file.name not in ("recipe.json", "tensorboard"):
            file.unlink()
    train(run, 30)
    assert steps_of(run)["loss"] == [30]


def test_the_loss_is_that_of_the_steps_since_the_one_before(tmp_path: Path) -> None:
    seen = {}

    def listen(event: Event) -> None:
        if isinstance(event, Pretrained):
            seen[event.step] = event.loss

    train(tmp_path, 100, progress=listen)
    first, second = (event.value for event in events(tmp_path).Scalars("loss"))
    assert first == pytest.approx(seen[50])
    assert (first + second) / 2 == pytest.approx(seen[100])


def test_reconstructions_stand_below_their_images(tmp_path: Path) -> None:
    train(tmp_path, 60)
    picture = events(tmp_path).Images("reconstructions")[-1].encoded_image_string
    grid = np.array(Image.open(io.BytesIO(picture)).convert("L"))
    originals, reconstructions = (np.stack(np.split(row, 8, axis=1)) for row in np.split(grid, 2, axis=0))
    images = load_images("digits", image_size=8).images[:, 0]
    where = [int((images == torch.from_numpy(image)).all((1, 2)).nonzero()[0]) for image in originals]
    encoder = Encoder.from_pretrained(tmp_path, network=normalised)
    x = images[where][:, None].float() / 255
    with torch.no_grad():
        expected = encoder.autoencoder.eval().reconstruct(x)[:, 0].clamp(0, 1)
    assert np.abs(reconstructions / 255 - expected.numpy()).max() < 0.6 / 255


def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"^`tensorboard` needs .* pip install 'ssl-irmae\[tensorboard\]'$"):
        train(tmp_path / "r", 1)
    assert not (tmp_path / "r").exists()
