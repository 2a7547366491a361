"""The tables of docs/scale.md, carried from what was measured to larger sets; docs/tables.py writes them."""

import gzip
import json
from math import log2
from pathlib import Path

import numpy as np

from docs.markdown import Row, read_rows, table

RESULTS = Path(__file__).parent / "results"
IMAGENET = 1_281_167
CLASSES = 1_000
SHORT, PAPER = 10, 100  # epochs
GPU = 100e12  # operations per second that a GPU is assumed to keep up
ENCODERS = 1_000
MNIST, SCORED = 60_000, 10_000
TRIALS = 9 * 5 * 10  # readouts, budgets and subsets of the benchmark


def blocks() -> dict[str, str]:
    """Return the generated blocks by name."""
    return {"pretraining": pretraining(), "graphs": graphs(), "encoders": encoders()}


def pretraining() -> str:
    """Lay out what one pretraining on ImageNet's training images costs, by network and size of pictures."""
    lines = []
    for row in read_rows("pictures.csv", "scale"):
        side, width = int(row["side"]), int(row["latent_dim"])
        gpu = IMAGENET * SHORT * float(row["flop_training"]) / GPU / 3600
        lines.append(
            (
                f"{row['network']}, {side} pixels",
                f"{float(row['flop_training']) / 1e9:.2f}",
                hours(IMAGENET * SHORT * float(row["core_seconds_training"])),
                hours(IMAGENET * PAPER * float(row["core_seconds_training"])),
                f"{gpu:.2f}",
                hours(IMAGENET * float(row["core_seconds_encoding"])),
                gigabytes(IMAGENET * 3 * side**2),
                gigabytes(IMAGENET * width * 4),
            )
        )
    head = (
        "network | GFLOP per picture | 10 epochs, core-h | 100 epochs, core-h | 10 epochs, GPU-h | encoding, core-h | "
        "pixels, GB | codes, GB"
    )
    return table(head, lines)


def graphs() -> str:
    """Lay out what the graph of so many codes costs, measured and extrapolated by the slope of the last doubling."""
    measured = read_rows("graphs.csv", "scale")
    last = measured[-1]
    lines = [
        (
            f"{int(row['codes']):,}, measured",
            f"{float(row['core_seconds_neighbours']):.2f}",
            f"{float(row['core_seconds_poisson']):.2f}",
            gigabytes(float(row["graph_bytes"])),
            gigabytes(int(row["codes"]) * 10 * 4),
        )
        for row in measured
    ]
    times = IMAGENET / int(last["codes"])
    classes = CLASSES / int(last["classes"])
    lines.append(
        (
            f"{IMAGENET:,} and {CLASSES:,} classes, extrapolated",
            f"{carried(measured, 'core_seconds_neighbours', times):,.0f}",
            f"{carried(measured, 'core_seconds_poisson', times) * classes:,.0f}",
            gigabytes(times * float(last["graph_bytes"])),
            gigabytes(IMAGENET * CLASSES * 4),
        )
    )
    return table("codes | neighbours, core-s | Poisson, core-s | graph, GB | scores of all classes, GB", lines)


def carried(measured: list[Row], column: str, times: float) -> float:
    """Extrapolate a cost to so many times the last size, by the slope of the last doubling."""
    before, last = (float(row[column]) for row in measured[-2:])
    return float(last * times ** log2(last / before))


def encoders() -> str:
    """Lay out what a thousand encoders cost, of as many images as MNIST has and as ImageNet has."""
    pictures = {(row["network"], row["side"]): row for row in read_rows("pictures.csv", "scale")}
    bench = json.loads((RESULTS / "performance" / "bench.json").read_text())["sections"]["readouts"]
    whole = next(m for m in bench["measures"] if m["what"] == "the whole table")["median"]
    # 54 contenders of six representations, in two processes
    judging = whole * 2 / 6
    folder = RESULTS / "mnist-label-budgets"
    stored, mistakes = gzip.decompress((folder / "rows.csv.gz").read_bytes()), folder / "mistakes.npz"
    trials = stored.count(b"\n") - 1
    with np.load(mistakes) as arrays:  # of some of the trials
        per_trial = len(stored) / trials + mistakes.stat().st_size / len(arrays["predictions"])
    lines = []
    for name, count, scored, key in (
        ("60,000 colour images, conv, 32 pixels", MNIST, SCORED, ("conv", "32")),
        ("ImageNet's size, residual, 64 pixels", IMAGENET, 50_000, ("residual", "64")),
    ):
        row = pictures[key]
        train = ENCODERS * count * SHORT * float(row["core_seconds_training"])
        encode = ENCODERS * (count + scored) * float(row["core_seconds_encoding"])
        lines.append(
            (
                name,
                hours(train),
                hours(encode),
                hours(ENCODERS * judging) if count == MNIST else "not measured",
                gigabytes(ENCODERS * float(row["encoder_bytes"])),
                gigabytes(ENCODERS * (count + scored) * int(row["latent_dim"]) * 4),
                gigabytes(ENCODERS * TRIALS * per_trial),
            )
        )
    head = (
        "1,000 encoders | pretraining, core-h | encoding, core-h | frozen readouts, core-h | encoders, GB | "
        "codes, GB | 450 trials each, GB"
    )
    return table(head, lines)


def hours(seconds: float) -> str:
    """Write seconds as hours, with two significant digits."""
    value = seconds / 3600
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def gigabytes(count: float) -> str:
    """Write bytes as gigabytes (10^9), with two significant digits."""
    value = count / 1e9
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
