"""Put codes of several depths, or features and code, side by side as one representation: beside.csv beside this file.

    python -m docs.results.rank.beside

Parts are scaled to the same mean square. `linear` reads them side by side; the graph of `poisson-prior` is the mean of
the graphs of its parts. Encoders are the first ones of the dial; run dial.py first. Test images are not loaded.
"""

import csv
import json
from pathlib import Path

import torch
from torch import Tensor

from docs.results.rank.dial import DATASETS, settings
from docs.results.rank.trial import WORK, errors_of, load
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.protocols.task import Task, load_task

COMBINATIONS = (
    ("depth 4", "depth 8"),
    ("AE", "depth 4", "depth 8"),
    ("depth 4, features",),
    ("depth 4", "depth 4, features"),
)
KEPT = WORK / "beside"


def scaled_codes(part: str, task: Task, dataset: str) -> tuple[Tensor, Tensor]:
    """Return the codes of a place, or its features: centred, with a mean square of 1."""
    place, _, features = part.partition(", ")
    ae = load(settings(dataset, place, 0))
    z, scored = (encode(ae, x.images, reads="features" if features else "code") for x in (task.train, task.scored))
    mean = z.mean(0)
    scale = (z - mean).square().sum(1).mean().sqrt()
    return (z - mean) / scale, (scored - mean) / scale


def main() -> None:
    """Measure what is missing and write the rows."""
    KEPT.mkdir(parents=True, exist_ok=True)
    lines: list[list[object]] = [["dataset", "parts", "readout", "labels", "subset", "error"]]
    for dataset in DATASETS:
        task = load_task(dataset, scored_on="development")
        for parts in COMBINATIONS:
            kept = KEPT / f"{dataset} {' + '.join(parts)}.json"
            if not kept.exists():
                codes = [scaled_codes(part, task, dataset) for part in parts]
                z, scored = (torch.cat(each, 1) for each in zip(*codes, strict=True))
                kept.write_text(json.dumps(errors_of(z, scored, task, graph=True, parts=len(parts))))
            for readout, by_labels in json.loads(kept.read_text()).items():
                name = "poisson-prior" if readout == "prior" else readout
                for labels, errors in by_labels.items():
                    lines += [[dataset, " + ".join(parts), name, labels, s, e] for s, e in enumerate(errors, start=200)]
    with Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main()
