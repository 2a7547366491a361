"""Families of networks, and a pair of one's own: shapes, what is recorded, what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from docs.extending.small_network import small
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import ImageSet, fit_images
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig, weights_hash
from ssl_irmae.errors import UserError
from ssl_irmae.networks.registry import NETWORKS, Networks, find_networks
from ssl_irmae.pretraining.pretrain import pretrain

KINDS = [(1, 8), (2, 17), (4, 32), (1, 47), (3, 48), (1, 100)]


def twin(*, channels: int, image_size: int, code: int) -> tuple[nn.Module, nn.Module]:
    """Return what ``small`` returns, with another activation: weights of the same names and shapes."""
    encoder, decoder = small(channels=channels, image_size=image_size, code=code)
    assert isinstance(encoder, nn.Sequential)
    encoder[1] = nn.Tanh()
    return encoder, decoder


def normalised(*, channels: int, image_size: int, code: int) -> tuple[nn.Module, nn.Module]:
    """Return a pair that keeps statistics and counts batches."""
    encoder, decoder = small(channels=channels, image_size=image_size, code=code)
    return nn.Sequential(nn.BatchNorm2d(channels), encoder), decoder


def every_family(channels: int, image_size: int, code: int) -> list[Networks]:
    own = find_networks(small, channels=channels, image_size=image_size, code=code)
    return [*NETWORKS.values(), own]


@pytest.mark.parametrize(("channels", "side"), KINDS)
def test_every_family_has_networks_for_any_channels_and_side(channels: int, side: int) -> None:
    for networks in every_family(channels, side, 6):
        encoder = networks.encoder(channels=channels, image_size=side, features=6)
        decoder = networks.decoder(channels=channels, image_size=side, code=6, output="sigmoid")
        z = encoder(torch.rand(2, channels, side, side))
        assert z.shape == (2, encoder.outputs) == (2, 6)
        x = decoder(z).detach()
        assert x.shape == (2, channels, side, side)
        assert 0 <= float(x.min()) <= float(x.max()) <= 1


@pytest.mark.parametrize("side", [7, 257])
def test_sides_out_of_range_are_refused(side: int) -> None:
    with pytest.raises(UserError, match=f"{side} pixels is out of range: use 8 to 256"):
        Architecture.paper(method="ae", channels=1, image_size=side)


@pytest.mark.parametrize("family", [*NETWORKS, "own"])
def test_folding_changes_no_code_whatever_the_networks(family: str, tmp_path: Path) -> None:
    networks = next(n for n in every_family(1, 8, 6) if n.name.startswith(family))
    function = networks.function
    architecture = Architecture.paper(method="irmae", channels=1, image_size=8, latent_dim=6, networks=networks)
    encoder = Encoder(EncoderConfig(architecture=architecture))
    x = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(encoder.fold()(x), encoder(x), rtol=1e-4, atol=1e-6)
    encoder.fold().save_pretrained(tmp_path)
    again = Encoder.from_pretrained(tmp_path, network=function)
    assert torch.equal(again(x), encoder.fold()(x))


def test_the_usual_networks_leave_the_identity_of_an_architecture_as_it_was() -> None:
    usual = Architecture.paper(method="ae", channels=1, image_size=32)
    other = Architecture.paper(method="ae", channels=1, image_size=32, networks=NETWORKS["residual"])
    assert "network" not in usual.identity()
    assert other.identity() == {**usual.identity(), "network": "residual"}


def short_run(network: Any, folder: Path, **more: Any) -> Path:
    arguments = {"dataset": "digits", "image_size": 8, "latent_dim": 6, "max_steps": 3, "batch_size": 16, **more}
    pretrain(network=network, out=folder, **arguments)
    return folder


@pytest.mark.parametrize("method", ["irmae", "vae"])
def test_one_s_own_encoder_is_loaded_with_its_function_alone(method: str, tmp_path: Path) -> None:
    folder = short_run(small, tmp_path / "mine", method=method)
    images = load_images("digits").images[:5]
    codes = Encoder.from_pretrained(folder, network=small).encode(images)
    assert codes.shape == (5, 6)
    with pytest.raises(UserError, match="networks of one's own, and no file names code to run: give `network` again"):
        Encoder.from_pretrained(folder)
    with pytest.raises(UserError, match=r"twin does not return the networks .*another code or reconstruction"):
        Encoder.from_pretrained(folder, network=twin)
    with pytest.raises(UserError, match="normalised does not return the networks"):
        Encoder.from_pretrained(folder, network=normalised)
    with pytest.raises(UserError, match="family 'conv': leave `network` out"):
        Encoder.from_pretrained("mnist-irmae", network=small)
    assert len(weights_hash(folder)) == 64, "what identifies it in results takes no function"
    files = [folder / "config.json", folder / "recipe.json"]
    arguments = [line for file in files for line in file.read_text().splitlines() if '"command"' not in line]
    assert not any("small" in line for line in arguments)


def test_a_run_continues_with_the_same_function_alone(tmp_path: Path) -> None:
    folder = short_run(small, tmp_path / "mine", recipe="paper")
    short_run(small, folder, recipe="paper", max_steps=5)
    with pytest.raises(UserError, match=r"contains a run with `network` own-\w+ \(now own-\w+\)"):
        short_run(twin, folder, recipe="paper", max_steps=7)


def test_networks_that_keep_statistics_come_back_whole(tmp_path: Path, digits: ImageSet) -> None:
    folder = short_run(normalised, tmp_path / "mine")
    encoder = Encoder.from_pretrained(folder, network=normalised)
    encoder.save_pretrained(tmp_path / "half", half=True)
    half = Encoder.from_pretrained(tmp_path / "half", network=normalised)
    codes = encoder.encode(digits.images[:5])
    torch.testing.assert_close(half.encode(digits.images[:5]), codes, rtol=1e-2, atol=1e-2)
    counters = [x for name, x in encoder.state_dict().items() if name.endswith("num_batches_tracked")]
    assert [x.dtype for x in counters] == [torch.int64]


class Constant(nn.Module):
    """Return zeros of a shape, whatever is given."""

    def __init__(self, *shape: int, weights: bool = True) -> None:
        super().__init__()
        self.shape = shape
        self.weight = nn.Parameter(torch.zeros(1)) if weights else None

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), *self.shape)


def raises(**_: int) -> tuple[nn.Module, nn.Module]:
    raise KeyError("no such layer")


def narrow(*, code: int, **_: int) -> tuple[nn.Module, nn.Module]:
    return Constant(code - 1), Constant(1, 8, 8)


def flat(*, code: int, **_: int) -> tuple[nn.Module, nn.Module]:
    return Constant(code), Constant(64)


def dead(*, code: int, **_: int) -> tuple[nn.Module, nn.Module]:
    return Constant(code, weights=False), Constant(1, 8, 8)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (raises, "raises fails when called with channels=1, image_size=8, code=6 (KeyError: 'no such layer')"),
        (lambda **_: nn.Linear(2, 2), "must return an encoder and a decoder, two torch.nn.Module, got Linear"),
        (lambda **_: (nn.Linear(2, 2), 3), "got Linear and int"),
        (lambda: None, "fails when called with channels=1"),
        (lambda **_: (nn.Linear(2, 2), nn.Linear(2, 2)), "fails where its encoder is given (2, 1, 8, 8) (RuntimeError"),
        (narrow, "the encoder of tests.ssl_irmae.test_networks:narrow must map (2, 1, 8, 8) to floats (2, 6), got"),
        (flat, "must map (2, 6) to floats (2, 1, 8, 8), got float32 (2, 64)"),
        (dead, "the encoder of tests.ssl_irmae.test_networks:dead has no parameters"),
        ("resnet", "unknown network 'resnet': known are conv, mlp, residual"),
    ],
)
def test_what_breaks_the_contract_is_one_sentence_about_it(
    function: Callable[..., Any] | str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        short_run(function, tmp_path / "mine")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "mine").exists()


def test_images_of_many_channels_are_pretrained_on(tmp_path: Path) -> None:
    images = torch.randint(256, (20, 4, 9, 13), dtype=torch.uint8)
    folder = short_run("conv", tmp_path / "mine", dataset=images)
    encoder = Encoder.from_pretrained(folder)
    assert encoder.config.architecture.channels == 4
    assert encoder.encode(images).shape == (20, 6)
    with pytest.raises(UserError, match="images of 3 channels cannot be made into 4"):
        fit_images(images[:, :3], channels=4, image_size=8)
