"""Small things that many tests need."""

import dataclasses
from pathlib import Path

import pytest
import torch

from ssl_irmae.datasets import ImageSet, fit_images, load_images
from ssl_irmae.recipe import Architecture
from ssl_irmae.runs import make_run


@pytest.fixture(autouse=True)
def _clean_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test read or write the user's cache, and start each from the same global generator."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SSL_IRMAE_DATA_DIR", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def digits() -> ImageSet:
    """Scikit-learn's training digits at 32x32."""
    images = load_images("digits")
    return dataclasses.replace(images, images=fit_images(images.images, channels=1, image_size=32))


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An IRMAE of depth 2 after a few steps on the digits: enough to run everything that needs an encoder."""
    folder = tmp_path_factory.mktemp("encoders") / "tiny"
    run = make_run(
        folder,
        architecture=lambda channels, size: Architecture.reference(
            method="irmae", channels=channels, image_size=size, latent_dim=8, depth=2
        ),
        dataset="digits",
        image_size=None,
        batch_size=32,
        learning_rate=1e-3,
        precision="fp32",
        device="cpu",
        seed=0,
    )
    list(run.train(epochs=1, max_steps=40))
    run.finish("a test")
    return folder
