"""Compare what `ssl-irmae plan` says with what `ssl-irmae evaluate` then takes: rows in compared.csv.

    export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
    python -m docs.results.plan.compare
    python -m docs.results.plan.compare 3 4    # some cases, whose rows are replaced

Each case is planned, then run with an empty store. `cache` is `empty` or what the case before left. `planned_seconds`
and `seconds` are by the clock on the wall, of a machine that is as busy as it is just then; `planned_core_seconds` and
`processor_seconds` are without its other work. `load` is how many processes wanted a processor when the case began.
"""

import csv
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ssl_irmae.datasets.registry import default_data_dir

COMPARED = Path(__file__).with_name("compared.csv")
COLUMNS = (
    *("case", "request", "cache", "planned_seconds", "seconds", "ratio"),
    *("planned_core_seconds", "processor_seconds", "core_ratio", "load"),
)
CASES = (
    ("--contenders supervised,irmae-linear,irmae-poisson-prior --labels 100 --seeds 3", "empty"),
    ("--contenders supervised,irmae-linear,irmae-poisson-prior --labels 100 --seeds 3,4,5", "kept"),
    ("--dataset digits --contenders supervised,pixels-linear,pixels-poisson --labels 100 --seeds 3", "empty"),
    ("--dataset digits --labels 100 --seeds 3", "empty"),
    ("--contenders supervised,irmae-joint,vib --labels 100 --seeds 3 --steps 300", "empty"),
    ("--contenders irmae-propagate-prior,irmae-propagate --labels 10 --seeds 2 --steps 200", "empty"),
    (
        "--contenders irmae-linear,irmae-mlp,irmae-knn,irmae-poisson-prior,pixels-linear,pixels-poisson-prior "
        "--labels 10,1000 --seeds 10",
        "empty",
    ),
    ("--contenders supervised,supervised-augment --labels 20,200 --seeds 4 --steps 300 --jobs 2", "empty"),
    ("--contenders supervised,irmae-consistency --labels 100 --seeds 2 --steps 200 --precision fp32", "empty"),
    (
        "--dataset fashion-mnist --contenders supervised,pixels-linear,pixels-poisson-prior --labels 100 --seeds 3",
        "empty",
    ),
)


def run(command: str, request: str, cache: Path) -> tuple[dict[str, object], float, float]:
    """Run a command with a request and return its JSON, its seconds and its processor seconds."""
    words = [sys.executable, "-m", "ssl_irmae.cli", command, *shlex.split(request), "--json", "--quiet"]
    environment = {**os.environ, "SSL_IRMAE_HOME": str(cache), "SSL_IRMAE_DATA_DIR": str(default_data_dir())}
    with tempfile.TemporaryDirectory() as folder:
        began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=folder, env=environment)
        seconds, now = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(done.stdout), seconds, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def main() -> None:
    """Run the cases and write their rows."""
    chosen = [int(word) for word in sys.argv[1:]] or range(1, len(CASES) + 1)
    rows: dict[int, dict[str, object]] = {}
    if COMPARED.exists():
        with COMPARED.open(newline="") as file:
            rows = {int(row["case"]): dict(row) for row in csv.DictReader(file)}
    with tempfile.TemporaryDirectory() as folder:
        for case in chosen:
            request, cached = CASES[case - 1]
            cache = Path(folder) / str(case if cached == "empty" else case - 1)
            load = os.getloadavg()[0]
            planned, *_ = run("plan", request, cache)
            _, seconds, processor = run("evaluate", request, cache)
            cost = planned["cost"]
            assert isinstance(cost, dict)
            rows[case] = {
                "case": case,
                "request": request,
                "cache": cached,
                "planned_seconds": round(cost["seconds"], 1),
                "seconds": round(seconds, 1),
                "ratio": round(cost["seconds"] / seconds, 3),
                "planned_core_seconds": round(cost["core_seconds"], 1),
                "processor_seconds": round(processor, 1),
                "core_ratio": round(cost["core_seconds"] / processor, 3),
                "load": round(load, 1),
            }
            with COMPARED.open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows[number] for number in sorted(rows))


if __name__ == "__main__":
    main()
