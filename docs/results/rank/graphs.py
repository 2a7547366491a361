"""Count wrong labels on the graphs of one encoder and of several, on MNIST development images: graphs.csv beside this.

    python docs/results/rank/graphs.py

Poisson MBO spreads the labels of a subset over the 50,000 training images that remain when 10,000 are held out; it is
judged by their true labels. A share is the share of an image's neighbours, by every part of the graph, that have its
label: rows say how many images have at least that share, and what percentage of these is wrong. Test images are not
loaded; the encoders saw all training images, without labels.
"""

import csv
from pathlib import Path

import torch
from torch import Tensor

from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.protocols.graphs.graph import build_graph
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.running.jobs import draw_subsets
from ssl_irmae.protocols.task import load_task

PARTS = (("irmae",), ("vae",), ("ae",), ("pixels",), ("irmae", "vae"), ("irmae", "vae", "ae"))
SEEDS = (100, 101, 102)


def main() -> None:
    """Write the rows."""
    task = load_task("mnist", scored_on="development")
    truth, images = task.train.labels, task.train.images
    assert truth is not None
    codes: dict[str, Tensor] = {"pixels": images.flatten(1).float() / 255}
    for name in ("irmae", "vae", "ae"):
        codes[name] = encode(Encoder.from_pretrained(f"mnist-{name}").autoencoder, images, reads="code")
    graphs = {
        " + ".join(parts): build_graph(torch.cat([codes[part] for part in parts], 1), k=10, parts=len(parts))
        for parts in PARTS
    }
    scaled = [codes[name] - codes[name].mean(0) for name in ("irmae", "vae", "ae")]
    beside = torch.cat([z / z.square().sum(1).mean().sqrt() for z in scaled], 1)
    graphs["irmae, vae, ae side by side in one graph"] = build_graph(beside, k=10)
    lines: list[list[object]] = [["graph", "labels", "subset", "share", "images", "wrong"]]
    for name, graph in graphs.items():
        for subsets in draw_subsets(Part(contenders=(), budgets=(10, 100, 1000), seeds=SEEDS), "balanced", task):
            for subset in subsets:
                i = torch.from_numpy(subset.indices)
                guess = poisson_mbo(graph, i, truth[i], 10, slack=0.1).argmax(1)
                guess[i] = truth[i]
                agree = (guess[graph.nearest] == guess[:, None]).double().mean(1)
                agree[i] = 1
                for share in (0.0, 0.8, 0.9, 1.0):
                    kept = agree >= share - 1e-9
                    wrong = 100 * (guess != truth)[kept].double().mean().item()
                    lines.append([name, len(i), subset.seed, share, int(kept.sum()), round(wrong, 3)])
    with Path(__file__).with_name("graphs.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main()
