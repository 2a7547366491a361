"""Run the benchmark: `python -m benchmarks`, or `make bench`."""

import argparse
import datetime
import json
import shlex
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

from benchmarks import (
    child,
    evaluate,
    growth,
    heads,
    jobs,
    memory,
    peer,
    pretraining,
    profile,
    quality,
    readouts,
    startup,
    time_to_quality,
)
from benchmarks.measure import format_number
from benchmarks.options import Options
from ssl_irmae._support.environment import describe_environment

SECTIONS = {
    "pretraining": pretraining.section,
    "time-to-quality": time_to_quality.section,
    "profile": profile.section,
    "quality": quality.section,
    "heads": heads.section,
    "readouts": readouts.section,
    "evaluate": evaluate.section,
    "jobs": jobs.section,
    "startup": startup.section,
    "memory": memory.section,
    "growth": growth.section,
}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", default=",".join(SECTIONS), help=f"comma-separated sections out of {', '.join(SECTIONS)}"
    )
    parser.add_argument("--quick", action="store_true", help="few steps and points: rough numbers in minutes")
    parser.add_argument("--repeats", type=int, help="how often both sides run, in turn (default: 3, or 1 with --quick)")
    parser.add_argument("--out", type=Path, help="the JSON to write; its other sections stay")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument(
        "--large-batch", type=int, default=256, help="a batch size that suits the machine better than 32"
    )
    parser.add_argument("--large-rate", type=float, default=2e-3, help="its learning rate")
    parser.add_argument(
        "--peer",
        type=Path,
        metavar="DIR",
        help="a checkout of facebookresearch/irmae to run instead of the re-typed code",
    )
    chosen = parser.parse_args(arguments)
    chosen.only = [name.strip() for name in chosen.only.split(",")]
    for name in chosen.only:
        if name not in SECTIONS:
            parser.error(f"--only {name} is not a section: choose from {', '.join(SECTIONS)}")
    return chosen


def main(arguments: list[str]) -> int:
    """Run the chosen sections, print each as it ends, and store them in the JSON."""
    chosen = parse(arguments)
    options = Options(
        quick=chosen.quick,
        repeats=chosen.repeats or (1 if chosen.quick else 3),
        device=chosen.device,
        large_batch=chosen.large_batch,
        large_rate=chosen.large_rate,
        peer=chosen.peer.resolve() if chosen.peer else None,
        figures=chosen.out.parent if chosen.out else Path("runs"),
    )
    document: dict[str, Any] = {"sections": {}}
    if chosen.out and chosen.out.is_file():
        document = json.loads(chosen.out.read_text())
    try:
        if options.peer:
            peer.check_checkout(options.peer)
        child.ssl_irmae("data", "fetch", "mnist")
        for name in chosen.only:
            began = time.perf_counter()
            result = SECTIONS[name](options)
            result |= {
                "command": shlex.join(["python", "-m", "benchmarks", *arguments]),
                "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "seconds": round(time.perf_counter() - began, 1),
                "device": options.device,
                "environment": describe_environment(),
            }
            document["sections"][name] = result
            sys.stdout.write(format_section(name, result))
            sys.stdout.flush()
            if chosen.out:
                chosen.out.parent.mkdir(parents=True, exist_ok=True)
                chosen.out.write_text(json.dumps(document, indent=2) + "\n")
    except child.ChildError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    if options.device == "cpu":
        sys.stdout.write("accelerators: not measured; on a machine with CUDA add --device cuda\n")
    return 0


def format_section(name: str, result: dict[str, Any]) -> str:
    """Lay a section out for a terminal of 80 columns."""
    lines = [f"{name} ({result['seconds']:.0f} s)", f"  {'':30}{'min':>8}{'median':>8}{'max':>8} {'':8} aim"]
    for m in result["measures"]:
        values = "".join(f"{format_number(m[key]):>8}" for key in ("min", "median", "max"))
        met = {None: "", True: "met", False: "MISSED"}[m["met"]]
        what = textwrap.wrap(m["what"], 29)
        lines += [f"  {line}" for line in what[:-1]]
        lines.append(f"  {what[-1]:30}{values} {m['unit']:8} {m['aim']} {met}".rstrip())
    for note in result["notes"]:
        lines += textwrap.wrap(note, 78, initial_indent="  - ", subsequent_indent="    ")
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
