"""Count wrong labels on the graphs of one encoder and of several, on development images: graphs.csv beside this file.

    python -m docs.results.rank.graphs

Poisson MBO spreads the labels of a subset over the 50,000 training images that remain when 10,000 are held out; it is
judged by their true labels. A share is the share of an image's neighbours, by every part of the graph, that have its
label: rows say how many images have at least that share, and what percentage of these is wrong. Encoders are the
bundled ones, which saw all training images of MNIST without labels, and those of the dial, of three methods or three
pretraining seeds (run dial.py first). Test images are not loaded.
"""

import csv
from pathlib import Path

import torch
from torch import Tensor

from docs.results.rank.dial import DATASETS, settings
from docs.results.rank.trial import load
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.protocols.graphs.graph import Graph, build_graph
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.running.jobs import draw_subsets
from ssl_irmae.protocols.task import Task, load_task

PARTS = (("irmae",), ("vae",), ("ae",), ("pixels",), ("irmae", "vae"), ("irmae", "vae", "ae"))
OF_DIAL = {
    "dial, depth 4": (("depth 4", 0),),
    "dial, depth 4 from three seeds": (("depth 4", 0), ("depth 4", 1), ("depth 4", 2)),
    "dial, depth 4 + depth 2 + AE": (("depth 4", 0), ("depth 2", 0), ("AE", 0)),
}
SEEDS = (100, 101, 102)


def bundled_graphs(images: Tensor) -> dict[str, Graph]:
    """Build the graphs of bundled encoders and of pixels, alone, as means, and of codes side by side."""
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
    return graphs


def dial_graphs(dataset: str, images: Tensor) -> dict[str, Graph]:
    """Build the graphs of encoders of the dial."""
    places = {place for places in OF_DIAL.values() for place in places}
    codes = {place: encode(load(settings(dataset, *place)), images, reads="code") for place in sorted(places)}
    return {
        name: build_graph(torch.cat([codes[place] for place in places], 1), k=10, parts=len(places))
        for name, places in OF_DIAL.items()
    }


def measure(name: str, graph: Graph, task: Task, dataset: str) -> list[list[object]]:
    """Count wrong labels of every subset."""
    lines: list[list[object]] = []
    truth = task.train.labels
    assert truth is not None
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
                lines.append([dataset, name, len(i), subset.seed, share, int(kept.sum()), round(wrong, 3)])
    return lines


def main() -> None:
    """Write the rows."""
    lines: list[list[object]] = [["dataset", "graph", "labels", "subset", "share", "images", "wrong"]]
    for dataset in DATASETS:
        task = load_task(dataset, scored_on="development")
        images = task.train.images
        graphs = {**(bundled_graphs(images) if dataset == "mnist" else {}), **dial_graphs(dataset, images)}
        for name, graph in graphs.items():
            lines += measure(name, graph, task, dataset)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main()
