"""Pictures of another kind than an encoder's own are found, and those that only look a little different are not."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.datasets.image_set import fit_images
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.encoding import reconstruction_error
from ssl_irmae.encoders.files import list_bundled
from ssl_irmae.encoders.kind import describe_other_kind, times_worse


def digits(split: Any = "test", size: int = 8) -> Tensor:
    return fit_images(load_images("digits", split).images, channels=1, image_size=size)


@pytest.fixture
def encoder(tiny_encoder: Path) -> Encoder:
    """Return an encoder of the digits."""
    return Encoder.from_pretrained(tiny_encoder)


def with_card(encoder: Encoder, **card: Any) -> Encoder:
    return Encoder(encoder.config.model_copy(update={"card": card}), encoder.autoencoder.state_dict())


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("size", [6, 8, 20, 64])
def test_the_encoders_own_images_are_of_its_kind_at_any_size_and_in_colour(
    encoder: Encoder, split: str, size: int
) -> None:
    images = digits(split, size)
    assert times_worse(encoder, images) is None
    assert times_worse(encoder, images.expand(-1, 3, -1, -1)) is None
    assert times_worse(encoder.fold(), images) is None


@pytest.mark.parametrize("few", [1, 2, 10])
def test_a_few_images_are_enough_to_look_at(encoder: Encoder, few: int) -> None:
    assert times_worse(encoder, digits()[:few]) is None
    assert times_worse(encoder, 255 - digits()[:few]) is not None


@pytest.mark.parametrize("name", [name for name in list_bundled() if name.startswith("mnist")])
def test_bundled_encoders_of_mnist_find_other_pictures(name: str) -> None:
    encoder = Encoder.from_pretrained(name)
    noise = torch.randint(256, (20, 3, 40, 30), dtype=torch.uint8)
    for images in (digits()[:40], 255 - digits()[:40], noise):
        times = times_worse(encoder, images)
        assert times is not None
        assert times >= 4


def test_times_are_the_ratio_of_reconstruction_errors_per_pixel(encoder: Encoder) -> None:
    x = (255 - digits("test", 32))[:30]
    error = (encoder.reconstruct(x) - x / 255).square().mean().item()
    own = {"reconstruction_mse_train": error / 20, "reconstruction_mse_test": error / 8}
    assert times_worse(with_card(encoder, **own), x) == pytest.approx(8, rel=1e-4)
    assert times_worse(with_card(encoder, **own | {"reconstruction_mse_test": None}), x) == pytest.approx(20, rel=1e-4)


def test_new_images_of_an_overfitted_encoder_are_no_other_kind() -> None:
    encoder = Encoder.from_pretrained("mnist-ae")
    black = torch.zeros(3, 1, 28, 28, dtype=torch.uint8)
    black[:, :, 8:20, 12:16] = 255  # a bar, which is nearly a one
    perfect = with_card(encoder, reconstruction_mse_train=1e-9)
    assert times_worse(perfect, black) is None, "little of the pictures is lost"


@pytest.mark.parametrize("card", [{}, {"reconstruction_mse_train": None}, {"reconstruction_mse_train": "unknown"}])
def test_a_card_without_an_error_is_compared_with_nothing(encoder: Encoder, card: dict[str, Any]) -> None:
    assert times_worse(with_card(encoder, **card), 255 - digits()) is None


def test_at_most_500_images_from_the_whole_set_are_looked_at(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def counted(autoencoder: Autoencoder, images: Tensor) -> float:
        seen.append(len(images))
        return reconstruction_error(autoencoder, images)

    monkeypatch.setattr("ssl_irmae.encoders.kind.reconstruction_error", counted)
    half = torch.cat([digits("train")[:600], 255 - digits("train")[:600]])
    assert times_worse(encoder, half) is not None, "the first images alone would hide the others"
    assert seen[0] == 500


def test_images_are_looked_at_of_both_kinds_where_they_take_turns(encoder: Encoder) -> None:
    """Every third image of 1,200 or 1,500 would be looked at, and every third is black in these."""
    known = digits("train")[:1000]
    turns = torch.stack([torch.zeros_like(known[:500]), known[:500], 255 - known[500:]], 1).flatten(0, 1)
    assert len(turns) == 1500
    assert times_worse(encoder, turns) is not None, "one image of three is inverted"


def test_the_sentence_has_the_number_and_says_what_to_do() -> None:
    text = describe_other_kind("runs/mine", 12.34)
    assert "runs/mine was pretrained on: it reconstructs them 12 times worse; pretrain an encoder" in text
    assert text.endswith("or compare with pixels")
