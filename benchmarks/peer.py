"""Runs a real checkout of the public reference code, where somebody has one."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.child import ChildError
from ssl_irmae.datasets.registry import default_data_dir

_NEEDS = ("torch", "torchvision", "numpy", "tqdm", "cv2")
_BATCH = 32


def refuse_if_it_cannot_run(checkout: Path) -> None:
    """Say in a sentence what is missing.

    Raises:
        ChildError: If the folder is no such checkout, or its packages are not there.
    """
    for file in ("train.py", "classification.py", "model.py"):
        if not (checkout / file).is_file():
            raise ChildError(f"--peer {checkout} holds no {file}: clone https://github.com/facebookresearch/irmae")
    absent = [
        name
        for name in _NEEDS
        if subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, check=False).returncode
    ]
    if absent:
        packages = ", ".join("opencv-python-headless" if name == "cv2" else name for name in absent)
        raise ChildError(f"--peer cannot run here: its scripts import {', '.join(absent)}; install {packages}")


def pretraining(checkout: Path, *, steps: int, device: str) -> float:
    """Run its train.py as it is (32 loader processes) and return images a second, by its own progress bar.

    The first tenth of the steps is not counted. The process is stopped once enough steps are done.

    Raises:
        ChildError: If it fails before.
    """
    with tempfile.TemporaryDirectory() as scratch:
        command = ["train.py", *("--dataset", "mnist", "-n", "128", "-l", "8", "--epochs", "1", "--model-name", "m")]
        return _rate(checkout, [*command, *_places(Path(scratch), device)], steps=steps) * _BATCH


def downstream(checkout: Path, *, labels: int, epochs: int, device: str) -> float:
    """Run its classification.py for a few epochs, start included, and return seconds for its 500."""
    import torch

    from benchmarks.reference import EPOCHS, model

    with tempfile.TemporaryDirectory() as scratch:
        places = _places(Path(scratch), device)
        folder = Path(scratch) / "checkpoint" / "mnist"
        folder.mkdir(parents=True)
        torch.save(model().state_dict(), folder / "m")
        command = ["classification.py", *("-n", "128", "--train-size", str(labels), "--model-name", "m")]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *command, "--epochs", str(epochs), *places],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ChildError(f"classification.py of --peer failed: {_last_words(done.stderr)}")
        return (time.perf_counter() - began) * EPOCHS / epochs


def _places(scratch: Path, device: str) -> list[str]:
    """Lay out data as it wants them, from the files that are here already."""
    (scratch / "data" / "mnist").mkdir(parents=True)
    (scratch / "data" / "mnist" / "MNIST").symlink_to(default_data_dir() / "MNIST")
    places = ["--data-path", f"{scratch}/data/", "--checkpoint", f"{scratch}/checkpoint"]
    return [*places, "--gpu"] if device.startswith("cuda") else places


def _rate(checkout: Path, command: list[str], *, steps: int) -> float:
    """Follow the progress bar; return steps a second between a tenth of the steps and all of them."""
    warm_up = max(5, steps // 10)
    process = subprocess.Popen(
        [sys.executable, "-u", *command],
        cwd=checkout,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    seen, first = b"", None
    try:
        while piece := os.read(process.stderr.fileno(), 4096):
            seen = (seen + piece)[-4096:]
            now = time.perf_counter()
            done = int(([b"0", *re.findall(rb"(\d+)/\d+ \[", seen)])[-1])
            if first is None and done >= warm_up:
                first = (done, now)
            elif first is not None and done >= warm_up + steps:
                return (done - first[0]) / (now - first[1])
        raise ChildError(f"{command[0]} of --peer failed: {_last_words(seen.decode(errors='replace'))}")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)  # the loader's processes too: they are all this session's
        process.wait()
        process.stderr.close()


def _last_words(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "it ended without a word"
