"""A run that began on a GPU or in bf16 continues where there is neither, says so, and records it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ssl_irmae._support.files import sha256
from ssl_irmae._support.progress import Event, Message
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.pretrain import PretrainingResult, pretrain

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 32, 32), dtype=np.uint8)

Began = Callable[..., Path]


@pytest.fixture(autouse=True)
def _without_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    _bf16(monkeypatch, available=False)


def _bf16(monkeypatch: pytest.MonkeyPatch, *, available: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": available}, raising=False)


def _pretrain(folder: Path, steps: int, method: str = "ae", **settings: Any) -> tuple[PretrainingResult, list[str]]:
    """Train to a number of steps; return the result and the messages, but for the plateau on which so few steps end."""
    events: list[Event] = []
    result = pretrain(
        method=method,
        dataset=IMAGES,
        out=folder,
        recipe="paper",
        max_steps=steps,
        batch_size=4,
        latent_dim=4,
        progress=events.append,
        **settings,
    )
    messages = [event.text for event in events if isinstance(event, Message)]
    return result, [text for text in messages if "ends on the plateau" not in text]


@pytest.fixture
def began(tmp_path: Path) -> Began:
    """Return a function that makes a run of two steps, which began elsewhere as its recipe has it."""

    def make(name: str = "run", method: str = "ae", **elsewhere: str) -> Path:
        _pretrain(tmp_path / name, 2, method)
        recipe = tmp_path / name / "recipe.json"
        recipe.write_text(json.dumps({**json.loads(recipe.read_text()), **elsewhere}))
        return tmp_path / name

    return make


def test_a_run_of_a_gpu_continues_on_the_processor_and_says_so(began: Began) -> None:
    folder = began(device="cuda", precision="bf16")
    recipe = (folder / "recipe.json").read_text()
    result, messages = _pretrain(folder, 4)
    assert result.steps_before == 2
    (message,) = [text for text in messages if "cuda" in text]
    assert message.startswith(f"{folder} was trained on cuda in bf16 up to step 2 and continues on cpu in fp32: ")
    assert "differ in the last digits" in message
    assert result.encoder.config.card["continued"] == [{"step": 2, "device": "cpu", "precision": "fp32"}]
    assert "| continued elsewhere | from step 2 on cpu in fp32 |" in (folder / "README.md").read_text()
    now = json.loads((folder / "recipe.json").read_text())
    assert now == {**json.loads(recipe), "steps": 4}, "the recipe is where it began"


def test_once_elsewhere_a_run_continues_bit_for_bit(began: Began) -> None:
    whole, stopped = (began(name, "vae", device="cuda") for name in ("whole", "stopped"))
    _pretrain(whole, 6, "vae")
    _pretrain(stopped, 4, "vae")
    result, messages = _pretrain(stopped, 6, "vae")
    assert result.encoder.config.card["continued"] == [{"step": 2, "device": "cpu", "precision": "fp32"}]
    assert not [text for text in messages if "cuda" in text]
    assert sha256(stopped / "model.safetensors") == sha256(whole / "model.safetensors")


@pytest.mark.parametrize(("method", "new"), [("vae", True), ("ae", False)])
def test_noise_that_begins_anew_is_mentioned_where_there_is_any(began: Began, method: str, new: bool) -> None:
    _, messages = _pretrain(began("run", method, device="cuda"), 4, method)
    assert any("noise is drawn from a new seed" in text for text in messages) == new


@pytest.mark.parametrize("asked", [{}, {"device": "cpu"}, {"precision": "fp32"}], ids=str)
def test_what_is_not_available_is_replaced_also_by_what_is_asked_for(began: Began, asked: dict[str, str]) -> None:
    result, _ = _pretrain(began(device="cuda", precision="bf16"), 3, **asked)
    assert result.encoder.config.card["continued"] == [{"step": 2, "device": "cpu", "precision": "fp32"}]


def test_another_precision_by_name_is_another_recipe(began: Began, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = began(precision="bf16")
    _bf16(monkeypatch, available=True)
    with pytest.raises(UserError, match=r"a run with `precision` bf16 \(now fp32\): repeat"):
        _pretrain(folder, 4, precision="fp32")


def test_automatic_is_what_the_run_began_with_where_that_is_available(
    began: Began, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = began()
    _bf16(monkeypatch, available=True)
    result, messages = _pretrain(folder, 3)
    assert messages == [f"continuing {folder} at step 2"]
    assert "continued" not in result.encoder.config.card


def test_what_else_differs_is_refused_without_mentioning_the_device(began: Began) -> None:
    with pytest.raises(UserError, match=r"a run with `seed` 0 \(now 1\): repeat"):
        _pretrain(began(device="cuda", precision="bf16"), 4, seed=1)


def test_a_run_with_nothing_left_to_train_has_not_continued(began: Began) -> None:
    folder = began(device="cuda")
    for _ in range(2):
        result, messages = _pretrain(folder, 2)
        assert "continued" not in result.encoder.config.card
        assert not [text for text in messages if "cuda" in text]


def test_a_checkpoint_that_records_no_places_was_computed_in_one(began: Began) -> None:
    folder = began()
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    del state["continued"]
    torch.save(state, folder / "checkpoint.pt")
    assert _pretrain(folder, 3)[1] == [f"continuing {folder} at step 2"]
