"""Compare `cutssl` with `poisson-prior` on development images of MNIST and Fashion-MNIST: cutssl.csv beside this file.

    python -m docs.results.settings.cutssl

A sixth of the training images is held out and scored, and labels come from the rest, on ten subsets whose seeds no
reported table uses. Settings are those in force; with exact sizes `cutssl` has no slack, as in the paper. Both were
chosen on MNIST alone, on subsets of the same images with other seeds (choose.py). Representations are pixels and the
codes of the bundled IRMAE and AE. Test images are not loaded. Printed are mean errors in percent and the mean
difference to `poisson-prior` over the subsets, each with its standard error.
"""

import csv
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.protocols.contenders.on_codes import READOUTS
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.readouts.sample import Memo, Sample
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.running.jobs import draw_subsets
from ssl_irmae.protocols.task import Task, load_task

ROWS = Path(__file__).with_suffix(".csv")
COLUMNS = ("dataset", "representation", "readout", "labels", "seed", "error")
SUBSETS = Part(contenders=(), budgets=(10, 100, 1000), seeds=tuple(range(200, 210)))
COMPARED = {
    "poisson-prior": READOUTS["poisson-prior"],
    "cutssl": READOUTS["cutssl"],
    "cutssl, exact sizes": READOUTS["cutssl"].with_settings(slack=0.0),
}


def representations(task: Task, dataset: str) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yield the name of every representation with the codes of the training and of the scored images."""
    train, scored = task.train.images, task.scored.images
    for method in ("irmae", "ae"):
        encoder = Encoder.from_pretrained(f"{dataset}-{method}")
        yield method, encoder.encode(train), encoder.encode(scored)
    floor = FLOORS["pixels"].learn(train)
    yield "pixels", floor(train), floor(scored)


def trials(dataset: str) -> Iterator[tuple[object, ...]]:
    """Yield a row for each representation, budget, readout and subset of a data set."""
    task = load_task(dataset, scored_on="development")
    assert task.train.labels is not None
    assert task.scored.labels is not None
    for name, codes, scored in representations(task, dataset):
        memo = Memo()  # holds the graph
        for subsets in draw_subsets(SUBSETS, "balanced", task):
            chosen = [torch.from_numpy(subset.indices) for subset in subsets]
            samples = [
                Sample(codes[i], task.train.labels[i], codes, i, 10, 0, torch.device("cpu"), "fp32", memo=memo)
                for i in chosen
            ]
            for readout, contender in COMPARED.items():
                for subset, predict in zip(subsets, contender.fit_all(samples, None), strict=True):
                    assert callable(predict)
                    error = 100 * (predict(scored) != task.scored.labels).double().mean().item()
                    yield dataset, name, readout, len(subset.indices), subset.seed, f"{error:.2f}"
        sys.stderr.write(f"{dataset}, {name}\n")


def report(rows: list[dict[str, str]]) -> None:
    """Print means over subsets, and what they differ by from those of `poisson-prior`."""
    errors: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        errors[row["dataset"], row["representation"], row["labels"]][row["readout"]].append(float(row["error"]))
    for place, by_readout in errors.items():
        baseline = by_readout["poisson-prior"]
        parts = [f"poisson-prior {_mean(baseline)}"]
        for readout, values in by_readout.items():
            if readout != "poisson-prior":
                difference = [a - b for a, b in zip(values, baseline, strict=True)]
                parts.append(f"{readout} {_mean(values)}, difference {_mean(difference)}")
        sys.stdout.write(f"{', '.join(place)} labels: {'; '.join(parts)}\n")


def _mean(values: list[float]) -> str:
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values) / len(values) ** 0.5:.2f}"


def main() -> None:
    """Write the rows and print what follows from them."""
    rows = [row for dataset in ("mnist", "fashion-mnist") for row in trials(dataset)]
    with ROWS.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    with ROWS.open(newline="", encoding="utf-8") as file:
        report(list(csv.DictReader(file)))


if __name__ == "__main__":
    main()
