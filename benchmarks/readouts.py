"""Section: the whole table of inductive readouts of codes, which are in the cache."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.measure import measure
from benchmarks.options import Options
from ssl_irmae.protocols.contenders import CONTENDERS

BUDGETS = "10,100,1000,10000,all"


def section(options: Options) -> dict[str, Any]:
    """Run every inductive readout of a code on six representations, five budgets and ten subsets, once."""
    asked = [name for name, c in CONTENDERS.items() if c.reads == "code" and not c.transductive]
    budgets, seeds = ("10,100", "2") if options.quick else (BUDGETS, "10")
    with tempfile.TemporaryDirectory() as scratch:

        def evaluate(names: list[str], labels: str, subsets: str, store: str) -> child.Child:
            return child.ssl_irmae(
                *("evaluate", "--contenders", ",".join(names), "--reference", names[0], "--labels", labels),
                *("--seeds", subsets, "--store", store, "--json", "--quiet", "--device", options.device),
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
            f"{len(asked)} contenders, labels {budgets}, {seeds} subsets, wall clock of one command; codes were in the "
            "cache, graphs were not: they are part of what first needs them",
        ],
    }
