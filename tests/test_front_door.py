"""`import ssl_irmae`: light, complete, and silent only when asked to be."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import ssl_irmae
from ssl_irmae._support.progress import Event, Pretrained

NAMES = [
    "Encoder",
    "UserError",
    "classify",
    "doctor",
    "estimators",
    "evaluate",
    "export",
    "load_images",
    "plan",
    "predict",
    "pretrain",
    "read_results",
    "suggest",
]


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = {"matplotlib", "numpy", "pandas", "pydantic", "rich", "scipy", "sklearn", "torch", "typer"}
    code = f"import sys, ssl_irmae; dir(ssl_irmae); sys.exit(' '.join({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_listed_and_found(name: str) -> None:
    assert name in dir(ssl_irmae)
    assert name in ssl_irmae.__all__
    assert getattr(ssl_irmae, name) is getattr(ssl_irmae, name)


def test_names_are_those_of_the_layers_below() -> None:
    from ssl_irmae.encoders.encoder import Encoder
    from ssl_irmae.encoders.pretrained_encoder import PretrainedEncoder
    from ssl_irmae.errors import UserError

    assert ssl_irmae.Encoder is Encoder
    assert ssl_irmae.UserError is UserError
    assert ssl_irmae.estimators.PretrainedEncoder is PretrainedEncoder
    assert importlib.import_module("ssl_irmae.estimators") is ssl_irmae.estimators


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'pretrian'"):
        getattr(ssl_irmae, "pretrian")  # noqa: B009  # a type checker knows that there is none


@pytest.mark.parametrize("name", ["classify", "evaluate", "load_images", "plan", "predict", "pretrain", "suggest"])
def test_long_functions_keep_signature_and_documentation(name: str) -> None:
    function = getattr(ssl_irmae, name)
    assert "progress" in inspect.signature(function).parameters
    assert "progress: " in (function.__doc__ or "")


def test_progress_is_shown_unless_it_is_listened_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ssl_irmae.pretrain(dataset="digits", out=tmp_path / "a", epochs=1, latent_dim=4, depth=1)
    assert "epoch 1  loss " in capsys.readouterr().err
    events: list[Event] = []
    ssl_irmae.pretrain(dataset="digits", out=tmp_path / "b", epochs=1, latent_dim=4, depth=1, progress=events.append)
    assert capsys.readouterr().err == ""
    assert any(isinstance(event, Pretrained) and event.epoch_done for event in events)
