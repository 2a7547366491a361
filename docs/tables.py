"""Write the tables of README.md and performance.md from stored results, or `--check` that they agree."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ssl_irmae.encoders.encoder import BUNDLED, list_bundled, read_config
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.presets import find_preset
from ssl_irmae.protocols.report.notes import explain
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.report.selection import keep_newest
from ssl_irmae.protocols.report.tables.export import short_markdown
from ssl_irmae.protocols.report.tables.terminal import format_difference, format_error, format_n, format_p
from ssl_irmae.protocols.statistics.paired import paired_difference
from ssl_irmae.protocols.statistics.summary import Summary, summarise
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.rows import Row

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
RESULT = RESULTS / "mnist-100-labels" / "evaluate.json"
RECIPES = RESULTS / "recipes"
GRID = RESULTS / "mnist-label-budgets"
LEAKY = RESULTS / "reference-protocol" / "evaluate.json"
# the drawn ones, and the frozen readout whose error is the least where labels are many
FROZEN = ("irmae-linear", "irmae-poisson-prior", "irmae-features-linear")
# words about what the short tables do not show
ELSEWHERE = ("Fixed beforehand", "Δ:", "p Holm:", "n in brackets", "Transductive readouts")
BENCH = RESULTS / "performance" / "bench.json"
GROWTH_FIGURE = "\n\n![Cost against size, log-log](results/performance/growth.png)"
SECTIONS = (
    "pretraining",
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


def evaluate_table(document: dict[str, Any]) -> str:
    """Recompute the summary from the raw rows, and lay it out as Markdown with the words under it."""
    rows = [Row.model_validate(row) for row in document["rows"]]
    reference = document["reference"]
    summaries = summarise(rows, reference=reference)
    lines = [
        f"| contender | reads | error % ± SE | n | Δ {reference} [95 %] | p Holm |",
        "|---|---|---:|---:|---:|---:|",
    ]
    reads = {row.contender: row.reads for row in rows}
    for s in summaries:
        difference = "reference" if s.contender == reference else format_difference(s.difference)
        cells = (f"`{s.contender}`", reads[s.contender], format_error(s).strip(), format_n(s), difference)
        lines.append(f"| {' | '.join(cells)} | {format_p(s.difference)} |")
    return "\n".join([*lines, "", *(f"- {words}" for words in explain(rows, summaries, reference=reference))])


def grid_table() -> str:
    """Lay out what the figure of the label budgets draws, and say where supervised training overtakes frozen codes.

    What the numbers are is said in short: table.md, beside the rows, has all of it and the leak audit.

    Raises:
        ValueError: If a figure was drawn from other rows.
    """
    trials, told = keep_newest(read_trials(GRID / "rows.csv"))
    report = make_report(trials, preset=find_preset("mnist-full"), notes=told)
    for path in GRID.glob("*.png"):
        with Image.open(path) as figure:
            if figure.info.get("Source") != report.fingerprint:
                raise ValueError(f"{path} was drawn from other rows: run `ssl-irmae report` again")
    told = [*lowest(report), *overtakings(report.summaries, "supervised", FROZEN)]
    return "\n".join([short_markdown(report), "", *told, *short_notes(report)])


def leaky_table() -> str:
    """Lay out what the public reference script's protocol reports, beside the same without its best look."""
    trials = read_trials(LEAKY)
    report = make_report(trials, drawn=list(dict.fromkeys(kept.row.contender for kept in trials)))
    return "\n".join([short_markdown(report), "", f"- {report.audit[0]}", *short_notes(report)])


def short_notes(report: Report) -> list[str]:
    """Take from the words under a whole table those that are about the short one too."""
    readouts = tuple(f": {c.note}." for c in CONTENDERS.values() if c.note)
    return [
        f"- {note}"
        for note in report.notes
        # the correction for every contender is about a column that is not shown
        if not (note.startswith(ELSEWHERE) or note.endswith(readouts) or " contenders): no difference can" in note)
    ]


def lowest(report: Report) -> list[str]:
    """Name the least mean at each budget, of what is inductive and of what is frozen, and say that it was picked."""
    lines = []
    of_all = [s for s in report.summaries if not report.looks[s.contender].transductive]
    of_frozen = [s for s in of_all if CONTENDERS[s.contender].frozen]
    for which, among in (("inductive contenders", of_all), ("frozen readouts among these", of_frozen)):
        least = [
            min((s for s in among if s.budget == budget), key=lambda s: s.mean)
            for budget in sorted({s.budget for s in among})
        ]
        named = "; ".join(f"`{s.contender}` {format_error(s).strip()} at {s.budget:,} labels" for s in least)
        picked = "picked after the fact, which flatters them a little"
        lines.append(f"- Lowest means of the {len({s.contender for s in among})} {which}, {picked}: {named}.")
    return lines


def overtakings(summaries: Sequence[Summary], learner: str, frozen: Sequence[str]) -> list[str]:
    """Say at which budgets a learner's error is below, or above, that of frozen readouts, one line each.

    As a finding only where the 95 % interval of the paired difference leaves out 0 and there are at least six pairs: of
    fewer that agree in sign the interval can never hold 0, whatever their number tells. Of fewer the means are told.
    """
    lines = []
    untested: dict[str, dict[str, list[str]]] = {}
    for name in frozen:
        signs: dict[str, list[str]] = {"below": [], "above": []}
        for s in sorted((s for s in summaries if s.contender == name and s.difference), key=lambda s: s.budget):
            d = s.difference
            if d is not None and d.n < 6:
                sign = "above" if d.mean < 0 else "below"
                where = untested.setdefault(f"{s.budget:,} labels ({d.n} pairs)", {})
                where.setdefault(sign, []).append(f"`{name}`")
            elif d is not None and d.low is not None and d.high is not None and d.low * d.high > 0:
                signs["below" if d.mean > 0 else "above"].append(f"{s.budget:,}")
        told = [f"{sign} it at {', '.join(budgets)} labels" for sign, budgets in signs.items() if budgets]
        if told:
            lines.append(
                f"- `{learner}` beside `{name}`: mean error {' and '.join(told)} (95 % intervals leave out 0)."
            )
    for where, than in untested.items():
        means = " and ".join(f"{sign} that of {', '.join(names)}" for sign, names in than.items())
        lines.append(f"- At {where} nothing can be tested; the mean of `{learner}` is {means}.")
    return lines


def encoders_table() -> str:
    """Lay out the cards of the bundled encoders as Markdown."""
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
    """Lay out the reference recipe beside the short one: their cards, and the linear probe's error of each encoder.

    ``recipes/evaluate.json`` holds the trials, ``recipes/short`` the cards of the encoders that do not ship any more.
    """
    document = json.loads((RECIPES / "evaluate.json").read_text())
    rows = [Row.model_validate(row) for row in document["rows"]]
    lines = [
        "| method | epochs | learning rate | effective rank | reconstruction, test | error % ± SE | Δ [95 %] |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for method in ("irmae", "ae", "vae"):
        short: dict[int, float] = {}
        for folder in (RECIPES / "short" / f"mnist-{method}", BUNDLED / f"mnist-{method}"):
            card = read_config(folder).card
            told = f"{card['steps']:,} steps"
            own = [
                row
                for row in rows
                if row.pretraining and row.pretraining.startswith(method) and told in row.pretraining
            ]
            if not own:
                continue
            errors = {row.seed: row.error for row in own}
            (summary,) = summarise(own, reference=own[0].contender)
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
    """Lay out one section of the benchmark as Markdown; without a stored run say so."""
    if section is None:
        return "Not run yet."
    lines = ["| | median | range | n | unit | aim | met |", "|---|---:|---|---:|---|---|---|"]
    for m in section["measures"]:
        n = len(m["values"])
        spread = f"{_number(m['min'])} to {_number(m['max'])}" if n > 1 else ""
        met = {None: "", True: "yes", False: "**no**"}[m["met"]]
        lines.append(f"| {m['what']} | {_number(m['median'])} | {spread} | {n} | {m['unit']} | {m['aim']} | {met} |")
    e = section["environment"]
    ran = f"`{section['command']}`: {e['processor']}, {e['threads']} threads, torch {e['packages']['torch']}"
    return "\n".join([*lines, "", *(f"- {note}" for note in section["notes"]), f"- {ran}"])


def _number(value: float) -> str:
    """Three significant digits, large numbers with commas."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def documents() -> dict[Path, dict[str, str]]:
    """Every document with tables, and the blocks that belong into it by name."""
    readme = {"table": evaluate_table(json.loads(RESULT.read_text())), "encoders": encoders_table()}
    if RECIPES.is_dir():
        readme["recipes"] = recipes_table()
    if LEAKY.is_file():
        readme["leaky"] = leaky_table()
    if GRID.is_dir():
        readme["grid"] = grid_table()
    bench = json.loads(BENCH.read_text())["sections"] if BENCH.is_file() else {}
    return {
        ROOT / "README.md": readme,
        ROOT / "docs" / "performance.md": {f"bench {name}": bench_table(bench.get(name)) for name in SECTIONS}
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
    """Write or check; return 1 if a document had drifted."""
    drifted = 0
    for path, blocks in documents().items():
        before = path.read_text()
        after = rendered(before, blocks)
        if "--check" not in sys.argv:
            path.write_text(after)
        elif before != after:
            sys.stderr.write(f"{path.name} differs from the stored results: run `python docs/tables.py`\n")
            drifted = 1
    return drifted


if __name__ == "__main__":
    sys.exit(main())
