"""`ssl-irmae pretrain`: what it prints, which folders it accepts, and how it is stopped and continued."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch

import ssl_irmae
from ssl_irmae.errors import UserError
from tests.command_line import check_mistake, run, start


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--method irmea", "did you mean 'irmae'"),
        ("--dataset mnits", "did you mean 'mnist'"),
        ("--dataset digits --method ae --depth 3", "--depth belongs to the linear stack"),
        ("--dataset digits --method lorae --strength -1", "--strength -1: that of lorae, weight of"),
        ("--dataset digits --strength 1", "--strength belongs to "),
        ("--dataset digits --method rrae --strength 200", "--strength 200: of a code of width 128, 1 to 128"),
        ("--dataset digits --method ae --variant tied", "--variant belongs to the linear stack"),
        ("--dataset digits --share-weights --variant tied", "--share-weights and --variant tied both"),
        ("--dataset digits --image-size 257", "--image-size: 257 pixels is out of range"),
        ("--dataset digits --image-size 0", "use 8 to 256"),
        ("--dataset digits --image-size -1", "use 8 to 256"),
        ("--dataset digits --latent-dim 100000000000", "--latent-dim 100000000000: "),
        ("--dataset digits --init-scale inf", "--init-scale inf: "),
        ("--dataset digits --init-scale -1", "--init-scale -1"),
        ("--dataset digits --learning-rate 0", "--learning-rate must be positive"),
        ("--dataset digits --learning-rate nan", "--learning-rate must be positive"),
        ("--dataset digits --device tpu9", "--device 'tpu9'"),
        ("--dataset digits --resume", "leave --resume out to start"),
        ("--dataset digits --epochs 0", "--epochs"),
        ("--dataset digits --minutes 5 --epochs 1", "--minutes 5 and --epochs both say how long to train"),
        ("--dataset digits --recipe papre", "did you mean 'paper'"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_nothing_behind(options: str, message: str) -> None:
    check_mistake(f"pretrain {options}", message)
    assert not [path for path in Path().rglob("*") if path.is_file()]


def _started_twice(monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
    for name, value in {"WORLD_SIZE": "2", **environment}.items():
        monkeypatch.setenv(name, value)


def test_one_of_two_processes_that_cannot_meet_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    _started_twice(monkeypatch, RANK="0", MASTER_PORT="1")
    check_mistake("pretrain --dataset digits", "WORLD_SIZE is 2, without MASTER_ADDR")


def test_torchrun_is_for_pretrain_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _started_twice(monkeypatch, RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT="1")
    check_mistake("evaluate --dataset digits", "torchrun has started 2 copies of `ssl-irmae evaluate`")
    check_mistake("pretrain --dataset digits --device cuda:1", "--device 'cuda:1' is for one process")
    assert not list(Path().iterdir())


@pytest.mark.parametrize("name", ["classify", "dimension", "evaluate", "export", "plan", "predict", "suggest"])
def test_a_script_that_torchrun_starts_may_only_pretrain(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _started_twice(monkeypatch, RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT="1")
    with pytest.raises(UserError, match=f"torchrun has started 2 copies of `ssl_irmae.{name}`"):
        getattr(ssl_irmae, name)()


def test_bf16_is_refused_on_processors_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False}, raising=False)
    result = run("pretrain --dataset digits --precision bf16", code=2)
    assert "precision 'bf16' is refused" in result.stderr
    assert "--precision fp32" in result.stderr


def test_the_result_goes_to_standard_output_and_progress_to_standard_error() -> None:
    command = "pretrain --dataset digits --epochs 1 --latent-dim 4 --depth 1 --learning-rate 3e-3 --out r"
    result = run(command)
    assert result.stdout.startswith("irmae of digits: effective rank ")
    assert result.stdout.endswith(" (test), in r\n")
    assert "epoch 1  loss " in result.stderr
    again = run(command)
    assert again.stdout == result.stdout
    assert "r has had its 41 steps: nothing to train" in again.stderr
    assert run(f"{command} --quiet").stderr == ""


@pytest.mark.parametrize(
    "arguments", ["lorae --strength 0.01", "rrae --strength 2", "irmae-wd --variant tied --init orthogonal"]
)
def test_an_encoder_of_any_method_is_evaluated_and_classifies(arguments: str) -> None:
    run(f"pretrain --dataset digits --method {arguments} --latent-dim 6 --max-steps 5 --out runs/mine")
    card = Path("runs/mine/README.md").read_text()
    assert arguments.split()[0] in card
    run(
        "evaluate --dataset digits --labels 20 --seeds 2 --encoder runs/mine --contenders mine-centroid,mine-finetune "
        "--steps 2 --store s.sqlite --jobs 1"
    )
    method = arguments.split()[0]
    line = f"evaluate --dataset digits --labels 20 --seeds 2 --encoder {method}=runs/mine --store s.sqlite --json"
    assert f'"method": "{method}"' in run(f"{line} --contenders {method}-centroid").stdout


def test_frozen_codes_of_a_stack_that_cannot_be_folded_are_evaluated_and_no_more() -> None:
    run("pretrain --dataset digits --variant relu --latent-dim 6 --max-steps 5 --out runs/mine")
    line = "evaluate --dataset digits --labels 20 --seeds 1 --encoder runs/mine --steps 2 --store s.sqlite --jobs 1"
    run(f"{line} --contenders mine-centroid")
    assert "cannot be folded" in run(f"{line} --contenders mine-finetune", code=2).stderr


def test_json_reports_speed_stages_and_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    command = "pretrain --dataset digits --max-steps 3 --latent-dim 4 --depth 2 --method irmae --out r --json"
    monkeypatch.setattr("sys.argv", ["/usr/bin/ssl-irmae", *command.split()])
    document = json.loads(run(command).stdout)
    assert list(document) == ["folder", "steps_before", "images_per_second", "seconds", "config"]
    assert document["images_per_second"] > 0
    assert list(document["seconds"]) == ["import", "load", "train", "measure"]
    assert document["config"]["card"]["steps"] == 3
    assert document["config"]["card"]["command"] == f"ssl-irmae {command}"


def test_the_folder_is_named_after_dataset_and_method() -> None:
    run("pretrain --dataset digits --method vae --max-steps 1 --latent-dim 4")
    files = {path.name for path in Path("runs/digits-vae").iterdir()}
    expected = {"config.json", "model.safetensors", "metrics.jsonl", "environment.json", "README.md", "spectrum.png"}
    assert expected <= files


def test_ctrl_c_keeps_a_checkpoint_from_which_the_same_command_continues() -> None:
    process = start("pretrain --recipe paper --dataset digits --epochs 60 --latent-dim 4 --depth 1 --out r")
    while not Path("r/checkpoint.pt").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert "stopping at the next safe point" in stderr
    assert "Traceback" not in stderr
    result = run("pretrain --recipe paper --dataset digits --epochs 2 --latent-dim 4 --depth 1 --out r --json")
    steps = json.loads(result.stdout)["steps_before"]
    assert steps > 0
    assert f"continuing r at step {steps}" in result.stderr


def test_a_folder_of_another_configuration_is_refused_unchanged() -> None:
    run("pretrain --dataset digits --max-steps 1 --latent-dim 4 --out r")
    before = {path.name: path.read_bytes() for path in Path("r").iterdir()}
    result = run("pretrain --dataset digits --max-steps 1 --latent-dim 5 --out r", code=2)
    assert "--latent-dim 4 (now 5)" in result.stderr
    assert "another --out" in result.stderr
    assert {path.name: path.read_bytes() for path in Path("r").iterdir()} == before


def test_a_run_of_another_recipe_is_named_by_what_would_continue_it() -> None:
    command = "pretrain --dataset digits --latent-dim 4 --depth 1 --batch-size 256 --out r"
    run(f"{command} --recipe paper --max-steps 1")
    message = run(f"{command} --max-steps 1", code=2).stderr
    assert "--recipe paper (now short)" in message
    assert "--learning-rate 0.0001 (now 0.0005)" in message
    assert "cooldown" not in message, "it is not an option"


def test_a_folder_of_other_files_is_refused_unchanged() -> None:
    Path("project").mkdir()
    Path("project/README.md").write_text("mine")
    result = run("pretrain --dataset digits --max-steps 1 --out project", code=2)
    assert "not a pretraining run: choose another --out" in result.stderr
    assert [path.name for path in Path("project").iterdir()] == ["README.md"]


def test_unusable_folders_and_files_are_named() -> None:
    Path("file").write_text("in the way")
    pretrain = "pretrain --dataset digits --max-steps 1 --latent-dim 4"
    assert "file" in run(f"{pretrain} --out file/run", code=2).stderr
    assert "file is a file: name a folder" in run(f"{pretrain} --out file", code=2).stderr
    run(f"{pretrain} --out r")
    Path("r/checkpoint.pt").write_bytes(b"damaged")
    assert "damaged" in run(f"{pretrain} --out r", code=2).stderr
    Path("r/recipe.json").write_text("{}")
    assert "not a recipe" in run(f"{pretrain} --out r", code=2).stderr
    Path("r/recipe.json").unlink()
    assert "another --out" in run(f"{pretrain} --out r", code=2).stderr
