"""Section: how long the first protocol takes from a fresh start."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.measure import measure
from benchmarks.options import Options
from ssl_irmae.protocols.presets import find_preset

EIGHT = find_preset("mnist-quick").parts[0].contenders
FROZEN = "irmae-linear,ae-linear,vae-linear"


def section(options: Options) -> dict[str, Any]:
    """Time `evaluate --labels 100 --seeds 10` with the eight contenders of `mnist-quick` and frozen readouts alone."""
    seeds = 2 if options.quick else 10
    runs = {
        "eight contenders": (["--contenders", ",".join(EIGHT)], 180.0),
        "frozen readouts alone": (["--contenders", FROZEN, "--baseline", "irmae-linear"], 20.0),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    stages: dict[str, dict[str, list[float]]] = {name: {} for name in runs}
    for _ in range(options.repeats):
        for name, (arguments, _) in runs.items():
            with tempfile.TemporaryDirectory() as scratch:
                done = child.ssl_irmae(
                    *("evaluate", "--labels", "100", "--seeds", str(seeds), *arguments),
                    *("--json", "--quiet", "--device", options.device),
                    folder=Path(scratch),
                )
            seconds[name].append(done.seconds)
            for stage, value in done.json["seconds"]["stages"].items():
                stages[name].setdefault(stage, []).append(value)
    measures = []
    for name, (_, aim) in runs.items():
        measures.append(measure(name, "s", seconds[name], at_most=aim))
        measures += [measure(f"- {stage}", "s", values) for stage, values in stages[name].items() if max(values) > 0.05]
    return {
        "measures": measures,
        "notes": [
            f"wall clock of `evaluate --labels 100 --seeds {seeds}`, interpreter and imports included, a fresh store",
            *(["--quick ran fewer subsets than the aim is about"] if options.quick else []),
        ],
    }
