"""Section: trials in two processes against one."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.measure import measure, ratios
from benchmarks.options import Options


def section(options: Options) -> dict[str, Any]:
    """Time the trials of one end-to-end contender with --jobs 1 and 2, in turn."""
    seeds, steps = (2, 20) if options.quick else (8, 300)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(options.repeats):
        for jobs, values in seconds.items():
            with tempfile.TemporaryDirectory() as scratch:
                document = child.ssl_irmae(
                    *("evaluate", "--labels", "100", "--seeds", str(seeds), "--contenders", "supervised"),
                    *("--steps", str(steps)),
                    *("--jobs", str(jobs), "--json", "--quiet", "--device", options.device),
                    folder=Path(scratch),
                ).json
            values.append(document["seconds"]["stages"]["trials"])
    return {
        "measures": [
            *(measure(f"--jobs {jobs}", "s", values) for jobs, values in seconds.items()),
            ratios("--jobs 1 to --jobs 2", seconds[1], seconds[2]),
        ],
        "notes": [
            f"{seeds} trials of `supervised` with {steps} steps at 100 labels, the start of the processes included"
        ],
    }
