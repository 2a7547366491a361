"""The command line: what it prints where, which code it exits with, and what it leaves behind."""

import dataclasses
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from ssl_irmae.cli.main import app
from ssl_irmae.encoders.encoder import Encoder, read_config
from ssl_irmae.protocols import pretrained
from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT, PUBLISHED_PROTOCOL
from ssl_irmae.protocols.representations.pretrained import open_encoder

EVALUATE = "evaluate --dataset digits --labels 10,20 --seeds 2 --precision fp32"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ssl_irmae.datasets.mnist.fetch", lambda *_: pytest.fail("no test of these needs a download"))


def run(command: str, code: int = 0) -> Result:
    """Run a command line and check its exit code."""
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def evaluate(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A protocol small enough for a test: one encoder, its linear probe beside a baseline of few steps."""
    settings = {**CONTENDERS["supervised"].settings, "steps": 3}
    monkeypatch.setitem(CONTENDERS, "supervised", dataclasses.replace(CONTENDERS["supervised"], settings=settings))
    return f"{EVALUATE} --encoder {tiny_encoder} --contenders tiny-linear,supervised"


def test_evaluate_lists_every_contender() -> None:
    lines = run("evaluate --contenders help").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(CONTENDERS)
    assert [line.split()[0] for line in lines if line.endswith("default")] == [n for n in CONTENDERS if n in DEFAULT]
    assert len(DEFAULT) == 8


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("evaluate --labels ten", "'ten'"),
        ("evaluate --labels 0", "'0'"),
        ("evaluate --seeds 0", "--seeds"),
        ("evaluate --seeds -1", "--seeds"),
        ("evaluate --contenders irmae-liner", "did you mean 'irmae-linear'"),
        ("evaluate --reference nobody", "unknown contender 'nobody'"),
        ("evaluate --encoder no/such", "no/such"),
        ("evaluate --dataset digits --contenders pixels-linear --encoder mnist-ae", "add mnist-ae-linear"),
        ("evaluate --dataset digits --contenders pixels-linear --pretrain-seeds 0,1", "--pretrain-seeds"),
        ("evaluate --preset mnist-full --rule uniform", "--rule"),
        ("evaluate --preset mnist-full --scored-on development", "--scored-on"),
        ("evaluate --dataset shapes --labels 1 --contenders supervised", "cannot be balanced"),
        ("evaluate --dataset digits --labels 5000 --contenders supervised", "1 to 1300"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_2(command: str, words: str) -> None:
    result = run(command, code=2)
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert not [p for p in Path().rglob("*") if p.suffix not in ("", ".sqlite")], "something was left half-written"


@pytest.mark.parametrize("command", ["evaluate --dataset digits --contenders supervised"])
def test_bf16_is_refused_without_its_instructions(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False}, raising=False)
    result = run(f"{command} --precision bf16", code=2)
    assert "precision 'bf16' is refused" in result.stderr
    assert "--precision fp32" in result.stderr


def test_a_typo_in_an_option_is_a_mistake_too() -> None:
    assert "--lables" in run("evaluate --lables 10", code=2).stderr


def test_evaluate_prints_a_table_on_standard_output_and_words_under_it(evaluate: str) -> None:
    result = run(evaluate)
    assert "tiny-linear" in result.stdout
    assert "± standard error over 2 labelled subsets (ddof = 1)" in result.stdout
    assert "balanced" in result.stdout
    assert "n below 6" in result.stdout
    assert "Fixed beforehand" in result.stdout
    assert "2/8  tiny-linear, 10 labels" in result.stderr


def test_evaluate_json_is_one_document_with_rows_and_summary(evaluate: str) -> None:
    document = json.loads(run(f"{evaluate} --json").stdout)
    assert len(document["rows"]) == 8
    errors = [row["error"] for row in document["rows"] if row["contender"] == "supervised" and row["budget"] == 20]
    summary = next(s for s in document["summary"] if s["contender"] == "supervised" and s["budget"] == 20)
    assert summary["n"] == 2
    assert summary["mean"] == pytest.approx(np.mean(errors))
    assert summary["standard_error"] == pytest.approx(np.std(errors, ddof=1) / np.sqrt(2))


def test_evaluate_audits_itself(evaluate: str) -> None:
    result = run(evaluate)
    assert "lay with the scorer alone" in " ".join(result.stdout.split())
    document = json.loads(run(f"{evaluate} --json").stdout)
    assert any("rule balanced" in line for line in document["leak_audit"])


def test_pretraining_seeds_are_crossed_and_their_variance_reported(
    evaluate: str, tiny_encoder: Path, tmp_path: Path
) -> None:
    config = read_config(tiny_encoder)
    for seed in (0, 1):
        own = Encoder(config.model_copy(update={"card": {**config.card, "seed": seed}}))
        own.autoencoder.load_state_dict(config.architecture.build(seed).state_dict())
        own.save_pretrained(tmp_path / f"mine-{seed}")
    crossed = "evaluate --dataset digits --labels 20 --seeds 3 --contenders mine-linear --encoder mine-{seed}"
    document = json.loads(run(f"{crossed} --reference mine-linear --pretrain-seeds 0,1 --json").stdout)
    assert [(row["pretrain_seed"], row["seed"]) for row in document["rows"]] == [
        (p, s) for p in (0, 1) for s in range(3)
    ]
    assert document["summary"][0]["over"] == "subsets x pretraining seeds"
    assert document["variance_components"][0]["pretraining_seeds"] == 2
    run(crossed, code=2)
    run(f"{evaluate} --pretrain-seeds 0,1", code=2)


def test_an_encoder_that_was_pretrained_on_other_data_is_said_to_be(tiny_encoder: Path, tmp_path: Path) -> None:
    config = read_config(tiny_encoder)
    other = Encoder(config.model_copy(update={"card": {**config.card, "data_fingerprint": "0123456789abcdef"}}))
    other.save_pretrained(tmp_path / "elsewhere")
    command = "evaluate --dataset digits --labels 20 --seeds 2 --json"
    told = {
        name: "\n".join(json.loads(run(f"{command} --encoder {path} --contenders {name}-knn").stdout)["leak_audit"])
        for name, path in (("elsewhere", tmp_path / "elsewhere"), ("tiny", tiny_encoder))
    }
    assert "its card names other data (0123456789ab)" in told["elsewhere"]
    assert "its card" not in told["tiny"]


def test_the_audit_says_whose_settings_they_are(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, contender in PUBLISHED_PROTOCOL.items():
        monkeypatch.setitem(
            PUBLISHED_PROTOCOL, name, dataclasses.replace(contender, settings={**contender.settings, "epochs": 20})
        )
    monkeypatch.setattr(pretrained, "encoder_of_method", lambda *_, **__: open_encoder("irmae", tiny_encoder))
    script, code = "those of the public reference script", "those in the code"
    for labels, contenders, told in (
        ("50", "irmae-last-look,tiny-knn", [True, True]),
        ("50", "irmae-last-look", [True, False]),
        ("all", "irmae-last-look", [True, False]),
    ):
        chosen = f"--encoder {tiny_encoder}" if "tiny" in contenders else ""
        command = f"evaluate --dataset digits --seeds 1 --protocol reference {chosen} --json"
        audit = "\n".join(
            json.loads(run(f"{command} --labels {labels} --contenders {contenders}").stdout)["leak_audit"]
        )
        assert [script in audit, code in audit] == told


def test_the_reference_protocol_is_stamped_as_leaky(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, contender in PUBLISHED_PROTOCOL.items():
        monkeypatch.setitem(
            PUBLISHED_PROTOCOL, name, dataclasses.replace(contender, settings={**contender.settings, "epochs": 20})
        )
    # the bundled encoders do not read these digits: stand-ins under the names that the protocol asks for
    opened = open_encoder("irmae", tiny_encoder)
    monkeypatch.setattr(pretrained, "encoder_of_method", lambda *_, **__: opened)
    document = json.loads(run("evaluate --dataset digits --labels 50 --seeds 1 --protocol reference --json").stdout)
    assert document["leak_audit"][0].startswith("LEAKY: ")
    assert document["reference"] == "irmae-last-look", "differences are not to the leaky one"
    table = run("evaluate --dataset digits --labels 50 --seeds 1 --protocol reference").stdout
    assert re.search(r"irmae-best-of-50-looks\s*\(leaky\)", table)
    run("evaluate --dataset digits --labels 50 --protocol reference --rule uniform", code=2)
    errors = {row["contender"]: row["error"] for row in document["rows"]}
    assert errors["irmae-best-of-50-looks"] <= errors["irmae-last-look"]
    assert {row["rule"] for row in document["rows"]} == {"first"}


def test_codes_are_measured_without_a_classifier_when_asked_for(evaluate: str) -> None:
    told = run(f"{evaluate} --metrics retrieval").stdout
    assert "MAP@R" in told
    document = json.loads(run(f"{evaluate} --metrics retrieval --json").stdout)
    (quality,) = document["retrieval"]  # `supervised` has no frozen code
    assert quality["representation"] == "tiny"
    assert 0 < quality["map_at_r"] <= quality["r_precision"] <= 100
    assert json.loads(run(f"{evaluate} --json").stdout)["retrieval"] == []


def test_subsets_can_be_drawn_without_looking_at_classes(evaluate: str) -> None:
    document = json.loads(run(f"{evaluate} --rule uniform --json").stdout)
    assert {row["rule"] for row in document["rows"]} == {"uniform"}
    assert any("without looking at classes" in note for note in document["notes"])


def test_evaluate_again_repeats_nothing_and_gives_the_same_rows(evaluate: str) -> None:
    first = json.loads(run(f"{evaluate} --json").stdout)
    second = json.loads(run(f"{evaluate} --json").stdout)
    fresh = json.loads(run(f"{evaluate} --json --store other.sqlite").stdout)
    assert first["rows"] == second["rows"] == fresh["rows"]
    assert {"load", "encode", "trials"} <= set(fresh["seconds"]["stages"])
    assert first["images_per_second"] > 0
    assert fresh["images_per_second"] is None, "codes were kept, nothing was encoded again"
    assert second["seconds"]["fresh_trials"] == 0 < fresh["seconds"]["fresh_trials"]


def test_quiet_prints_nothing_but_the_result(evaluate: str) -> None:
    result = run(f"{evaluate} --quiet --json")
    assert result.stderr == ""
    json.loads(result.stdout)


def test_a_pipe_gets_no_colour(evaluate: str) -> None:
    assert "\x1b" not in run(evaluate).output


def _start(command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ssl_irmae.cli", *command.split()], stderr=subprocess.PIPE, text=True
    )


def _rows(store: Path) -> int:
    import sqlite3

    if not store.is_file():
        return 0
    connection = sqlite3.connect(store)
    try:
        return int(connection.execute("SELECT count(*) FROM trials").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # the table is not made yet
    finally:
        connection.close()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are found in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_processes_of_a_stopped_evaluate_end_with_it(number: signal.Signals) -> None:
    store = Path("s.sqlite")
    process = _start(f"{EVALUATE} --seeds 40 --contenders supervised --steps 5 --jobs 2 --store {store}")
    while _rows(store) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    children = _children(process.pid)
    assert len(children) >= 2
    os.kill(process.pid, number)
    _, stderr = process.communicate()
    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    assert "Traceback" not in stderr
    kept = _rows(store)
    assert 2 <= kept < 80
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.05)
    assert _rows(store) == kept


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_evaluate_loses_no_row_and_repeats_none(tiny_encoder: Path, number: signal.Signals) -> None:
    store = Path("s.sqlite")
    command = f"{EVALUATE} --seeds 40 --encoder {tiny_encoder} --contenders tiny-linear"
    process = _start(f"{command} --store {store}")
    while _rows(store) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, number)
    _, stderr = process.communicate()
    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    if number == signal.SIGINT:
        assert "kept" in stderr
        assert "Traceback" not in stderr
    kept = _rows(store)
    assert 2 <= kept < 80
    document = json.loads(run(f"{command} --store {store} --json").stdout)
    whole = json.loads(run(f"{command} --store whole.sqlite --json").stdout)
    assert document["rows"] == whole["rows"]
    assert _rows(store) == 80


def test_own_pictures_of_another_size_are_evaluated_with_an_own_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.representations.pretrained.QUICK_STEPS", 1)
    for name in ("irmae-joint", "supervised"):
        settings = {**CONTENDERS[name].settings, "steps": 1}
        monkeypatch.setitem(CONTENDERS, name, dataclasses.replace(CONTENDERS[name], settings=settings))
    rng = np.random.default_rng(0)
    arrays = {"images": rng.integers(0, 256, (20, 30, 50, 3), dtype=np.uint8), "labels": np.arange(20) % 2}
    np.savez("mine.npz", **arrays, **{f"test_{name}": array for name, array in arrays.items()})
    run("pretrain --dataset mine.npz --image-size 64 --latent-dim 4 --max-steps 1 --method ae --out own")
    command = (
        "evaluate --dataset mine.npz --encoder own --labels 4 --seeds 1 --contenders irmae-joint,own-linear,supervised"
    )
    result = run(command)
    assert "one labelled subset, so there is no ±" in result.stdout
    assert "to try things and not to report: irmae" in result.stdout


def test_an_impossible_budget_is_said_before_anything_is_pretrained() -> None:
    result = run("evaluate --dataset digits --labels 5", code=2)
    assert "balanced" in result.stderr
    assert "pretraining" not in result.stderr


@pytest.mark.parametrize(
    "shell",
    [
        f"PYTHONIOENCODING=ascii {{}} {EVALUATE} --contenders pixels-knn,pca-knn --quiet",
    ],
)
def test_a_reader_that_stops_and_a_terminal_without_signs_are_no_errors(shell: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m ssl_irmae.cli"
    done = subprocess.run(["bash", "-c", shell.format(command)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_evaluate_on_own_pictures_pretrains_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.representations.pretrained.QUICK_STEPS", 2)
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for label, low in (("dark", 0), ("light", 128)):
            folder = Path("pictures") / split / label
            folder.mkdir(parents=True)
            for i in range(6):
                Image.fromarray(rng.integers(low, low + 100, (32, 32), dtype=np.uint8)).save(folder / f"{i}.png")
    command = "evaluate --dataset pictures --labels 4 --seeds 2 --contenders ae-linear,supervised --json"
    result = run(command)
    assert "no bundled ae encoder for pictures" in result.stderr
    assert {row["n_scored"] for row in json.loads(result.stdout)["rows"]} == {12}
    assert "no bundled" not in run(command).stderr
