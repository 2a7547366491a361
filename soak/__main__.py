"""Inject faults: `python -m soak`, or `make soak`. What is in the CSV already is not injected again."""

import argparse
import datetime
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from soak import code, disks, engines, fault, headers, kills, mutations, pairs
from soak.workshop import Workshop
from ssl_irmae._support.environment import describe_environment

_SHARED = Path("/dev/shm")  # noqa: S108 (in memory: thousands of files are written, each of them to the disk)
_IN_MEMORY = _SHARED if _SHARED.is_dir() else Path(tempfile.gettempdir())
SECTIONS = {
    "kills": kills.cases,
    "full disk": disks.full_cases,
    "read-only folder": disks.read_only_cases,
    "damaged files": mutations.cases,
    "headers": headers.cases,
    "code in files": code.cases,
    "pairs": pairs.cases,
    "engines": engines.cases,
}
NEED_ROOT = {"full disk", "read-only folder"}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"sections out of {', '.join(SECTIONS)}")
    parser.add_argument("--out", type=Path, default=Path("runs/soak/faults.csv"), help="the CSV; its rows stay")
    parser.add_argument("--seed", type=int, default=0, help="another seed injects other faults")
    parser.add_argument("--share", type=float, default=1.0, help="how much of each section is run, 0 to 1")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no case after so many")
    parser.add_argument("--scratch", type=Path, default=_IN_MEMORY / "ssl-irmae-soak")
    chosen = parser.parse_args(arguments)
    chosen.only = [name.strip() for name in chosen.only.split(",")]
    for name in chosen.only:
        if name not in SECTIONS:
            parser.error(f"--only {name} is not a section: choose from {', '.join(SECTIONS)}")
    return chosen


def main(arguments: list[str]) -> int:
    """Run the chosen sections and print each case as it ends; return 1 if any promise was broken."""
    chosen = parse(arguments)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a script; commands would ignore it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(chosen.scratch / "hypothesis")
    workshop = Workshop(chosen.scratch.resolve(), chosen.seed, chosen.share)
    began = time.monotonic()
    workshop.open()
    known = {(row.section, row.case) for row in fault.read(chosen.out)}
    for section in chosen.only:
        print(f"{section}, seed {chosen.seed}", flush=True)  # noqa: T201
        if section in NEED_ROOT and not disks.can_mount():
            print("  skipped: only root can mount file systems")  # noqa: T201
            continue
        for case, inject in SECTIONS[section](workshop):
            if (section, f"{case}, seed {chosen.seed}") in known:
                continue
            if time.monotonic() - began > 60 * chosen.minutes:
                break
            found = inject()
            row = fault.with_seed(found, chosen.seed)
            fault.append(chosen.out, row)
            if row.is_as_promised:
                workshop.clear()
            broken = "" if row.is_as_promised else "  BROKEN: " + fault.broken(row)
            print(f"  {time.monotonic() - began:6.0f} s  {case}: {row.injected}{broken}", flush=True)  # noqa: T201
    _note_run(chosen, arguments)
    rows = fault.read(chosen.out)
    for each in fault.by_section(rows):
        came = fault.broken(each) or "all as promised"
        print(f"{each.section}: {each.case}, {each.injected} faults, {each.compared} compared; {came}")  # noqa: T201
    return 0 if all(row.is_as_promised for row in rows) else 1


def _note_run(chosen: argparse.Namespace, arguments: list[str]) -> None:
    """Add a line about this run beside the CSV: what was asked for, and where it was done."""
    environment = describe_environment()
    finished = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    line = {"seed": chosen.seed, "arguments": arguments, "finished": finished, "environment": environment}
    with chosen.out.with_name("runs.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
