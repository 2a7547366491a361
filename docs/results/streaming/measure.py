"""Measure pretraining on images five times the memory that is allowed: rows in streaming.csv beside this file.

    OMP_NUM_THREADS=1 python -m docs.results.streaming.measure

The images are the synthetic shapes, doubled to 64x64 pixels in colour: a .npy file, a copy of it, and a folder of PNG
files, all in a temporary folder. Four processes are ready at the same time and train in turn, a few steps each, so that
whatever else the machine does slows all of them:

- resident: the array file is read into memory, without a limit;
- array: the file is mapped;
- array, cold: the copy is mapped, and before each turn the system forgets what it has read of it;
- folder: the pictures.

The last three may have `ALLOWED` bytes of data beyond what they have after importing (RLIMIT_DATA), a fifth of the
images. Each then encodes the first images. Memory is what the process had at most beyond its imports, sampled 50 times
per second: data is what the limit counts, anonymous what cannot be dropped and read again. Takes about six minutes.
"""

import contextlib
import csv
import ctypes
import json
import mmap
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from docs.extending.small_network import small
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.registry import Dataset, load_images
from ssl_irmae.datasets.shapes import generate
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.networks.registry import find_networks
from ssl_irmae.pretraining.open_run import make_run
from ssl_irmae.pretraining.run_folder import Run

ALLOWED = 200 * 10**6
TIMES = 5
SIZE = 64
IMAGES = -(-TIMES * ALLOWED // (3 * SIZE**2))
TURNS, STEPS = 8, 50
ENCODED = 20_000
FORMS = ("resident", "array", "array, cold", "folder")


def main() -> None:
    """Write the images, and have one process per form measured in turn."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, contextlib.ExitStack() as processes:
        folder = Path(name)
        write(folder)
        children = {}
        for form in FORMS:
            command = [sys.executable, "-m", "docs.results.streaming.measure", form, name]
            children[form] = processes.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            answer(children[form])  # loaded
        rates: dict[str, list[float]] = {form: [] for form in FORMS}
        for _ in range(TURNS):
            for form, child in children.items():
                rates[form].append(float(ask(child, "train")["rate"]))
        found = {form: ask(child, "finish") for form, child in children.items()}
    resident = rates["resident"]
    lines = []
    for form, measured in found.items():
        relative = [a / b for a, b in zip(rates[form], resident, strict=True)]
        lines.append(
            {
                "form": form,
                "images": IMAGES,
                "bytes": IMAGES * 3 * SIZE**2,
                "allowed": "" if form == "resident" else ALLOWED,
                "images_per_second": round(statistics.median(rates[form]), 1),
                "relative": round(statistics.median(relative), 3),
                "relative_least": round(min(relative), 3),
                "relative_most": round(max(relative), 3),
                **measured,
            }
        )
    with Path(__file__).with_name("streaming.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def ask(child: "subprocess.Popen[str]", what: str) -> dict[str, float]:
    """Send a process a line and return what it answers."""
    assert child.stdin is not None
    child.stdin.write(f"{what}\n")
    child.stdin.flush()
    return answer(child)


def answer(child: "subprocess.Popen[str]") -> dict[str, float]:
    """Return the next line that a process writes."""
    assert child.stdout is not None
    found: dict[str, float] = json.loads(child.stdout.readline())
    return found


def say(what: dict[str, float]) -> None:
    """Write a line that ``answer`` returns."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def write(folder: Path) -> None:
    """Write the images as an array, a copy of it and a folder."""
    array = np.lib.format.open_memmap(folder / "array.npy", "w+", np.uint8, (IMAGES, 3, SIZE, SIZE))
    (folder / "folder").mkdir()
    for start in range(0, IMAGES, 5_000):
        some = generate(min(5_000, IMAGES - start), seed=start).images.numpy()
        large = some.repeat(2, axis=2).repeat(2, axis=3)
        array[start : start + len(large)] = large
        for i, image in enumerate(np.moveaxis(large, 1, 3)):
            Image.fromarray(image).save(folder / "folder" / f"{start + i:06}.png", compress_level=1)
    array.flush()
    shutil.copy(folder / "array.npy", folder / "copy.npy")


class Memory:
    """What this process had at most beyond what it has now."""

    def __init__(self) -> None:
        self.before = {name: status(name) for name in ("VmData", "RssAnon")}
        self.most = dict(self.before)
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        while True:
            self.most = {name: max(most, status(name)) for name, most in self.most.items()}
            time.sleep(0.02)

    def megabytes(self, name: str) -> int:
        """Return the most, in megabytes."""
        return round((self.most[name] - self.before[name]) / 1e6)


def status(name: str) -> int:
    """Return a number of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def read_from_disk() -> int:
    """Return how many bytes this process has had read from the disk."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes:"))


def measure(form: str, folder: Path) -> None:
    """Load the images in one form, then train or finish as standard input says."""
    memory = Memory()
    if form != "resident":
        resource.setrlimit(resource.RLIMIT_DATA, (memory.before["VmData"] + ALLOWED,) * 2)
    path = folder / {"folder": "folder", "array, cold": "copy.npy"}.get(form, "array.npy")
    dataset: Dataset = path
    if form == "resident":
        dataset = ImageSet("resident", torch.from_numpy(np.load(path)))
    start = time.perf_counter()
    run = open_run(dataset, folder / f"run of {form}")
    loading = time.perf_counter() - start
    train(run, STEPS)  # to warm up
    disk = 0
    say({})
    for line in sys.stdin:
        if line == "train\n":
            if form == "array, cold":
                forget(run.state.images, path)
            before = read_from_disk()
            rate = train(run, STEPS)
            disk += read_from_disk() - before
            say({"rate": rate})
            continue
        start = time.perf_counter()
        encode(run.state.autoencoder, run.state.images[:ENCODED], reads="code")
        found = {
            "encoded_per_second": round(ENCODED / (time.perf_counter() - start)),
            "seconds_to_load": round(loading, 1),
            "data_mb": memory.megabytes("VmData"),
            "anonymous_mb": memory.megabytes("RssAnon"),
            "read_mb": round(disk / 1e6),
        }
        say(found)
        return


def open_run(dataset: Dataset, folder: Path) -> Run:
    """Open a pretraining of a network so small and fast that reading images would show."""
    networks = find_networks(small, channels=3, image_size=SIZE, code=32)

    def architecture(_images: int, channels: int, size: int) -> Architecture:
        return Architecture.paper(
            method="irmae", channels=channels, image_size=size, latent_dim=32, depth=2, networks=networks
        )

    return make_run(
        folder,
        architecture=architecture,
        dataset=dataset,
        image_size=SIZE,
        recipe="paper",
        precision="fp32",
        device="cpu",
        seed=0,
    )


def train(run: Run, steps: int) -> float:
    """Train further and return images per second."""
    start, first = time.perf_counter(), run.state.step
    for _ in run.state.run(max_steps=first + steps):
        pass
    rate = steps * run.recipe.batch_size / (time.perf_counter() - start)
    run.save()  # its memory counts
    return rate


def forget(images: Tensor, path: Path) -> None:
    """Have the system forget what it has read of a file that is mapped as these images."""
    page = mmap.PAGESIZE
    start = images.data_ptr() // page * page
    size = images.data_ptr() + images.nbytes - start
    if ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), mmap.MADV_DONTNEED):
        raise OSError("madvise failed")
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        load_images("digits")  # what is imported with the first images does not count
        Image.init()
        torch.set_num_threads(1)
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
