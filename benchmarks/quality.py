"""Section: whether speed costs quality: reconstruction, effective rank and error at 100 labels, beside fp32."""

import contextlib
import math
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.measure import measure
from benchmarks.options import Options
from ssl_irmae._support.environment import describe_environment

RATE = 5e-4  # gets as far in 4 epochs as the paper's rate in many
SLOW = "batch 32, fp32"
QUANTITIES = {"reconstruction error, training images": "MSE", "effective rank": "", "error at 100 labels, linear": "%"}


def section(options: Options) -> dict[str, Any]:
    """Pretrain IRMAE from several seeds with each precision and batch size, for the same number of epochs.

    Errors are measured on held-out training images: the result may choose a setting, and test images must not.
    """
    epochs = 1 if options.quick else 4
    seeds = range(max(2, options.repeats))
    settings = {
        SLOW: (32, RATE, "fp32"),
        "batch 32": (32, RATE, "auto"),
        f"batch {options.large_batch}": (options.large_batch, options.large_rate, "auto"),
    }
    measured: dict[tuple[str, str], list[float]] = {}
    with _folder(epochs) as folder:
        for seed in seeds:
            for name, (batch, rate, precision) in settings.items():
                run = f"{precision}-batch-{batch}-rate-{rate:g}-seed-{seed}"
                card = child.ssl_irmae(
                    *("pretrain", "--epochs", str(epochs), "--seed", str(seed), "--out", run, "--json", "--quiet"),
                    *("--batch-size", str(batch), "--learning-rate", str(rate), "--precision", precision),
                    *("--recipe", "paper", "--device", options.device),
                    folder=folder,
                ).json["config"]["card"]
                document = child.ssl_irmae(
                    *("evaluate", "--labels", "100", "--seeds", "10", "--encoder", run, "--json", "--quiet"),
                    *("--contenders", f"{run}-linear", "--baseline", f"{run}-linear", "--device", options.device),
                    *("--scored-on", "development"),
                    folder=folder,
                ).json
                values = (
                    card["reconstruction_mse_train"],
                    card["effective_rank"],
                    statistics.mean(row["error"] for row in document["rows"]),
                )
                for quantity, value in zip(QUANTITIES, values, strict=True):
                    measured.setdefault((quantity, name), []).append(value)
    measures = [
        measure(f"{quantity}: {name}", QUANTITIES[quantity], repeats) for (quantity, name), repeats in measured.items()
    ]
    measures.sort(key=lambda m: list(QUANTITIES).index(m["what"].split(":")[0]))
    for (quantity, name), repeats in measured.items():
        if name != SLOW:
            distance = worse_by(repeats, measured[quantity, SLOW])
            measures.append(measure(f"{quantity}: {name}, worse than fp32 by", "SE", [distance], at_most=1))
    return {
        "measures": measures,
        "notes": [
            f"IRMAE on MNIST, {epochs} epochs; {RATE:g} is the learning rate at batch 32, {options.large_rate:g} at "
            f"batch {options.large_batch}; n training seeds; errors are means over the same 10 subsets, on 10,000 "
            "held-out training images",
            f"SE: the standard error (ddof = 1) of {SLOW} over these {len(seeds)} seeds, itself a rough figure; "
            "negative is better than fp32; a higher rank counts as worse",
        ],
    }


@contextlib.contextmanager
def _folder(epochs: int) -> Iterator[Path]:
    """Yield a folder for the runs; for committed code a permanent one, so that the command resumes after a kill."""
    commit = str(describe_environment()["commit"] or "+changes")
    if commit.endswith("+changes"):
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch)
        return
    folder = Path("runs") / f"quality-{commit}-{epochs}-epochs"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def worse_by(values: list[float], baseline: list[float]) -> float:
    """Return by how many standard errors of the baseline's mean another mean is worse: smaller is better.

    >>> worse_by([3.0, 5.0], [1.0, 3.0])
    2.0
    """
    error = statistics.stdev(baseline) / math.sqrt(len(baseline))
    return (statistics.mean(values) - statistics.mean(baseline)) / error
