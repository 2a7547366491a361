"""Small things that many tests need."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import ImageSet, fit_images
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.pretraining.run_folder import make_run


def pytest_configure() -> None:
    """Before any test is imported: the tests are about the CPU, and about plain text."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    for name in ("GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give fixtures of a wider scope a cache of this session: they are made before a test's own is set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


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
