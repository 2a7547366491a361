"""Measure the losses of one and of two processes, step by step: rows in losses.csv beside this file.

    python docs/results/several-devices/measure.py

Each method trains on MNIST for the first steps of the recipe ``short`` with batches of 32, in fp32 on the CPU, with one
thread per process. torchrun starts this script again, with one process and then with two, which exchange through gloo.
Seconds are those since the first step; reading the loss of every step is part of them.
"""

import csv
import subprocess
import sys
import time
from pathlib import Path

import torch

from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import fit_images
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.pretraining.loop import Pretraining
from ssl_irmae.pretraining.processes import Processes
from ssl_irmae.pretraining.recipes import find_recipe
from ssl_irmae.pretraining.together import together

METHODS, COUNTS, STEPS = ("irmae", "vae"), (1, 2), 100
FILE = Path(__file__).with_name("losses.csv")


def main() -> None:
    """Measure one number of processes after the other."""
    with FILE.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(["method", "processes", "step", "loss", "seconds"])
    for count in COUNTS:
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(count)]
        subprocess.run([*torchrun, __file__, "one"], check=True)


def train(processes: Processes) -> None:
    """Train as one of several processes; the first appends the rows."""
    recipe, images = find_recipe("short"), load_images("mnist").images
    x = fit_images(images, channels=1, image_size=32)
    for method in METHODS:
        networks = Architecture.paper(method=method, channels=1, image_size=32, most_depth=recipe.most_depth(len(x)))
        state = Pretraining(
            networks.build(0),
            x,
            seed=0,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            precision="fp32",
            device=torch.device("cpu"),
            processes=processes,
        )
        start, lines = time.perf_counter(), []
        for step in range(1, STEPS + 1):
            (record,) = state.run(max_steps=step)
            lines.append([method, processes.count, step, record.recent_loss, round(time.perf_counter() - start, 3)])
        if processes.first:
            with FILE.open("a", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["one"]:
        torch.set_num_threads(1)
        with together("cpu") as together_with:
            train(together_with)
    else:
        main()
