"""`ssl-irmae encode`: which arrays it writes, and which files it refuses to write."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from ssl_irmae.datasets.registry import DATASETS, load_images
from ssl_irmae.encoders.encoder import Encoder
from tests.command_line import check_mistake, run


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--out codes.txt", ".npz"),
        ("--out=~/c.npz", "--out: the shell has not replaced the ~ of ~: write the folder in full"),
        ("--out /proc/none/c.npz --encoder mnist-irmae", "--out: /proc/none cannot be written to"),
        ("--out c.npz --encoder mnist-irme", "did you mean 'mnist-irmae'"),
        ("--out c.npz --encoder mnist-irmae --device tpu9", "--device 'tpu9'"),
        ("--out c.npz", "--encoder: no bundled encoder was pretrained on digits: name a folder"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_nothing_behind(options: str, message: str) -> None:
    check_mistake(f"encode --dataset digits {options}", message)
    assert not list(Path().glob("*.*"))


@pytest.mark.parametrize(
    "command",
    [
        "encode --dataset digits --out new.npz --encoder spoiled",
        "encoders copy spoiled --out new",
        "evaluate --dataset digits --encoder spoiled",
    ],
)
def test_an_encoder_with_a_weight_that_is_not_a_number_is_refused_by_name(tiny_encoder: Path, command: str) -> None:
    shutil.copytree(tiny_encoder, "spoiled")
    state = safetensors.torch.load_file("spoiled/model.safetensors")
    state["encoder.dcnn.0.bias"][0] = torch.nan
    safetensors.torch.save_file(state, "spoiled/model.safetensors")
    check_mistake(command, "error: spoiled/model.safetensors contains weights")
    assert [path.name for path in Path().iterdir()] == ["spoiled"]


def test_codes_are_those_of_the_encoder(tiny_encoder: Path) -> None:
    result = run(f"encode --encoder {tiny_encoder} --dataset digits --split test --out codes.npz")
    assert "codes.npz: code (497, 8), features (497, 8)" in result.stderr
    images = load_images("digits", "test")
    with np.load("codes.npz") as codes:
        np.testing.assert_array_equal(codes["code"], Encoder.from_pretrained(tiny_encoder).encode(images.images))
        assert str(codes["fingerprint"]) == images.fingerprint
    run(f"encode --encoder {tiny_encoder} --dataset digits --split test --fold --out folded.npz")
    with np.load("folded.npz") as folded:
        assert "features" not in folded


def test_a_folder_of_pictures_is_encoded_with_its_paths_and_classes(tiny_encoder: Path) -> None:
    rng = np.random.default_rng(0)
    Path("pictures/a").mkdir(parents=True)
    for i, size in enumerate((28, 40)):
        Image.fromarray(rng.integers(0, 256, (size, size), dtype=np.uint8)).save(f"pictures/a/{i}.png")
    run(f"encode --encoder {tiny_encoder} --dataset pictures --out codes.npz")
    with np.load("codes.npz") as codes:
        assert codes["code"].shape == codes["features"].shape == (2, 8)
        assert codes["paths"].tolist() == ["a/0.png", "a/1.png"]
        assert codes["classes"][codes["labels"]].tolist() == ["a", "a"]


def test_the_images_themselves_are_never_overwritten() -> None:
    np.savez("mine.npz", images=np.zeros((2, 8, 8), np.uint8))
    before = Path("mine.npz").read_bytes()
    assert "--dataset itself" in run("encode --dataset mine.npz --out mine.npz", code=2).stderr
    assert Path("mine.npz").read_bytes() == before
    Path("folder.npz").mkdir()
    assert "folder.npz is a folder" in run("encode --dataset mine.npz --out folder.npz", code=2).stderr


def test_only_the_data_set_of_a_bundled_encoder_is_encoded_without_naming_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "mnist", DATASETS["digits"])  # a stand-in, since nothing may be downloaded
    np.savez("mine.npz", images=np.zeros((2, 8, 8), np.uint8))
    Path("mnist").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save("mnist/0.png")
    assert "code (497, 128)" in run("encode --dataset mnist --split test --out codes.npz").stderr
    for own in ("mine.npz", "./mnist", "kmnist", "shapes"):
        check_mistake(f"encode --dataset {own} --out c.npz", f"no bundled encoder was pretrained on {own}: name a")


def test_pictures_of_another_kind_are_encoded_with_one_line_that_says_so(tiny_encoder: Path) -> None:
    command = "encode --dataset digits --split test --out codes.npz --encoder"
    result = run(f"{command} mnist-irmae")
    assert "these pictures differ in kind from those that mnist-irmae was pretrained on" in result.stderr
    assert "code (497, 128)" in result.stderr
    assert run(f"{command} mnist-irmae --quiet").stderr == ""
    assert "differ in kind" not in run(f"{command} {tiny_encoder}").stderr


def test_both_splits_are_written_and_evaluate_reads_the_file(tiny_encoder: Path) -> None:
    run(f"encode --encoder {tiny_encoder} --dataset digits --out codes.npz")
    with np.load("codes.npz") as codes:
        assert (codes["code"].shape, codes["test_code"].shape) == ((1300, 8), (497, 8))
        np.testing.assert_array_equal(codes["test_labels"], load_images("digits", "test").labels)
    command = "evaluate --dataset digits --labels 20 --seeds 2 --json --contenders"
    by_file = json.loads(run(f"{command} mine-knn --codes mine=codes.npz").stdout)
    by_encoder = json.loads(run(f"{command} tiny-knn --encoder {tiny_encoder}").stdout)
    outcomes = [[(row["subset"], row["predictions"]) for row in found["rows"]] for found in (by_file, by_encoder)]
    assert outcomes[0] == outcomes[1]
    run(f"encode --encoder {tiny_encoder} --dataset digits --split train --out train.npz")
    check_mistake(f"{command} mine-knn --codes mine=train.npz", "mine=train.npz has no array 'test_code'")
