"""Run a real checkout of the public code, for those who have one."""

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


def check_checkout(checkout: Path) -> None:
    """Check that a checkout can run.

    Raises:
        ChildError: If the folder is not such a checkout, or packages that it imports are not installed.
    """
    for file in ("train.py", "classification.py", "model.py"):
        if not (checkout / file).is_file():
            raise ChildError(f"--peer {checkout} has no {file}: clone https://github.com/facebookresearch/irmae")
    missing = [
        name
        for name in _NEEDS
        if subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, check=False).returncode
    ]
    if missing:
        packages = ", ".join("opencv-python-headless" if name == "cv2" else name for name in missing)
        raise ChildError(f"--peer cannot run: its scripts import {', '.join(missing)}; install {packages}")


def pretraining(checkout: Path, *, steps: int, device: str) -> float:
    """Run its train.py unchanged (32 loader processes) and return images per second, read off its own progress bar.

    A warm-up of a tenth as many steps is not counted. The process is stopped once enough steps are done.

    Raises:
        ChildError: If it fails before that.
    """
    with tempfile.TemporaryDirectory() as scratch:
        command = ["train.py", *("--dataset", "mnist", "-n", "128", "-l", "8", "--epochs", "1", "--model-name", "m")]
        return _steps_per_second(checkout, [*command, *_locations(Path(scratch), device)], steps=steps) * _BATCH


def downstream(checkout: Path, *, labels: int, epochs: int, device: str) -> float:
    """Run its classification.py for a few epochs, start-up included, and return the seconds its 500 would take.

    Raises:
        ChildError: If it fails.
    """
    import torch

    from benchmarks.published import EPOCHS, model

    with tempfile.TemporaryDirectory() as scratch:
        locations = _locations(Path(scratch), device)
        folder = Path(scratch) / "checkpoint" / "mnist"
        folder.mkdir(parents=True)
        torch.save(model().state_dict(), folder / "m")
        command = ["classification.py", *("-n", "128", "--train-size", str(labels), "--model-name", "m")]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *command, "--epochs", str(epochs), *locations],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ChildError(f"classification.py of --peer failed: {_last_line(done.stderr)}")
        return (time.perf_counter() - began) * EPOCHS / epochs


def _locations(scratch: Path, device: str) -> list[str]:
    """Lay out the data as the scripts expect them, from files already downloaded; return the arguments for that."""
    (scratch / "data" / "mnist").mkdir(parents=True)
    (scratch / "data" / "mnist" / "MNIST").symlink_to(default_data_dir() / "MNIST")
    locations = ["--data-path", f"{scratch}/data/", "--checkpoint", f"{scratch}/checkpoint"]
    return [*locations, "--gpu"] if device.startswith("cuda") else locations


def _steps_per_second(checkout: Path, command: list[str], *, steps: int) -> float:
    """Follow the progress bar; return steps per second once a warm-up is over."""
    warm_up = max(5, steps // 10)
    process = subprocess.Popen(
        [sys.executable, "-u", *command],
        cwd=checkout,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    output, first = b"", None
    try:
        while chunk := os.read(process.stderr.fileno(), 4096):
            output = (output + chunk)[-4096:]
            now = time.perf_counter()
            done = int(([b"0", *re.findall(rb"(\d+)/\d+ \[", output)])[-1])
            if first is None and done >= warm_up:
                first = (done, now)
            elif first is not None and done >= warm_up + steps:
                return (done - first[0]) / (now - first[1])
        raise ChildError(f"{command[0]} of --peer failed: {_last_line(output.decode(errors='replace'))}")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)  # the session includes the loader's processes
        process.wait()
        process.stderr.close()


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
