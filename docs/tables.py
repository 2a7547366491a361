"""Write the generated blocks of the documents, and the files that ship, from stored results; or `--check` them.

python -m docs.tables            # write
python -m docs.tables --check    # exit code 1 if a document has drifted
"""

import dataclasses
import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docs import (
    aims,
    answers,
    claims,
    coverage,
    engines,
    faults,
    few_labels,
    generation,
    grids,
    pretraining_seeds,
    rank,
    scale,
    settings,
    several_devices,
    shipped,
    streaming,
    travel,
)
from ssl_irmae.datasets.reading import listed
from ssl_irmae.encoders.encoder import read_config
from ssl_irmae.encoders.files import BUNDLED, list_bundled
from ssl_irmae.protocols.contenders.fused import FUSED, FUSED_CONTENDERS
from ssl_irmae.protocols.contenders.on_codes import READOUTS
from ssl_irmae.protocols.contenders.trained import FROM_ENCODER, FROM_SCRATCH
from ssl_irmae.protocols.evaluation import read_results
from ssl_irmae.protocols.report.checks.finding import counted, failures
from ssl_irmae.protocols.report.checks.registry import CHECKS
from ssl_irmae.protocols.report.note import Kind
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import (
    format_difference,
    format_error,
    format_n,
    format_p,
    what_leads,
    who_leads,
)
from ssl_irmae.protocols.report.tables.markdown import short_markdown
from ssl_irmae.protocols.report.text import report_text
from ssl_irmae.protocols.statistics.best import probabilities_best
from ssl_irmae.protocols.statistics.paired import paired_difference
from ssl_irmae.protocols.statistics.summary import Summary, summarise
from ssl_irmae.protocols.storage.files import read_trials

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
RESULTS = DOCS / "results"
# the drawn ones, and the frozen readout whose error is the lowest where labels are many
BUDGETS = (10, 100, 1000, 10_000, 60_000)
FROZEN = ("irmae-linear", "irmae-poisson-prior", "irmae-features-linear")
# notes about columns and contenders that a short table does not show
NOT_SHORT: tuple[Kind, ...] = (
    "settings",
    "difference",
    "p value",
    "pairs in brackets",
    "transductive",
    "readout",
    "worth",
    "curves",
)
GROWTH_FIGURE = "\n\n![Cost against size, log-log](results/performance/growth.png)"
SECTIONS = (
    "pretraining",
    "time-to-quality",
    "profile",
    "quality",
    "heads",
    "readouts",
    "evaluate",
    "jobs",
    "startup",
    "memory",
    "growth",
)


def first_table(report: Report, only: Sequence[str] = ()) -> str:
    """Lay out the contenders of a first look, or some of them."""
    lines = [
        f"| contender | error % ± SE | Δ {report.baseline} [95 %] | p Holm |",
        "|---|---:|---:|---:|",
    ]
    for s in (s for s in report.summaries if not only or s.contender in only):
        difference = "baseline" if s.contender == report.baseline else format_difference(s.difference)
        lines.append(f"| `{s.contender}` | {format_error(s)} | {difference} | {format_p(s.difference)} |")
    return "\n".join(lines)


def whole_table(report: Report) -> str:
    """Lay out one budget with every column, and all notes under it."""
    lines = [
        f"| contender | reads | error % ± SE | n | Δ {report.baseline} [95 %] | p Holm |",
        "|---|---|---:|---:|---:|---:|",
    ]
    reads = {row.contender: row.reads for row in report.rows()}
    for s in report.summaries:
        difference = "baseline" if s.contender == report.baseline else format_difference(s.difference)
        cells = (f"`{s.contender}`", reads[s.contender], format_error(s), format_n(s), difference)
        lines.append(f"| {' | '.join(cells)} | {format_p(s.difference)} |")
    return "\n".join([*lines, "", *(f"- {note.text}" for note in report.notes), *checks_found(report)])


def grid_blocks(name: str, report: Report | None) -> dict[str, str]:
    """Return the generated blocks of a grid; without its rows they say so."""
    if report is None:
        return {"answer": "Not run yet.", "grid": "Not run yet."}
    figure = f"![Error against labels, {name}](error-against-labels.png)"
    return {"answer": f"{claims.answer(name, report)}\n\n{figure}", "grid": grid_table(report)}


def grid_table(whole: Report) -> str:
    """Lay out what the figure of the label budgets draws, and say where supervised training overtakes frozen codes.

    What the numbers are is said in short: table.md, beside the rows, has all of it and every check. It has the budgets
    between these, too.
    """
    report = dataclasses.replace(
        whole,
        summaries=tuple(s for s in whole.summaries if s.budget in BUDGETS),
        comparisons=tuple(c for c in whole.comparisons if c.budget in BUDGETS),
    )
    lines = [*lowest(report), *overtakings(whole.summaries, FROZEN)]
    lines.append(f"[table.md](table.md) has all {len(whole.budgets)} budgets and all {len(whole.styles)} contenders.")
    return "\n".join([short_markdown(report), "", *(f"- {line}" for line in lines), *short_notes(report)])


def published_table() -> str:
    """Lay out what the public reference script's protocol reports, beside the same without its best look."""
    path = RESULTS / "published-protocol" / "evaluate.json"
    names = list(dict.fromkeys(trial.row.contender for trial in read_trials(path)))
    report = read_results(path, draw=names)
    return "\n".join([short_markdown(report), "", *short_notes(report)])


def short_notes(report: Report) -> list[str]:
    """Take the notes under a whole table that are about the short one too, and the checks."""
    notes = [f"- {note.text}" for note in report.notes if note.kind not in NOT_SHORT]
    return [*notes, *checks_found(report)]


def checks_found(report: Report) -> list[str]:
    """Say how many checks passed, and what those that failed found."""
    failed = [f"  - {f.code} {f.result.sentence}" for f in failures(report.checks)]
    heading = f"- [Checks](../../checks.md) of what these numbers rest on: {counted(report.checks)}."
    return [f"{heading}{' Not passed:' if failed else ''}", *failed]


def checks_list() -> str:
    """Explain every check: what it looks for, why that matters, what to do."""
    headings = {code: f"{code} {check.name}" for code, check in CHECKS.items()}
    lines = [f"- [{heading}](#{heading.lower().replace(' ', '-')})" for heading in headings.values()]
    for code, check in CHECKS.items():
        parts = {"Looks for": check.looks_for, "Why it matters": check.why, "What to do": check.remedy}
        lines += ["", f"## {headings[code]}"]
        for name, text in parts.items():
            lines += ["", *textwrap.wrap(f"**{name}.** {text}", 120, break_on_hyphens=False)]
    return "\n".join(lines)


def printed(report: Report) -> str:
    """Return the answer and the table as a terminal of 80 columns shows them."""
    shown = report_text(report, width=80).split("\n- ")[0].rstrip()
    return f"```text\n{shown}\n```"


def lowest(report: Report) -> list[str]:
    """Name who comes first at each budget, of what is inductive and of what is frozen, and how sure the pick is."""
    lines = []
    inductive = [s for s in report.summaries if not report.styles[s.contender].transductive]
    frozen = [s for s in inductive if report.styles[s.contender].frozen]
    for which, among in (("inductive contenders", inductive), ("frozen readouts among these", frozen)):
        names = {s.contender for s in among}
        first = who_leads(report.matrices, among, report.styles)
        best = sorted((s for s in among if (s.budget, s.contender) in first), key=lambda s: s.budget)
        sure = probabilities_best(report.rows(), names)
        shares = [sure.get((s.budget, s.contender)) for s in best]
        named = "; ".join(
            f"`{s.contender}` {format_error(s)} at {s.budget:,} labels{f' ({share:.2f})' if share is not None else ''}"
            for s, share in zip(best, shares, strict=True)
        )
        picked = (
            "picked after the fact; in brackets how likely each is the best again if subsets are redrawn, any two "
            "compared on those that both were run on"
        )
        lowest = what_leads(among, first, report.styles) == "the lowest mean"
        what = "Lowest means" if lowest else "Fewest errors on shared subsets"
        lines.append(f"{what} of the {len(names)} {which}, {picked}: {named}.")
    return lines


def overtakings(summaries: Sequence[Summary], frozen: Sequence[str]) -> list[str]:
    """Say at which budgets the error of ``supervised`` is below, or above, that of frozen readouts, one line each.

    It is a finding only where the 95 % interval of the paired difference excludes 0 and there are at least six pairs:
    no test of fewer could find anything. For fewer pairs the means are given.
    """
    lines = []
    untested: dict[str, dict[str, list[str]]] = {}
    for name in frozen:
        signs: dict[str, list[str]] = {"below": [], "above": []}
        for s in sorted((s for s in summaries if s.contender == name and s.difference), key=lambda s: s.budget):
            d = s.difference
            if d is not None and d.n < 6:
                sign = "above" if d.mean < 0 else "below"
                means_of = untested.setdefault(f"{s.budget:,} labels ({d.n} pairs)", {})
                means_of.setdefault(sign, []).append(f"`{name}`")
            elif d is not None and d.low is not None and d.high is not None and d.low * d.high > 0:
                signs["below" if d.mean > 0 else "above"].append(f"{s.budget:,}")
        parts = [f"{sign} it at {', '.join(budgets)} labels" for sign, budgets in signs.items() if budgets]
        if parts:
            lines.append(f"`supervised` beside `{name}`: mean error {' and '.join(parts)} (95 % intervals exclude 0).")
    for budget, than in untested.items():
        means = " and ".join(f"{sign} that of {', '.join(names)}" for sign, names in than.items())
        lines.append(f"At {budget} nothing can be tested; the mean of `supervised` is {means}.")
    return lines


def readouts_list() -> str:
    """List what can be compared, each readout and learner with one line and its paper."""
    learners = {
        name: c for name, c in FROM_SCRATCH.items() if c.summary not in {c.summary for c in FROM_ENCODER.values()}
    }
    (parts,) = FUSED.values()
    groups = (
        ("Frozen codes", "-", READOUTS),
        ("Trained from an encoder", "-", FROM_ENCODER),
        (f"Graphs of several encoders ({', '.join(parts)})", "", FUSED_CONTENDERS),
        ("Trained from scratch", "", learners),
    )
    lines = []
    for heading, dash, contenders in groups:
        lines += [f"{heading}:", ""]
        for name, c in contenders.items():
            if not c.transductive:  # the same readout once more
                lines.append(f"- `{dash}{name}` {c.summary}{f' ({c.paper})' if c.paper else ''}")
        if again := [f"`{dash}{name}`" for name, c in contenders.items() if c.transductive]:
            lines.append(f"- {listed(again)}, the same with the scored images among the unlabelled ones")
        if contenders is learners:
            others = [f"`{name}`" for name in FROM_SCRATCH if name not in learners]
            lines.append(f"- {listed(others)}, the same without an encoder")
        lines.append("")
    return "\n".join(lines)[:-1]


def encoders_table() -> str:
    """Lay out the cards of the bundled encoders."""
    lines = [
        "| encoder | made by | effective rank | reconstruction, train | reconstruction, test |",
        "|---|---|---:|---:|---:|",
    ]
    for name in list_bundled():
        card = read_config(BUNDLED / name).card
        train, test = card["reconstruction_mse_train"], card["reconstruction_mse_test"]
        command = f"`{card['command']}`"
        lines.append(f"| `{name}` | {command} | {card['effective_rank']:.1f} | {train:.5f} | {test:.5f} |")
    return "\n".join(lines)


def recipes_table() -> str:
    """Lay out the paper's recipe beside the short one: their cards, and the linear probe's error of each encoder.

    ``recipes/evaluate.json`` holds the trials, ``recipes/short`` the cards of the encoders that no longer ship.
    """
    rows = [trial.row for trial in read_trials(RESULTS / "recipes" / "evaluate.json")]
    lines = [
        "| method | epochs | learning rate | effective rank | reconstruction, test | error % ± SE | Δ [95 %] |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for method in ("irmae", "ae", "vae"):
        short: dict[int, float] = {}
        for folder in (RESULTS / "recipes" / "short" / f"mnist-{method}", BUNDLED / f"mnist-{method}"):
            card = read_config(folder).card
            here = [
                row
                for row in rows
                if row.pretraining is not None
                and (row.pretraining.method, row.pretraining.steps) == (method, card["steps"])
            ]
            errors = {row.seed: row.error for row in here}
            (summary,) = summarise(here, baseline=here[0].contender)
            difference = format_difference(paired_difference(errors, short, "short")) if short else ""
            short = short or errors
            cells = (
                method,
                str(card["epochs"]),
                f"{card['learning_rate']:g}",
                f"{card['effective_rank']:.1f}",
                f"{card['reconstruction_mse_test']:.5f}",
                format_error(summary),
                difference,
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def bench_table(section: dict[str, Any] | None) -> str:
    """Lay out one section of the benchmark; without a stored run say so."""
    if section is None:
        return "Not run yet."
    lines = ["| | median | range | n | unit | aim | met |", "|---|---:|---|---:|---|---|---|"]
    for m in section["measures"]:
        n = len(m["values"])
        span = f"{_number(m['min'])} to {_number(m['max'])}" if n > 1 else ""
        met = {None: "", True: "yes", False: "**no**"}[m["met"]]
        lines.append(f"| {m['what']} | {_number(m['median'])} | {span} | {n} | {m['unit']} | {m['aim']} | {met} |")
    e = section["environment"]
    ran = f"`{section['command']}`: {e['processor']}, {e['threads']} threads, torch {e['packages']['torch']}"
    return "\n".join([*lines, "", *(f"- {note}" for note in section["notes"]), f"- {ran}"])


def _number(value: float) -> str:
    """Three significant digits, large numbers with commas."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def documents() -> dict[Path, dict[str, str]]:
    """Every document with generated blocks, and the blocks by name."""
    first = read_results(RESULTS / "mnist-100-labels" / "evaluate.json")
    full = grids.read_full()
    bench_file = RESULTS / "performance" / "bench.json"
    bench = json.loads(bench_file.read_text())["sections"]
    return {
        ROOT / "README.md": {
            "first": claims.first(full),
            "table": first_table(first),
            "found": claims.found(full),
            "coverage": coverage.sentence(),
            "own": few_labels.own_pictures(),
        },
        DOCS / "start.md": {
            "printed": printed(first),
            "helps": claims.errors_beside(full),
        },
        DOCS / "checks.md": {"checks": checks_list()},
        DOCS / "using" / "README.md": {"readouts": readouts_list()},
        DOCS / "understanding.md": {"example": first_table(first, only=("irmae-linear", "supervised"))},
        RESULTS / "mnist-100-labels" / "README.md": {"table": whole_table(first)},
        **{
            grids.GRIDS[preset].path.with_name("README.md"): grid_blocks(name, full.get(name))
            for name, preset in grids.FULL.items()
        },
        RESULTS / "published-protocol" / "README.md": {"leaky": published_table()},
        RESULTS / "recipes" / "README.md": {"encoders": encoders_table(), "recipes": recipes_table()},
        RESULTS / "few-labels" / "README.md": few_labels.blocks(),
        RESULTS / "rank" / "README.md": rank.blocks(),
        RESULTS / "coverage" / "README.md": coverage.blocks(),
        RESULTS / "engines" / "README.md": {"engines": engines.engines()},
        RESULTS / "pretraining-seeds" / "README.md": pretraining_seeds.blocks(),
        RESULTS / "streaming" / "README.md": streaming.blocks(),
        RESULTS / "fused" / "README.md": aims.blocks(),
        RESULTS / "generation" / "README.md": generation.blocks(),
        RESULTS / "settings" / "README.md": {**settings.blocks(), "travel": travel.block(full.get("Fashion-MNIST"))},
        RESULTS / "plan" / "README.md": {"compared": shipped.compared(), "whole": shipped.whole_grid()},
        RESULTS / "several-devices" / "README.md": {"losses": several_devices.table()},
        DOCS / "studies" / "README.md": answers.blocks(),
        DOCS / "scale.md": scale.blocks(),
        DOCS / "reliability.md": faults.blocks(),
        DOCS / "performance.md": {f"bench {name}": bench_table(bench.get(name)) for name in SECTIONS}
        | {"bench growth": bench_table(bench.get("growth")) + (GROWTH_FIGURE if "growth" in bench else "")},
    }


def rendered(text: str, blocks: dict[str, str]) -> str:
    """Return a document with its blocks as the stored results have them."""
    for name, block in blocks.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        head, rest = text.split(begin)
        text = f"{head}{begin}{block}\n{end}{rest.split(end)[1]}"
    return text


def main() -> int:
    """Write or check; return 1 if a document or a file had drifted."""
    drifted = 0
    contents = {path: rendered(path.read_text(), blocks) for path, blocks in documents().items()}
    for path, after in {**contents, **shipped.files(), **answers.pages()}.items():
        before = path.read_text() if path.exists() else ""
        if "--check" not in sys.argv:
            path.write_text(after)
        elif before != after:
            sys.stderr.write(
                f"{path.relative_to(ROOT)} has drifted from the stored results: run `python -m docs.tables`\n"
            )
            drifted = 1
    return drifted


if __name__ == "__main__":
    sys.exit(main())
