"""Compare where Poisson MBO starts from with one label per class, and how parts are named: naming.csv beside this file.

    python -m docs.results.rank.naming

The 50,000 training images of MNIST and of Fashion-MNIST that remain when 10,000 are held out are labelled from subsets
of ten labels, and judged by their true labels. MNIST has the bundled encoders, which saw all training images without
labels, Fashion-MNIST those of the dial at depth 4, depth 2 and 0. Graphs are that of the first encoder, and the mean of
all three. Rows:

- `poisson` and `partition`: Poisson MBO from Poisson learning, or from the lowest cut of 16 partitions that were found
  without any label and named by the ten;
- others: that partition as it is, named by the share of walks of 10 or 30 steps that end in a part, its root or log.

Run dial.py first. Test images are not loaded.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from docs.results.rank.dial import settings
from docs.results.rank.trial import load
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.protocols.graphs.graph import Graph, LabelledNodes, build_graph
from ssl_irmae.protocols.graphs.partition import lowest_cut
from ssl_irmae.protocols.graphs.poisson_equation import PoissonEquation
from ssl_irmae.protocols.graphs.poisson_mbo import mbo_scores
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.running.jobs import draw_subsets
from ssl_irmae.protocols.task import Task, load_task

SUBSETS = {"mnist": (60, 1000), "fashion-mnist": (30, 300)}  # that are sharpened, and that are only named
STEPS = (10, 30)
WORTH: dict[str, Callable[[Any], Any]] = {"share": lambda p: p, "root": np.sqrt, "log": lambda p: np.log(p + 1e-6)}
CLASSES, SLACK, STARTS, AT_ONCE = 10, 0.1, 16, 10


def codes_of(task: Task, dataset: str) -> list[Tensor]:
    """Encode the training images by three encoders."""
    if dataset == "mnist":
        encoders = [Encoder.from_pretrained(f"mnist-{name}").autoencoder for name in ("irmae", "vae", "ae")]
    else:
        encoders = [load(settings(dataset, place, 0)) for place in ("depth 4", "depth 2", "AE")]
    return [encode(encoder, task.train.images, reads="code") for encoder in encoders]


def errors_by_start(graph: Graph, labelled: list[LabelledNodes], truth: Tensor) -> dict[str, list[float]]:
    """Run Poisson MBO from both starts: errors in percent, one for each subset."""
    equation, found = PoissonEquation(graph), {}
    for name, starts in (("poisson", 0), ("partition", STARTS)):
        found[name] = [
            100 * (scores.argmax(1) != truth).double().mean().item()
            for first in range(0, len(labelled), AT_ONCE)
            for scores in mbo_scores(equation, labelled[first : first + AT_ONCE], CLASSES, slack=SLACK, starts=starts)
        ]
    return found


def errors_by_name(graph: Graph, labelled: list[LabelledNodes], truth: Tensor) -> dict[str, list[float]]:
    """Name the partition in every way: errors in percent, one for each subset."""
    part = lowest_cut(graph, CLASSES, slack=SLACK, starts=STARTS)
    ends = np.eye(CLASSES, dtype=np.float32)[part]
    in_order = truth.numpy()[graph.order]
    found: dict[str, list[float]] = {}
    for step in range(1, max(STEPS) + 1):
        ends = graph.walk @ ends
        for name, worth_of in WORTH.items() if step in STEPS else ():
            errors = []
            for positions, labels in labelled:
                worth = np.zeros((CLASSES, CLASSES))
                np.add.at(worth, labels.numpy(), worth_of(ends[graph.place[positions.numpy()]]))
                class_of = np.argsort(linear_sum_assignment(worth, maximize=True)[1])
                errors.append(100 * float((class_of[part] != in_order).mean()))
            found[f"{name}, {step} steps"] = errors
    return found


def main() -> None:
    """Write the rows."""
    lines: list[list[object]] = [["dataset", "graph", "start", "subset", "error"]]
    for dataset, (sharpened, named) in SUBSETS.items():
        task = load_task(dataset, scored_on="development")
        truth = task.train.labels
        assert truth is not None
        codes = codes_of(task, dataset)
        (subsets,) = draw_subsets(Part(contenders=(), budgets=(10,), seeds=tuple(range(named))), "balanced", task)
        labelled = [(i := torch.from_numpy(subset.indices), truth[i]) for subset in subsets]
        graphs = {"first": build_graph(codes[0], k=10), "fused": build_graph(torch.cat(codes, 1), k=10, parts=3)}
        for name, graph in graphs.items():
            errors = {**errors_by_start(graph, labelled[:sharpened], truth), **errors_by_name(graph, labelled, truth)}
            lines += [
                [dataset, name, start, s, round(e, 3)] for start, each in errors.items() for s, e in enumerate(each)
            ]
    with Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main()
