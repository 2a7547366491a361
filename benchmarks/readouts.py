"""Section: the whole table of inductive readouts of codes, which are in the cache."""

import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks import child
from benchmarks.measure import measure
from benchmarks.options import Options
from ssl_irmae.protocols.contenders.registry import CONTENDERS

BUDGETS = "10,100,1000,10000,all"


def section(options: Options) -> dict[str, Any]:
    """Run every inductive readout of a code on six representations, five budgets and ten subsets, once.

    In as many processes as there are threads: most of it is work that a second thread does not help.
    """
    asked = [name for name, c in CONTENDERS.items() if c.reads == "code" and not c.transductive]
    budgets, seeds = ("10,100", "2") if options.quick else (BUDGETS, "10")
    jobs = str(torch.get_num_threads() if options.device == "cpu" else 1)
    with tempfile.TemporaryDirectory() as scratch:

        def evaluate(names: list[str], labels: str, subsets: str, store: str) -> child.Child:
            return child.ssl_irmae(
                *("evaluate", "--contenders", ",".join(names), "--reference", names[0], "--labels", labels),
                *("--seeds", subsets, "--store", store, "--jobs", jobs),
                *("--json", "--quiet", "--device", options.device),
                folder=Path(scratch),
            )

        evaluate([name for name in asked if name.endswith("-centroid")], "10", "1", "codes.sqlite")
        done = evaluate(asked, budgets, seeds, "table.sqlite")
    by_readout: dict[str, float] = {}
    for name, seconds in done.json["seconds"]["by_contender"].items():
        readout = name.partition("-")[2]
        by_readout[readout] = by_readout.get(readout, 0.0) + seconds
    return {
        "measures": [
            measure("the whole table", "s", [done.seconds], at_most=None if options.quick else 900),
            *(measure(f"- {name}", "s", [seconds]) for name, seconds in by_readout.items()),
        ],
        "notes": [
            f"{len(asked)} contenders, labels {budgets}, {seeds} subsets (training seeds at the full set, of what is "
            f"random), wall clock of one command with --jobs {jobs}; the lines below it add up its processes' seconds",
            "codes were in the cache, graphs were not: they are part of what first needs them",
        ],
    }
