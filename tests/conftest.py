"""Fixtures that many tests use."""

import dataclasses
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ssl_irmae.datasets.image_set import ImageSet, fit_images
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.pretraining.pretrain import pretrain


def pytest_configure() -> None:
    """Before any test is imported: test on the CPU, with plain text output, and where Ctrl-C is heard."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background ignore it, and so would commands
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    for name in ("GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session", autouse=True)
def _session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give session and module fixtures a cache of their own: they are set up before a test's cache is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("SSL_IRMAE_HOME", raising=False)
        yield


@pytest.fixture(autouse=True)
def _clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the user's cache, and start each with the same global random state."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SSL_IRMAE_HOME", raising=False)
    monkeypatch.delenv("SSL_IRMAE_DATA_DIR", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def digits() -> ImageSet:
    """Return scikit-learn's training digits at 32x32."""
    images = load_images("digits")
    return dataclasses.replace(images, images=fit_images(images.images, channels=1, image_size=32))


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an IRMAE of depth 2 after 40 steps on the digits: enough where any encoder will do."""
    folder = tmp_path_factory.mktemp("encoders") / "tiny"
    pretrain(
        dataset="digits",
        out=folder,
        recipe="paper",
        max_steps=40,
        learning_rate=1e-3,
        latent_dim=8,
        depth=2,
        precision="fp32",
        device="cpu",
        command="a test",
    )
    return folder
