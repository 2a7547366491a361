"""What documents say of the stored grids, in sentences that are computed from their rows.

A contender is said to make fewer errors, or more, where the 95 % interval of the paired difference excludes 0 and
there are at least six pairs: no test of fewer could find anything. Otherwise it is said that one cannot tell.
"""

import itertools
import statistics
from collections.abc import Iterable, Mapping
from typing import Literal

from docs.grids import FULL, GRIDS, METHODS
from ssl_irmae.protocols.report.note import join
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import format_error, format_labels, format_labels_interval
from ssl_irmae.protocols.statistics.label_equivalence import label_equivalences
from ssl_irmae.protocols.statistics.paired import paired_difference
from ssl_irmae.protocols.storage.rows import Row

CODES_OF = {"irmae": "IRMAE", "ae": "the AE", "vae": "the VAE"}
LEAST_PAIRS = 6

Errors = Mapping[tuple[str, int], Mapping[int, float]]  # by contender and budget, then by the seed of the subset
Verdict = Literal["fewer", "more", "cannot tell", "lower mean", "higher mean"]


def first(grids: Mapping[str, Report]) -> str:
    """State for each data set what one label per class gives, and whose codes a linear classifier wants."""
    return "\n\n".join(
        f"{ten_labels(name, report)} A linear classifier of frozen codes {_linear(report)}. {_table(name)}"
        for name, report in grids.items()
    )


def found(grids: Mapping[str, Report]) -> str:
    """State what was found, each with its numbers and where they come from."""
    lines = []
    for subject, clause, names, budget in (
        ("A linear classifier of frozen codes", _linear, [f"{r}-linear" for r in (*METHODS, "pixels")], 100),
        ("`poisson-prior`, a graph of frozen codes,", _graph, [f"{method}-poisson-prior" for method in METHODS], 100),
        ("`supervised` training from scratch", _supervised, ["supervised", "irmae-poisson-prior"], 1000),
        (
            "`irmae-propagate`, IRMAE trained on with pseudo-labels,",
            _pseudo_labels,
            ["irmae-propagate", "supervised-augment", "supervised"],
            1000,
        ),
    ):
        lines.append(f"- **{subject}**")
        lines += [
            f"  - on {name} {clause(report)}. With {budget:,} labels: {_listed(report, names, budget)}."
            for name, report in grids.items()
        ]
    return "\n".join(lines)


def answer(name: str, report: Report) -> str:
    """State what was found on one data set."""
    lines = [
        f"- A linear classifier of frozen codes {_linear(report)}.",
        f"- `poisson-prior`, which spreads labels along a graph of the codes, {_graph(report)}.",
        f"- `supervised` {_supervised(report)}.",
        f"- `irmae-propagate`, which trains IRMAE on with pseudo-labels, {_pseudo_labels(report)}.",
        f"- `irmae-poisson-prior` {_pixels(report)}.",
    ]
    return "\n".join([ten_labels(name, report), "", *lines])


def where_it_helps(grids: Mapping[str, Report]) -> str:
    """Lay out frozen codes beside what needs no encoder and what is trained, and say where they help."""
    names = ("irmae-linear", "ae-linear", "pixels-linear", "irmae-poisson-prior", "pixels-poisson-prior", "supervised")
    budgets = (10, 100, 1000, 10_000)
    lines = []
    for name, report in grids.items():
        by_place = {(s.contender, s.budget): format_error(s) for s in report.summaries}
        lines += [f"| {name}, error % ± SE | {' | '.join(f'{b:,} labels' for b in budgets)} |"]
        lines += [f"|---|{'---:|' * len(budgets)}"]
        lines += [f"| `{n}` | {' | '.join(by_place.get((n, b), '') for b in budgets)} |" for n in names]
        lines += [""]
    for topic, subject, clause in (
        ("Few labels or many?", "`supervised`", _supervised),
        ("Codes of which encoder?", "a linear classifier", _linear),
        ("Compare with pixels first.", "`irmae-poisson-prior`", _pixels),
    ):
        sentences = [f"On {name} {subject} {clause(report)}." for name, report in grids.items()]
        lines.append(f"- **{topic}** {' '.join(sentences)}")
    return "\n".join(lines)


def ten_labels(name: str, report: Report) -> str:
    """State what the best of the contenders that figures show makes of one label per class."""
    here = [s for s in report.summaries if s.budget == 10 and s.contender in report.drawn]
    best = min(here, key=lambda s: s.mean).contender
    prior = ", which assumes that classes are about equally common" if best.endswith("-prior") else ""
    errors = {s.contender: format_error(s) for s in here}
    others = ("supervised", "supervised-augment")
    made = join([f"`{other}` makes {errors[other]} %" for other in others])
    return (
        f"**On {name}, one label per class gives {errors[best]} % errors** with `{best}`{prior}; {made}. For "
        f"as few errors {join([_needed(report, best, than) for than in others])} (95 % intervals)."
    )


def leads(report: Report, readout: str) -> str:
    """Say on codes of which method a readout makes the fewest errors, and where one cannot tell."""
    errors = errors_by_place(report.rows())
    leaders: dict[int, str] = {}
    for budget in report.budgets:
        codes = {m: errors[name, budget] for m in METHODS if (name := f"{m}-{readout}", budget) in errors}
        best = min(codes, key=lambda method: statistics.mean(codes[method].values()))
        verdicts = {m: verdict(errors, f"{best}-{readout}", f"{m}-{readout}", budget) for m in codes if m != best}
        if set(verdicts.values()) <= {"fewer", "cannot tell"}:
            leaders[budget] = join([CODES_OF[m] for m in codes if verdicts.get(m) != "fewer"])
    spans = {codes: f"at {_span(leaders, codes)} labels" for codes in dict.fromkeys(leaders.values())}
    alone = [f"of {codes} {span}" for codes, span in spans.items() if codes in CODES_OF.values()]
    unclear = [
        f"{span} one cannot tell {codes} apart" for codes, span in spans.items() if f"of {codes} {span}" not in alone
    ]
    led = f"does best with codes {join(alone)}" if alone else "does best with no codes alone"
    return "; ".join([led, *unclear])


def beside(report: Report, contender: str, other: str) -> str:
    """Say where a contender makes fewer errors than another, where more, and where one cannot tell."""
    errors = errors_by_place(report.rows())
    every = {budget: verdict(errors, contender, other, budget) for budget in report.budgets}
    verdicts = {budget: found for budget, found in every.items() if found is not None}
    spans = {found: f"at {_span(verdicts, found)} labels" for found in sorted(set(verdicts.values()))}
    told = [f"{found} {spans[found]}" for found in ("fewer", "more") if found in spans]
    clauses = [
        f"{spans['cannot tell']} one cannot tell" if "cannot tell" in spans else "",
        *(f"{spans[mean]} its mean is {mean.split()[0]} (too few runs to test)" for mean in spans if "mean" in mean),
    ]
    rest = "; ".join(filter(None, clauses))
    if not told:
        return f"beside `{other}`: {rest}"
    fewer_or_more = join(told).replace(" at ", f" errors than `{other}` at ", 1)
    return f"makes {fewer_or_more}{f'; {rest}' if rest else ''}"


def verdict(errors: Errors, contender: str, other: str, budget: int) -> Verdict | None:
    """Say whether a contender makes fewer errors than another at a budget, or more.

    Args:
        errors: Percent, by contender and budget, then by the seed of the subset.
        contender: The one.
        other: The other.
        budget: Number of labels.

    Returns:
        With fewer than six pairs, which mean is lower; None if no subset is shared.
    """
    its, others = (errors.get((name, budget), {}) for name in (contender, other))
    difference = paired_difference(its, others, other)
    if difference is None:
        return None
    if difference.n < LEAST_PAIRS or difference.low is None or difference.high is None:
        return "lower mean" if difference.mean < 0 else "higher mean"
    if difference.low * difference.high <= 0:
        return "cannot tell"
    return "fewer" if difference.mean < 0 else "more"


def errors_by_place(rows: Iterable[Row]) -> Errors:
    """Return errors, percent, by contender and budget, then by the seed of the subset."""
    errors: dict[tuple[str, int], dict[int, float]] = {}
    for row in rows:
        errors.setdefault((row.contender, row.budget), {})[row.seed] = row.error
    return errors


def _linear(report: Report) -> str:
    return f"{leads(report, 'linear')}. On codes of IRMAE it {beside(report, 'irmae-linear', 'pixels-linear')}"


def _graph(report: Report) -> str:
    return leads(report, "poisson-prior")


def _supervised(report: Report) -> str:
    return beside(report, "supervised", "irmae-poisson-prior")


def _pseudo_labels(report: Report) -> str:
    augmented, plain = (beside(report, "irmae-propagate", other) for other in ("supervised-augment", "supervised"))
    return f"{augmented}. It {plain}"


def _pixels(report: Report) -> str:
    return beside(report, "irmae-poisson-prior", "pixels-poisson-prior")


def _span(values: Mapping[int, str], wanted: str) -> str:
    """Write the budgets that have a value; three or more of those that were run next to each other as a range."""
    words: list[str] = []
    for value, run in itertools.groupby(values.items(), lambda item: item[1]):
        if value == wanted:
            budgets = [f"{budget:,}" for budget, _ in run]
            words += [f"{budgets[0]} to {budgets[-1]}"] if len(budgets) > 2 else budgets
    return join(words)


def _listed(report: Report, names: Iterable[str], budget: int) -> str:
    by_name = {s.contender: s for s in report.summaries if s.budget == budget}
    return join([f"`{name}` {format_error(by_name[name])} %" for name in names])


def _needed(report: Report, contender: str, than: str) -> str:
    """Say how many labels another contender needs for the error of one with ten labels."""
    labels = label_equivalences(report.rows(), baseline=than)[10, contender]
    number = format_labels(labels)
    return f"`{than}` needs {'about ' * number[0].isdecimal()}{number} labels {format_labels_interval(labels)}".strip()


def _table(name: str) -> str:
    return f"[Table](docs/results/{GRIDS[FULL[name]].folder}/README.md)"
