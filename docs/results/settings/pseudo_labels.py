"""Count how many pseudo-labels of `propagate` and of `propagate-prior` are wrong, on MNIST training images.

    python docs/results/settings/pseudo_labels.py

Labels come from the 50,000 training images that remain when 10,000 are held out, on subsets whose seeds no reported
table uses, and pseudo-labels are judged by the true labels of those 50,000. Test images are not loaded. Rows go to
pseudo_labels.csv beside this file: how many pseudo-labels are kept, and what percentage of these is wrong.
"""

import csv
import functools
from pathlib import Path

import torch

from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.graphs.poisson_equation import poisson_scores
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.learners.propagate import Scorer, pseudo_labels
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.readouts.sample import Memo, Sample
from ssl_irmae.protocols.running.jobs import draw_subsets
from ssl_irmae.protocols.task import load_task

HERE = Path(__file__).parent
SETTINGS = CONTENDERS["irmae-propagate-prior"].settings
NEIGHBOURS = int(SETTINGS["k"])
SPREADS: dict[str, Scorer] = {
    "propagate": poisson_scores,
    "propagate-prior": functools.partial(poisson_mbo, slack=float(SETTINGS["slack"])),
}
SEEDS = (100, 101, 102, 103, 104, 105)


def main() -> None:
    """Write a line for each start, budget, subset and way of spreading."""
    task = load_task("mnist", scored_on="development")
    truth, images = task.train.labels, task.train.images
    assert truth is not None  # MNIST has labels
    lines: list[list[object]] = []
    for start in ("irmae", "ae", "vae", "scratch"):
        autoencoder = None if start == "scratch" else Encoder.from_pretrained(f"mnist-{start}").autoencoder
        memo = Memo()  # holds the graph
        for subsets in draw_subsets(Part(contenders=(), budgets=(10, 100), seeds=SEEDS), "balanced", task):
            for subset in subsets:
                chosen = torch.from_numpy(subset.indices)
                cpu = torch.device("cpu")
                sample = Sample(images[chosen], truth[chosen], images, chosen, 10, subset.seed, cpu, "fp32", memo=memo)
                for name, spread in SPREADS.items():
                    kept, labels = pseudo_labels(sample, autoencoder, spread, k=NEIGHBOURS)
                    wrong = 100 * (labels != truth[kept]).double().mean().item()
                    lines.append([f"{start}-{name}", len(chosen), subset.seed, len(kept), round(wrong, 3)])
    with (HERE / "pseudo_labels.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([["contender", "budget", "seed", "kept", "wrong"], *lines])


if __name__ == "__main__":
    main()
