"""Section: the whole table of inductive readouts on cached codes."""

import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks import child
from benchmarks.measure import measure
from benchmarks.options import Options
from ssl_irmae.protocols.contenders.registry import CONTENDERS, SETTING_GROUPS

BUDGETS = "10,100,1000,10000,all"


def section(options: Options) -> dict[str, Any]:
    """Run every inductive readout on the codes of six representations, five budgets and ten subsets, once.

    It runs in as many processes as there are threads, as a second thread speeds up little of the work.
    """
    readouts = {name: readout for readout, group in SETTING_GROUPS.items() for name in group}
    names = [name for name, c in CONTENDERS.items() if name in readouts and c.reads == "code" and not c.transductive]
    budgets, seeds = ("10,100", "2") if options.quick else (BUDGETS, "10")
    jobs = str(torch.get_num_threads() if options.device == "cpu" else 1)
    with tempfile.TemporaryDirectory() as scratch:

        def evaluate(contenders: list[str], labels: str, subsets: str, store: str) -> child.Child:
            return child.ssl_irmae(
                *("evaluate", "--contenders", ",".join(contenders), "--baseline", contenders[0], "--labels", labels),
                *("--seeds", subsets, "--store", store, "--jobs", jobs),
                *("--json", "--quiet", "--device", options.device),
                folder=Path(scratch),
            )

        # the cheapest readout fills the cache of codes
        evaluate([name for name in names if CONTENDERS[name].readout == "centroid"], "10", "1", "codes.sqlite")
        done = evaluate(names, budgets, seeds, "table.sqlite")
    by_readout: dict[str, float] = {}
    for name, seconds in done.json["seconds"]["by_contender"].items():
        by_readout[readouts[name]] = by_readout.get(readouts[name], 0.0) + seconds
    return {
        "measures": [
            measure("the whole table", "s", [done.seconds], at_most=None if options.quick else 900),
            *(measure(f"- {readout}", "s", [seconds]) for readout, seconds in by_readout.items()),
        ],
        "notes": [
            f"{len(names)} contenders, labels {budgets}, {seeds} subsets (at the full set training seeds, of what is "
            f"random), wall clock of one command with --jobs {jobs}; the lines below add up its processes' seconds",
            "codes were cached, graphs were not: they count for the readout that first needs them",
        ],
    }
