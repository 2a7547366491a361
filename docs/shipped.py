"""What `ssl-irmae plan` estimates from where a user has no trials yet, from stored results; and how well it does."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from docs.grids import GRIDS, stored_grids
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.forecast.stored_costs import AMOUNTS
from ssl_irmae.protocols.forecast.stored_costs import SHIPPED as COSTS
from ssl_irmae.protocols.forecast.stored_errors import SHIPPED as ERRORS
from ssl_irmae.protocols.storage.files import read_trials

RESULTS = Path(__file__).parent / "results"

Measured = Sequence[Mapping[str, str]]


def files() -> dict[Path, str]:
    """Return the content of every such file."""
    return {ERRORS: errors(), COSTS: costs()}


def compared() -> str:
    """Lay out what was planned beside what came out."""
    with (RESULTS / "plan" / "compared.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [
        "| request | cache | planned, s | took, s | ratio | planned, core-s | took, processor-s | ratio |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    of_wall = ("planned_seconds", "seconds", "ratio")
    columns = ("cache", *of_wall, "planned_core_seconds", "processor_seconds", "core_ratio")
    lines += [f"| `{row['request']}` | {' | '.join(row[column] for column in columns)} |" for row in rows]
    parts = []
    for column, what in (("ratio", "seconds"), ("core_ratio", "processor seconds")):
        ratios = [float(row[column]) for row in rows]
        close = sum(0.8 <= ratio <= 1.2 for ratio in ratios)
        parts.append(f"{what} within a fifth in {close} of {len(rows)} cases ({min(ratios):.2f} to {max(ratios):.2f})")
    return "\n".join([*lines, "", f"{parts[0][0].upper()}{parts[0][1:]}; {parts[1]}."])


def whole_grid() -> str:
    """Lay out what was said to be left of a grid while it ran, beside the seconds of the trials that finished later."""
    with (RESULTS / "plan" / "grid.csv").open(newline="") as file:
        asked = list(csv.DictReader(file))
    trials = read_trials(GRIDS["fashion-mnist-full"].path)
    lines = ["| asked at (UTC) | trials missing | planned, core-hours | took, core-hours |", "|---|---:|---:|---:|"]
    for row in asked:
        hours = sum(trial.seconds for trial in trials if trial.finished[:19] >= row["asked_at"]) / 3600
        at = row["asked_at"].replace("T", " ")
        lines.append(f"| {at} | {int(row['missing']):,} | {row['planned_core_hours']} | {hours:.2f} |")
    return "\n".join(lines)


def errors() -> str:
    """List the errors of the grids by drawn subset, in the order of the seeds, one line per contender and budget."""
    lines = [["source", "dataset", "scored_on", "rule", "contender", "budget", "steps", "errors"]]
    for grid in stored_grids().values():
        found: dict[tuple[str, ...], dict[int, float]] = {}
        for trial in read_trials(grid.path):
            row = trial.row
            if row.rule != "full":
                steps = str(row.settings["steps"]) if row.reads == "images" else ""
                about = (row.dataset, row.scored_on, row.rule, row.contender, str(row.budget), steps)
                found.setdefault((f"docs/results/{grid.folder}", *about), {})[row.seed] = row.error
        for place, by_seed in sorted(found.items()):
            if sorted(by_seed) != list(range(len(by_seed))):
                raise ValueError(f"seeds of {place} are not counted from 0")
            lines.append([*place, " ".join(f"{by_seed[seed]:g}" for seed in range(len(by_seed)))])
    return _csv(lines)


def costs() -> str:
    """List what was measured in pieces of work, one line per contender and budget: see `StoredCost`."""
    with (RESULTS / "plan" / "measured.csv").open(newline="") as file:
        measured = list(csv.DictReader(file))
    lines = [["of", "budget", "piece", *AMOUNTS]]
    for name in dict.fromkeys(line["contender"] for line in measured):
        own = [line for line in measured if line["contender"] == name]
        for budget in sorted({line["budget"] for line in own if line["work"] == "trial"}, key=lambda b: int(b or 0)):
            amounts = _amounts(name, own, budget)
            piece = next(line["piece"] for line in own if line["work"] == "trial")
            lines.append([name, budget, piece, *(f"{amounts.get(amount, 0.0):.4g}" for amount in AMOUNTS)])
    return _csv(lines)


def _amounts(name: str, measured: Measured, budget: str) -> dict[str, float]:
    def pieces(work: str, budget: str | None, **about: str) -> list[float]:
        return [
            float(line["processor_seconds"]) / float(line["piece_seconds"]) / int(line["subsets"] or 1)
            for line in measured
            if line["work"] == work
            and budget in (None, line["budget"])
            and all(line[column] == value for column, value in about.items())
        ]

    contender = CONTENDERS.get(name)
    if contender is None:  # a whole command, or the steps of a pretraining
        (line,) = measured
        (whole,) = pieces("trial", None)
        return {"step": whole / int(line["steps"])} if line["steps"] else {"trial": whole}
    (cold,), (kept,) = pieces("cold", None), pieces("kept", None)
    first = pieces("first", budget)
    if contender.frozen:
        # one subset alone, and four together where that was measured
        one, *together = pieces("trial", budget)
        usual, here = pieces("trial", "100")[0], one
        trial = together[0] if together else one
        batch = 0.0
        if contender.several and together:
            trial = (4 * together[0] - one) / 3
            batch = max(0.0, one - trial)
        # of several encoders side by side each is encoded for itself
        codes = pieces("codes", None) if name.split("-")[0] != "fused" else []
        found = {"codes": codes[0] if codes else 0.0, "batch": batch, "trial": trial}
    else:
        steps = sorted({int(line["steps"]) for line in measured if line["work"] == "trial"})
        few, more = (pieces("trial", budget, steps=str(n))[0] for n in steps)
        step = (more - few) / (steps[1] - steps[0])
        usual, here = pieces("trial", "100", steps=str(steps[0]))[0], few
        found = {"trial": max(0.0, few - steps[0] * step), "step": step}
    once = max(0.0, first[0] - here) if first else 0.0
    return {**found, "cold": once + max(0.0, cold - usual), "kept": once + max(0.0, kept - usual)}


def _csv(lines: list[list[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    return buffer.getvalue()
