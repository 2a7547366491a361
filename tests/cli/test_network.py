"""``--network``: a pair of one's own, from pretraining to predictions, and what is refused."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from docs.extending import small_network
from tests.command_line import check_mistake, run

TRAIN = "--dataset digits --image-size 8 --latent-dim 6 --max-steps 3 --batch-size 16 --quiet"


@pytest.fixture(autouse=True)
def _modules_of_the_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each test import modules of its own folder, and no others' of that name."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("mine.py").write_text(Path(small_network.__file__).read_text() + "\nnumber = 3\n")
    yield
    for name in ("mine", "broken", "leaving"):
        sys.modules.pop(name, None)


@pytest.fixture
def folder() -> str:
    run(f"pretrain {TRAIN} --network mine:small --out runs/own")
    return "runs/own"


def few_labels() -> str:
    """Write digits of which a few have labels; return the file."""
    from ssl_irmae.datasets.registry import load_images

    digits = load_images("digits")
    assert digits.labels is not None
    labels = digits.labels.numpy()[:200].copy()
    labels[40:] = -1
    np.savez("few.npz", images=digits.images.numpy()[:200], labels=labels)
    return "few.npz"


def test_a_pair_of_one_s_own_goes_from_pretraining_to_predictions(folder: str) -> None:
    own = "--network mine:small --quiet"
    run(f"encode --encoder {folder} --dataset digits --out codes.npz {own}")
    assert np.load("codes.npz")["code"].shape == (1300, 6)
    run(f"encoders copy {folder} --out small --fold --network mine:small")
    run("encoders show small")
    assert "images uint8 (batch, 1, 8, 8) -> code (batch, 6)" in run(f"export {folder} --out own.onnx {own}").stdout
    pictures = few_labels()
    run(f"suggest {pictures} --n 3 --encoder {folder} --out suggested {own}")
    for contender in ("own-linear", "own-finetune"):
        run(f"classify {pictures} --encoder {folder} --contender {contender} --out labelled {own}")
        run(f"predict labelled/classifier {pictures} --out again.csv {own}")
        first, again = (Path(name).read_text().splitlines() for name in ("labelled/predictions.csv", "again.csv"))
        assert first[1:] == again[41:], "the first 40 pictures had labels"
        check_mistake(f"predict labelled/classifier {pictures} --out no.csv", "give --network again")
    check_mistake(f"encode --encoder {folder} --dataset digits --out no.npz", "give --network again")
    check_mistake(f"encoders copy {folder} --out no", "give --network again")
    check_mistake(f"export {folder} --out no.onnx", "give --network again")
    check_mistake(f"classify {pictures} --encoder {folder}", "give --network again")
    check_mistake(f"suggest {pictures} --encoder {folder}", "give --network again")
    check_mistake(f"evaluate --dataset digits --encoder {folder}", "give --network again")
    check_mistake(f"plan --dataset digits --encoder {folder}", "give --network again")
    run(f"classify {pictures} --contender pixels-linear --encoder mnist-irmae --out pixels --quiet")
    check_mistake(f"predict pixels/classifier {pictures} --out no.csv {own}", "leave --network out")
    assert not any(os.path.lexists(name) for name in ("no.csv", "no.npz", "no.onnx", "no"))


def test_networks_from_scratch_are_those_that_are_asked_for(folder: str) -> None:
    rows = "--dataset digits --labels 20 --seeds 1 --steps 2 --store s.sqlite --json --quiet --jobs 1"
    names = "supervised,vib,random-linear,scratch-consistency,pixels-linear"

    def keys(options: str) -> dict[str, str | None]:
        document = json.loads(run(f"evaluate {rows} {options}").stdout)
        return {row["contender"]: row["network"] for row in document["rows"]}

    usual = keys(f"--contenders {names}")
    assert set(usual.values()) == {None}
    residual = keys(f"--contenders {names} --network residual")
    assert residual == {**dict.fromkeys(names.split(","), "residual"), "pixels-linear": None}
    own = keys(f"--contenders own-linear,{names} --network mine:small --encoder {folder}")
    assert own["own-linear"] is None
    assert len({own[name] for name in names.split(",")[:4]}) == 1
    assert str(own["vib"]).startswith("own-")


def test_a_pair_of_fixed_width_is_told_to_follow_the_width_that_is_asked_for() -> None:
    text = Path("mine.py").read_text()
    fixed = text.replace("code: int)", "code: int, width: int = 6)").replace("side**2, code", "side**2, width")
    Path("mine.py").write_text(fixed.replace("nn.Linear(code, 64)", "nn.Linear(width, 64)"))
    run(f"pretrain {TRAIN} --network mine:small --out runs/own")
    refused = "got float32 (2, 6): its width has to follow its argument `code`, 128 here"
    check_mistake("evaluate --dataset digits --encoder runs/own --network mine:small", refused)
    Path("mine.py").write_text(text)
    sys.modules.pop("mine")
    rows = "--labels 20 --seeds 1 --steps 2 --jobs 1 --quiet --contenders own-linear,supervised"
    run(f"evaluate --dataset digits {rows} --encoder runs/own --network mine:small")


def test_one_label_is_refused_where_networks_need_two_images() -> None:
    with Path("mine.py").open("a") as file:
        file.write(
            "\ndef one_pixel(*, channels, image_size, code):\n"
            "    normalised = nn.Sequential(nn.Conv2d(channels, 4, image_size), nn.BatchNorm2d(4), nn.Flatten())\n"
            "    decoder = small(channels=channels, image_size=image_size, code=code)[1]\n"
            "    return nn.Sequential(normalised, nn.Linear(4, code)), decoder\n"
        )
    rows = "evaluate --dataset digits --rule uniform --seeds 1 --steps 2 --jobs 1 --quiet --contenders supervised"
    message = "--labels 1: in training these networks cannot take one image alone; use 2 labels or more"
    assert message in run(f"{rows} --labels 1 --network mine:one_pixel", code=2).stderr
    run(f"{rows} --labels 2 --network mine:one_pixel")


def test_networks_from_scratch_follow_the_encoders() -> None:
    run(f"pretrain {TRAIN} --network residual --out runs/residual")
    rows = "--dataset digits --labels 20 --seeds 1 --steps 2 --json --quiet --jobs 1"
    one = json.loads(run(f"evaluate {rows} --encoder runs/residual --contenders residual-linear,supervised").stdout)
    assert {row["contender"]: row["network"] for row in one["rows"]}["supervised"] == "residual"
    pretraining = next(row["pretraining"] for row in one["rows"] if row["pretraining"])
    assert pretraining["network"] == "residual"


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("nowhere:small", "--network: the module nowhere cannot be imported (ModuleNotFoundError"),
        ("mine:large", "--network: the module mine has no function large"),
        ("mine:number", "--network: the module mine has a int, and no function, number"),
        ("mine.py:small", "--network: the module mine.py cannot be imported"),
        ("runs/mine:small", "--network: runs/mine:small is not the name of a function in a module"),
        ("broken:small", "--network: the module broken cannot be imported (ZeroDivisionError"),
        ("leaving:small", "--network: the module leaving cannot be imported (SystemExit"),
        (
            "resnet",
            "--network: unknown network 'resnet': known are conv, mlp, residual; your own are named MODULE:FUNCTION",
        ),
    ],
)
def test_networks_that_cannot_be_found_are_refused(network: str, message: str) -> None:
    Path("broken.py").write_text("1 / 0\n")
    Path("leaving.py").write_text("import sys\nsys.exit(0)\n")
    check_mistake(f"pretrain {TRAIN} --network {network}", message)
    check_mistake(f"evaluate --dataset digits --network {network}", message)
    check_mistake(f"plan --dataset digits --network {network}", message)
    assert not Path("runs").exists()


def test_presets_have_networks_already() -> None:
    check_mistake("evaluate --preset mnist-quick --network residual", "mnist-quick has its own --network")
    check_mistake("evaluate --preset published --network residual", "has the paper's networks; leave --network out")
