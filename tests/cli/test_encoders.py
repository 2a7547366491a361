"""`ssl-irmae encoders`: list, show, copy and import."""

import json
from pathlib import Path

import pytest
import torch

from ssl_irmae.encoders.encoder import Encoder
from tests.command_line import check_mistake, run


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("show nothing", "unknown encoder 'nothing'"),
        ("show nothing", "; there is no such folder either"),
        ("import nothing --out x", "does not exist"),
        ("copy mnist-ae --out=~/x", "--out: the shell has not replaced the ~ of ~/x: write the folder in full"),
        (f"copy mnist-ae --out {__file__}", "test_encoders.py is a file: name a folder"),
        (f"copy mnist-ae --out {__file__}/x", "test_encoders.py/x cannot be written to (Not a directory)"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_nothing_behind(command: str, message: str) -> None:
    check_mistake(f"encoders {command}", message)
    assert not Path("x").exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"minutes": "3"},
        {"plateau_steps": 5, "steps": None},
        {"cooldown": "x"},
        {"continued": []},
        {"training_loss": [1]},
    ],
)
def test_a_card_that_somebody_has_spoiled_is_refused_by_name(changed: dict[str, object]) -> None:
    run("encoders copy mnist-ae --out spoiled")
    config = json.loads(Path("spoiled/config.json").read_text())
    card = {name: value for name, value in (config["card"] | changed).items() if value is not None}
    Path("spoiled/config.json").write_text(json.dumps(config | {"card": card}))
    check_mistake("encoders show spoiled", "spoiled: the card in config.json cannot be read (")


def test_bundled_encoders_are_listed_and_shown() -> None:
    listed = run("encoders list").stdout
    assert all(name in listed for name in ("mnist-ae", "mnist-irmae", "mnist-vae"))
    assert "effective rank" in run("encoders show mnist-irmae").stdout


def test_checkpoints_of_the_public_code_are_imported_and_folded(tiny_encoder: Path) -> None:
    encoder = Encoder.from_pretrained(tiny_encoder)
    names = {"encoder": "enc", "bottleneck": "mlp", "decoder": "dec"}
    state = {}
    for key, weight in encoder.autoencoder.state_dict().items():
        part, rest = key.split(".", 1)
        state[f"{names[part]}.{rest}"] = weight
    torch.save(state, "checkpoint")
    run("encoders import checkpoint --out imported")
    x = torch.rand(2, 1, 32, 32)
    assert torch.equal(Encoder.from_pretrained("imported")(x), encoder(x))
    run("encoders copy imported --fold --out folded")
    assert Encoder.from_pretrained("folded").config.folded
    assert "not empty" in run("encoders import checkpoint --out imported", code=2).stderr


def test_a_copy_has_no_checkpoint_and_says_how_its_weights_are_stored(tiny_encoder: Path) -> None:
    run(f"encoders copy {tiny_encoder} --half --out half")
    assert {path.name for path in Path("half").iterdir()} == {
        *("README.md", "config.json", "metrics.jsonl", "model.safetensors", "spectrum.png")
    }
    assert "| weights | float16 |" in Path("half/README.md").read_text()
