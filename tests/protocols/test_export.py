"""An exported encoder or classifier computes in onnxruntime what torch does, and says what it reads."""

import json
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch

from docs.extending.small_network import small
from ssl_irmae._support.files import sha256
from ssl_irmae.architecture import Architecture
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.errors import UserError
from ssl_irmae.networks.registry import Network as Chosen
from ssl_irmae.networks.registry import find_networks
from ssl_irmae.protocols.export import export
from ssl_irmae.protocols.graphs.neighbours import Neighbours
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.labelling.codes import Codes, Components, Encoded, Images, Pixels
from ssl_irmae.protocols.predictors.code_network import CodeNetwork
from ssl_irmae.protocols.predictors.constant import Constant
from ssl_irmae.protocols.predictors.form import Form
from ssl_irmae.protocols.predictors.head import Head
from ssl_irmae.protocols.predictors.linear import Linear
from ssl_irmae.protocols.predictors.nearest_mean import NearestMean
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.predictors.on_graph import OnGraph
from ssl_irmae.protocols.predictors.projected import Projected, Projection
from ssl_irmae.protocols.predictors.residual import Residual, ResidualNetwork
from ssl_irmae.protocols.predictors.votes import Votes
from ssl_irmae.protocols.readouts.scaling import Scaling

CPU = torch.device("cpu")
CLASSES = ("cat", "dog", "fünf", "x")
WIDTH = 8


def encoder(method: str = "irmae", *, channels: int = 1, depth: int | None = 2, network: Chosen = "conv") -> Encoder:
    """Return an encoder with random weights."""
    networks = find_networks(network, channels=channels, image_size=32, code=WIDTH)
    architecture = Architecture.paper(
        method=method, channels=channels, image_size=32, latent_dim=WIDTH, depth=depth, networks=networks
    )
    return Encoder(EncoderConfig(architecture=architecture))


def codes() -> Encoded:
    """Return the codes of a random encoder, large enough that classes differ."""
    own = encoder()
    return Encoded(CodeNetwork.of(own.autoencoder, own.config.architecture, "code"), CPU)


def predictors() -> dict[str, tuple[Codes, Form]]:
    """Return one classifier of every form that can be exported, with random weights."""
    torch.manual_seed(0)
    encoded = codes()
    scaling = Scaling(torch.randn(WIDTH), torch.tensor(0.5))
    some, all_ = torch.tensor([0, 2, 3]), torch.arange(4)
    head = torch.nn.Linear(WIDTH, 4).requires_grad_(False)
    layers = [torch.randn(1, *shape) for shape in ((16, WIDTH), (16,), (16, 16), (16,), (4, 16))]
    residual = ResidualNetwork(channels=1, width=16, classes=4)
    residual(torch.rand(8, 1, 32, 32))  # batch norm has statistics of its own
    points, labels = torch.randn(60, WIDTH) / 10, some[torch.arange(60) % 3]
    pixels = Scaling(torch.zeros(1024), torch.ones(()))
    return {
        "linear": (encoded, Linear(scaling, torch.randn(WIDTH, 4), torch.randn(4), all_, 4)),
        "linear of three classes": (encoded, Linear(scaling, torch.randn(WIDTH, 3), torch.randn(3), some, 4)),
        "linear of two classes": (encoded, Linear(scaling, torch.randn(WIDTH, 1), torch.randn(1), some[:2], 4)),
        "linear of pixels": (Pixels(), Linear(pixels, torch.randn(1024, 4) / 32, torch.randn(4), all_, 4)),
        "linear of components": (
            Components(torch.rand(1024), torch.randn(WIDTH, 1024) / 32),
            Linear(scaling, torch.randn(WIDTH, 4), torch.randn(4), all_, 4),
        ),
        "nearest mean": (encoded, NearestMean(torch.randn(3, WIDTH).double() / 10, some, 4)),
        "head": (encoded, Head(scaling, layers)),
        "constant": (encoded, Constant(torch.tensor([2]), 4)),
        "vote of one": (encoded, Votes(points, labels, 1, 4)),
        "votes": (encoded, Votes(points, labels, 5, 4)),
        "votes after a projection": (
            encoded,
            Projected(Projection(scaling, torch.randn(6, WIDTH), torch.randn(6)), Votes(points[:, :6], labels, 3, 4)),
        ),
        "graph": (encoded, OnGraph((Neighbours(points),), torch.randn(60, 3), some, 7, 4)),
        "network": (Images(), Network(encoded.network, scaling, head, CPU)),
        "residual": (Images(), Residual(residual.eval().requires_grad_(False), CPU)),
    }


def kept(folder: Path, codes: Codes, predictor: Form, **more: Any) -> Path:
    """Keep a classifier of these parts, and return its folder."""
    Classifier(CLASSES, 1, 32, codes, predictor, **more).save(folder)
    return folder


def images(n: int, channels: int = 1) -> torch.Tensor:
    return torch.randint(0, 256, (n, channels, 32, 32), dtype=torch.uint8)


def run(path: Path, output: str, x: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run([output], {"images": x.numpy()})[0])


@pytest.mark.parametrize(("method", "channels", "depth"), [("irmae", 1, 2), ("vae", 1, None), ("ae", 3, None)])
def test_the_code_is_that_of_the_encoder_for_any_number_of_images(
    method: str, channels: int, depth: int | None, tmp_path: Path
) -> None:
    own = encoder(method, channels=channels, depth=depth)
    own.save_pretrained(tmp_path / "own")
    exported = export(tmp_path / "own", out=tmp_path / "own.onnx")
    for n in (1, 5):
        x = images(n, channels)
        torch.testing.assert_close(run(exported.path, "code", x), own.encode(x), atol=1e-5, rtol=1e-4)
    assert exported.outputs == {"code": WIDTH}
    assert exported.size == exported.path.stat().st_size


def test_residual_networks_and_networks_of_one_s_own_are_exported(tmp_path: Path) -> None:
    for name, network in (("residual", None), ("own", small)):
        own = encoder(network=network or "residual")
        own.save_pretrained(tmp_path / name)
        exported = export(tmp_path / name, out=tmp_path / f"{name}.onnx", network=network)
        x = images(3)
        torch.testing.assert_close(run(exported.path, "code", x), own.encode(x), atol=1e-5, rtol=1e-4)
    with pytest.raises(UserError, match="give `network` again"):
        export(tmp_path / "own", out=tmp_path / "again.onnx")


def test_a_network_that_decides_by_its_input_cannot_be_exported(tmp_path: Path) -> None:
    class Deciding(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x if x.sum() > 0 else -x)

    def deciding(*, channels: int, image_size: int, code: int) -> tuple[torch.nn.Module, torch.nn.Module]:
        _, decoder = small(channels=channels, image_size=image_size, code=code)
        flatten = torch.nn.Flatten()
        return torch.nn.Sequential(flatten, Deciding(channels * image_size**2, code)), decoder

    own = encoder(network=deciding)
    own.save_pretrained(tmp_path / "own")
    with pytest.raises(UserError, match="torch cannot export it to ONNX"):
        export(tmp_path / "own", out=tmp_path / "it.onnx", network=deciding)
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


@pytest.mark.parametrize("name", predictors())
def test_the_probabilities_are_those_of_the_classifier(name: str, tmp_path: Path) -> None:
    codes, predictor = predictors()[name]
    folder = kept(tmp_path / "classifier", codes, predictor, temperature=2.5)
    exported = export(folder, out=tmp_path / "it.onnx")
    x = images(3)
    expected = Classifier.load(folder).probabilities(x)
    torch.testing.assert_close(run(exported.path, "probabilities", x), expected, atol=1e-5, rtol=1e-4)
    assert set(exported.outputs) == ({"code", "probabilities"} if isinstance(codes, Encoded) else {"probabilities"})
    assert exported.differences.keys() == exported.outputs.keys()


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    codes, predictor = predictors()["linear"]
    folder = kept(tmp_path / "cats", codes, predictor)
    export(folder, out=tmp_path / "it.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "it.onnx", providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["name"] == "cats"
    assert metadata["card_sha256"] == sha256(folder / "config.json")
    assert tuple(json.loads(metadata["classes"])) == CLASSES
    assert "uint8 (batch, 1, 32, 32), 0 to 255" in metadata["input"]
    assert session.get_inputs()[0].shape == ["batch", 1, 32, 32]


def test_another_file_is_neither_overwritten_nor_written(tmp_path: Path) -> None:
    encoder().save_pretrained(tmp_path / "own")
    (tmp_path / "there.onnx").write_text("mine")
    for name, message in (("it.pt", "must end in .onnx"), ("there.onnx", "exists already")):
        with pytest.raises(UserError, match=message):
            export(tmp_path / "own", out=tmp_path / name)
    assert (tmp_path / "there.onnx").read_text() == "mine"
    assert not (tmp_path / "it.onnx").exists()


def test_a_file_that_would_compute_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder().save_pretrained(tmp_path / "own")
    monkeypatch.setattr(Encoder, "encode", lambda _, images: torch.full((len(images), WIDTH), 0.5))
    with pytest.raises(UserError, match="computes another code than torch"):
        export(tmp_path / "own", out=tmp_path / "it.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
