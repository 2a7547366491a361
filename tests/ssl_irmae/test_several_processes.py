"""Several processes train one run: as one would, whoever continues it, and they end together."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ssl_irmae.architecture import Architecture
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.loop import Pretraining
from ssl_irmae.pretraining.pretrain import pretrain
from ssl_irmae.pretraining.processes import Processes
from tests.ssl_irmae import one_of_several

EPOCHS, LONG = 6, 1000
IMAGES = np.random.default_rng(0).integers(0, 256, (31, 16, 16), dtype=np.uint8)  # the last of 4 batches has one image
SETTINGS = {"recipe": "paper", "batch_size": 10, "learning_rate": 1e-3, "latent_dim": 8, "precision": "fp32"}
METHODS = ("irmae", "vae")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    np.savez(folder / "images.npz", x_train=IMAGES, y_train=np.zeros(31, np.int64))
    return folder


def _call(folder: Path, out: str, method: str, **settings: Any) -> dict[str, Any]:
    fixed = {"dataset": str(folder / "images.npz"), "image_size": 16, "out": str(folder / out), "method": method}
    return {**fixed, **SETTINGS, "epochs": EPOCHS, **settings}


@pytest.fixture(scope="module")
def ones(folder: Path) -> dict[str, dict[str, Any]]:
    """Train by one process; return what it had of it."""
    return {method: one_of_several.outcome(_call(folder, f"one-{method}", method)) for method in METHODS}


def _run_two(*script: str) -> None:
    """Run a script in two processes of one run, to its end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *script]
    started = [subprocess.Popen(command, env={**os.environ, **shared, "RANK": rank}) for rank in "01"]
    assert [process.wait(timeout=300) for process in started] == [0, 0]


@pytest.fixture(scope="module")
def twos(folder: Path) -> list[dict[str, dict[str, Any]]]:
    """Train by two processes, one after the other; return what each of them had of it."""
    for method in METHODS:
        pretrain(**_call(folder, f"moving-{method}", method, epochs=2))
    calls = {method: _call(folder, f"two-{method}", method) for method in METHODS}
    calls |= {f"moving-{method}": _call(folder, f"moving-{method}", method, epochs=4) for method in METHODS}
    calls["long"] = _call(folder, "long", "ae", network="mlp", epochs=None, max_steps=LONG)
    calls["momentum"] = _call(folder, "two-momentum", "ae", optimizer="momentum")
    calls["minutes"] = _call(folder, "minutes", "ae", network="mlp", epochs=None, minutes=0.005)
    calls["differ"] = _call(folder, "differ", "ae", seed=[0, 1])
    calls["missing"] = _call(folder, "missing", "ae", dataset=[str(folder / "images.npz"), str(folder / "none.npz")])
    asked = folder / "asked.json"
    asked.write_text(json.dumps(list(calls.values())))
    _run_two(one_of_several.__file__, str(asked))
    answers = (json.loads(asked.with_suffix(f".{rank}").read_text()) for rank in (0, 1))
    return [dict(zip(calls, answer, strict=True)) for answer in answers]


def _assert_close(a: Path, b: Path) -> None:
    first, second = (Encoder.from_pretrained(run).autoencoder.state_dict() for run in (a, b))
    for name, weight in first.items():
        torch.testing.assert_close(weight, second[name], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_two_processes_have_the_losses_and_weights_of_one(
    folder: Path, ones: dict[str, Any], twos: list[dict[str, Any]], method: str
) -> None:
    assert len(ones[method]["losses"]) == EPOCHS
    np.testing.assert_allclose(twos[0][method]["losses"], ones[method]["losses"], rtol=1e-5)
    _assert_close(folder / f"two-{method}", folder / f"one-{method}")


def test_a_process_may_be_ahead_at_the_next_run_while_another_still_ends_the_last() -> None:
    script = """
import time
from ssl_irmae.pretraining.together import together
for run in range(2):
    with together("cpu") as processes:
        time.sleep(0 if processes.number or run else 2)
"""
    _run_two("-c", script)


def test_another_optimiser_has_the_losses_of_one_process(folder: Path, twos: list[dict[str, Any]]) -> None:
    one = one_of_several.outcome(_call(folder, "one-momentum", "ae", optimizer="momentum"))
    np.testing.assert_allclose(twos[0]["momentum"]["losses"], one["losses"], rtol=1e-5)


def test_all_processes_return_the_same_encoder(twos: list[dict[str, Any]]) -> None:
    for name in (*METHODS, "long"):
        assert twos[0][name]["weights"] == twos[1][name]["weights"]


@pytest.mark.parametrize("method", METHODS)
def test_a_run_moves_from_one_process_to_two_and_back(
    folder: Path, ones: dict[str, Any], twos: list[dict[str, Any]], method: str
) -> None:
    ended = one_of_several.outcome(_call(folder, f"moving-{method}", method))
    losses = [*twos[0][f"moving-{method}"]["losses"], *ended["losses"]]
    np.testing.assert_allclose(losses, ones[method]["losses"][2:], rtol=1e-5)
    _assert_close(folder / f"moving-{method}", folder / f"one-{method}")
    card = Encoder.from_pretrained(folder / f"moving-{method}").config.card
    where = {"device": "cpu", "precision": "fp32"}
    assert card["continued"] == [{"step": 8, **where, "processes": 2}, {"step": 16, **where}]
    assert any("continues on cpu in fp32 by 2 processes" in text for text in twos[0][f"moving-{method}"]["messages"])


def test_minutes_are_as_many_steps_for_all(twos: list[dict[str, Any]]) -> None:
    planned = [[text for text in two["minutes"]["messages"] if "planned" in text] for two in twos]
    assert planned[0] == planned[1] != []


def test_processes_that_were_asked_for_different_runs_say_so(folder: Path, twos: list[dict[str, Any]]) -> None:
    for two in twos:
        assert "rank 1 has opened another run" in two["differ"]["error"]
    assert not (folder / "differ").exists()


def test_why_another_process_has_ended_is_said(folder: Path, twos: list[dict[str, Any]]) -> None:
    assert "none.npz" in twos[1]["missing"]["error"]
    assert twos[0]["missing"]["error"] == f"the process of rank 1 has ended: {twos[1]['missing']['error']}"
    assert not (folder / "missing").exists()


def _torchrun(folder: Path, out: str) -> subprocess.Popen[str]:
    """Start the long run by torchrun."""
    options = f"--max-steps {LONG} --batch-size 10 --learning-rate 1e-3 --latent-dim 8 --precision fp32 --recipe paper"
    data = f"--dataset {folder / 'images.npz'} --image-size 16 --out {folder / out}"
    torchrun = "-m torch.distributed.run --nproc-per-node 2 -m ssl_irmae.cli"
    command = f"{torchrun} pretrain --method ae --network mlp {data} {options}"
    return subprocess.Popen(
        [sys.executable, *command.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _ranks(started: subprocess.Popen[str], folder: Path) -> list[int]:
    """Return the processes of a run by rank, once it has a checkpoint."""
    while not (folder / "checkpoint.pt").is_file():
        assert started.poll() is None
        time.sleep(0.01)
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
    ranks = {b"RANK=0": 0, b"RANK=1": 1}
    of = {pid: set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")) & set(ranks) for pid in children}
    return [int(pid) for pid in sorted(of, key=lambda pid: ranks[of[pid].pop()])]


def _said(started: subprocess.Popen[str], ranks: list[int], folder: Path) -> str:
    """Return the one sentence with which a run ended, of which nothing is left but what it had saved."""
    stdout, stderr = started.communicate()
    assert started.returncode != 0
    assert stdout == ""
    said = [line for line in stderr.splitlines() if line.startswith(("error: ", "stopped: "))]
    assert len(said) == 1, stderr
    assert not any(Path(f"/proc/{pid}").exists() for pid in ranks)
    assert {file.name for file in folder.iterdir()} == {".lock", "checkpoint.pt", "metrics.jsonl", "recipe.json"}
    return said[0]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are found in /proc")
@pytest.mark.usefixtures("twos")
def test_where_one_is_killed_all_end_and_the_same_command_continues(folder: Path) -> None:
    started = _torchrun(folder, "killed")
    ranks = _ranks(started, folder / "killed")
    os.kill(ranks[1], signal.SIGKILL)
    assert "the process of rank 1 has ended without a word" in _said(started, ranks, folder / "killed")
    stdout, stderr = (again := _torchrun(folder, "killed")).communicate()
    assert again.returncode == 0
    assert stderr.count(f"continuing {folder / 'killed'} at step ") == stdout.count("effective rank") == 1
    one, other = (Encoder.from_pretrained(folder / run).autoencoder.state_dict() for run in ("killed", "long"))
    assert all(torch.equal(weight, other[name]) for name, weight in one.items())


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are found in /proc")
def test_ctrl_c_stops_all_after_the_same_step(folder: Path) -> None:
    started = _torchrun(folder, "stopped")
    ranks = _ranks(started, folder / "stopped")
    started.send_signal(signal.SIGINT)
    assert "finished work is kept" in _said(started, ranks, folder / "stopped")
    assert 0 < torch.load(folder / "stopped" / "checkpoint.pt", weights_only=True)["step"] < LONG


def _second_of(count: int, batch_size: int, encoder: nn.Module | None = None) -> Pretraining:
    net = Architecture.paper(method="ae", channels=1, image_size=16, latent_dim=8).build(0)
    if encoder is not None:
        net.encoder.add_module("norm", encoder)
    return Pretraining(
        net,
        torch.from_numpy(IMAGES[:, None]),
        seed=0,
        batch_size=batch_size,
        learning_rate=1e-3,
        precision="fp32",
        device=torch.device("cpu"),
        processes=Processes(1, count),
    )


def test_a_batch_has_an_image_for_each_process() -> None:
    _second_of(3, batch_size=3)
    with pytest.raises(UserError, match="`batch_size` 3: 4 processes need an image each"):
        _second_of(4, batch_size=3)


def test_networks_that_normalise_over_a_batch_are_refused() -> None:
    _second_of(2, 10, nn.GroupNorm(2, 8))
    with pytest.raises(UserError, match=r"encoder\.norm is a BatchNorm1d, .* use GroupNorm or LayerNorm"):
        _second_of(2, 10, nn.BatchNorm1d(8))
