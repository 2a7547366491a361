"""Measure what one picture costs at each size, and how the cost of a graph grows with the number of codes.

    python docs/results/scale/measure.py

Pictures: IRMAE on three channels of noise, 32 at a time; rows go to pictures.csv beside this file. Graphs: MNIST's
training codes of the bundled IRMAE, from 7,500 of them to all; rows go to graphs.csv. One thread, and processor
seconds, so that other work on the machine matters little. A second run measures only what is missing.
"""

import csv
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from ssl_irmae._support.allocator import keep_freed_memory
from ssl_irmae._support.compute import autocast, find_precision
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.networks.registry import NETWORKS
from ssl_irmae.pretraining.adam import Adam
from ssl_irmae.protocols.graphs.graph import Graph, build_graph
from ssl_irmae.protocols.graphs.neighbours import Neighbours
from ssl_irmae.protocols.graphs.poisson_equation import poisson_scores

PICTURES, GRAPHS = (Path(__file__).with_name(name) for name in ("pictures.csv", "graphs.csv"))
SIDES = (32, 64, 128, 256)
FAMILIES = ("conv", "residual")
CODES = (7_500, 15_000, 30_000, 60_000)
BATCH, LEAST_SECONDS = 32, 4.0
K, LABELS = 10, 100


def main() -> None:
    """Measure what is missing."""
    torch.set_num_threads(1)
    keep_freed_memory()
    places = [(network, str(side)) for network in FAMILIES for side in SIDES]
    complete(PICTURES, ("network", "side"), places, lambda network, side: picture(network, int(side)))
    digits = load_images("mnist")
    assert digits.labels is not None
    codes = Encoder.from_pretrained("mnist-irmae").encode(digits.images)
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(0))
    codes, labels = codes[order], digits.labels[order]
    complete(GRAPHS, ("codes",), [(str(n),) for n in CODES], lambda n: graph(codes[: int(n)], labels[: int(n)]))


def complete(
    file: Path, by: tuple[str, ...], places: Iterable[tuple[str, ...]], measure: Callable[..., dict[str, object]]
) -> None:
    """Measure every place that a file has no row of, and add its row."""
    rows: list[dict[str, object]] = []
    if file.is_file():
        with file.open(newline="", encoding="utf-8") as table:
            rows = list(csv.DictReader(table))
    done = {tuple(row[column] for column in by) for row in rows}
    for place in places:
        if place not in done:
            rows.append({**dict(zip(by, place, strict=True)), **measure(*place)})
            with file.open("w", newline="", encoding="utf-8") as table:
                writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


def picture(network: str, side: int) -> dict[str, object]:
    """Measure one family of networks at one size of pictures."""
    device = torch.device("cpu")
    precision = find_precision("auto", device)
    made = Architecture.paper(method="irmae", channels=3, image_size=side, networks=NETWORKS[network])
    autoencoder = made.build()
    few = torch.rand(2, 3, side, side)
    with FlopCounterMode(display=False) as training:
        autoencoder.loss(few).backward()
    with FlopCounterMode(display=False) as encoding, torch.no_grad():
        autoencoder.code(few)
    autoencoder = autoencoder.to(memory_format=torch.channels_last)
    optimizer = Adam(autoencoder.parameters(), 1e-4)
    x = torch.rand(BATCH, 3, side, side)

    def step() -> None:
        optimizer.zero_grad()
        with autocast(device, precision):
            loss = autoencoder.loss(x)
        loss.backward()
        optimizer.step()

    def encode() -> None:
        with torch.no_grad():
            autoencoder.code(x)

    return {
        "latent_dim": made.latent_dim,
        "depth": made.depth,
        "precision": precision,
        "flop_training": training.get_total_flops() // len(few),
        "flop_encoding": encoding.get_total_flops() // len(few),
        "core_seconds_training": f"{core_seconds(step) / BATCH:.6g}",
        "core_seconds_encoding": f"{core_seconds(encode) / BATCH:.6g}",
        # the stack folds into the encoder's last layer; a checkpoint has the whole with two moments of Adam
        "encoder_bytes": 4 * sum(p.numel() for p in autoencoder.encoder.parameters()),
        "checkpoint_bytes": 3 * 4 * sum(p.numel() for p in autoencoder.parameters()),
        "torch": torch.__version__,
    }


def graph(codes: torch.Tensor, labels: torch.Tensor) -> dict[str, object]:
    """Measure the neighbours of so many codes, their graph, and labels spread over it."""
    # caches would answer the second time
    neighbours = core_seconds(lambda: Neighbours(codes).search(codes, K, exclude_self=True), least=1)
    built: Graph = build_graph(codes, k=K)
    poisson_scores(built, torch.arange(LABELS), labels[:LABELS], 10)
    spreading = core_seconds(lambda: poisson_scores(built, torch.arange(LABELS), labels[:LABELS], 10), least=3)
    weights = built.weights
    return {
        "width": codes.shape[1],
        "core_seconds_neighbours": f"{neighbours:.6g}",
        "core_seconds_poisson": f"{spreading:.6g}",
        "classes": 10,
        "graph_bytes": weights.data.nbytes + weights.indices.nbytes + weights.indptr.nbytes,
        "torch": torch.__version__,
    }


def core_seconds(work: Callable[[], object], *, least: int = 4) -> float:
    """Return the processor time of one call: the median of so many calls at least, and of so many seconds."""
    times: list[float] = []
    while len(times) < least or sum(times) < LEAST_SECONDS:
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return statistics.median_high(times)


if __name__ == "__main__":
    main()
