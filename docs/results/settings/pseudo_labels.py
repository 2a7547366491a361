"""How many pseudo-labels of `propagate` and of `propagate-prior` are wrong, on MNIST training images.

    python docs/results/settings/pseudo_labels.py

Labels come from the 50,000 training images that are left where 10,000 are held out, on subsets whose seeds no reported
table uses, and pseudo-labels are judged by the true labels of those 50,000. Test images are not loaded. Rows go to
pseudo_labels.csv beside this file: how many pseudo-labels are kept, and what percentage of these is wrong.
"""

import csv
import functools
from pathlib import Path

import torch

from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.learners.propagate import pseudo_labels
from ssl_irmae.protocols.readouts import Memo, Sample
from ssl_irmae.protocols.readouts.poisson import poisson_mbo, poisson_scores
from ssl_irmae.protocols.running.trials import Part, draw_subsets
from ssl_irmae.protocols.task import load_task

HERE = Path(__file__).parent
SETTINGS = CONTENDERS["irmae-propagate-prior"].settings
SPREADS = {"propagate": poisson_scores, "propagate-prior": functools.partial(poisson_mbo, slack=SETTINGS["slack"])}
SEEDS = (100, 101, 102, 103, 104, 105)


def main() -> None:
    """Write a line for each start, budget, subset and way of spreading."""
    data = load_task("mnist", scored_on="development")
    truth = data.train.labels
    lines = []
    for start in ("irmae", "ae", "vae", "scratch"):
        autoencoder = None if start == "scratch" else Encoder.from_pretrained(f"mnist-{start}").autoencoder
        memo = Memo()  # the graph
        for subsets in draw_subsets(Part(contenders=(), budgets=(10, 100), seeds=SEEDS), "balanced", data):
            for subset in subsets:
                chosen = torch.from_numpy(subset.indices)
                images = data.train.images
                sample = Sample(
                    images[chosen], truth[chosen], images, chosen, 10, subset.seed, torch.device("cpu"), "fp32", memo
                )
                for name, spread in SPREADS.items():
                    kept, labels = pseudo_labels(sample, autoencoder, spread, k=SETTINGS["k"])
                    wrong = 100 * (labels != truth[kept]).double().mean().item()
                    lines.append([f"{start}-{name}", len(chosen), subset.seed, len(kept), round(wrong, 3)])
    with (HERE / "pseudo_labels.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([["contender", "budget", "seed", "kept", "wrong"], *lines])


if __name__ == "__main__":
    main()
