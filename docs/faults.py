"""The table of the soak: how many faults were injected, and what was broken."""

import json
from pathlib import Path

from soak import fault

FOLDER = Path(__file__).parent / "results" / "reliability"
_WORDS = {
    "kills": "kills of commands",
    "full disk": "disks that fill up",
    "read-only folder": "folders to read from alone",
    "damaged files": "cut files and flipped bits",
    "headers": "headers that claim anything",
    "code in files": "files that would run code",
    "pairs": "two commands at once",
    "engines": "engines that lose a worker, the command or the scheduler",
}


def blocks() -> dict[str, str]:
    """Return the generated blocks of docs/reliability.md."""
    rows = fault.read(FOLDER / "faults.csv")
    heads = ["faults", "cases", "injected", "compared", *fault.BROKEN]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    for each in fault.by_section(rows):
        cases = sum(row.section == each.section for row in rows)
        numbers = [cases, each.injected, each.compared, *(getattr(each, name) for name in fault.BROKEN)]
        lines.append(f"| {_WORDS.get(each.section, each.section)} | {' | '.join(f'{n:,}' for n in numbers)} |")
    bad = [f"- {row.section}, {row.case}: {fault.broken(row)}" for row in rows if not row.is_as_promised]
    runs = [json.loads(line) for line in (FOLDER / "runs.jsonl").read_text().splitlines()]
    seeds = ", ".join(map(str, sorted({run["seed"] for run in runs})))
    places = sorted({f"{run['environment']['processor']}, Python {run['environment']['python']}" for run in runs})
    commits = ", ".join(sorted({str(run["environment"]["commit"])[:7] for run in runs}))
    made = f"Seeds {seeds}; commit {commits}; {'; '.join(places)}."
    return {"faults": "\n".join([*lines, "", *bad, *([""] if bad else []), made])}
