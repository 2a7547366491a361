"""What documents say of the stored grids, in sentences that are computed from their rows.

A contender is said to make fewer errors, or more, where the sign-flip test of the paired differences says so, corrected
by Holm for everything that a row compares. Otherwise it is said that one cannot tell; of fewer than six pairs, of which
no test could find anything, which mean is lower.
"""

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from docs.coverage import worth_coverage_at
from docs.grids import FULL, GRIDS, METHODS
from docs.markdown import table
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.contenders.trained import FROM_SCRATCH
from ssl_irmae.protocols.report.note import join
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import (
    format_error,
    format_labels,
    format_labels_interval,
    what_leads,
)
from ssl_irmae.protocols.statistics.label_equivalence import label_equivalences
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded
from ssl_irmae.protocols.statistics.paired import paired_difference
from ssl_irmae.protocols.statistics.ranking import rank
from ssl_irmae.protocols.statistics.significance import holm
from ssl_irmae.protocols.storage.rows import Row

CODES_OF = {"irmae": "IRMAE", "ae": "AE", "vae": "VAE"}
LEAST_PAIRS = 6
ON_LABELS_ALONE = tuple(
    n for n, c in FROM_SCRATCH.items() if c.family in ("network, labels only", "network, bottleneck")
)

Errors = Mapping[tuple[str, int], Mapping[int, float]]  # by contender and budget, then by the seed of the subset
_BEST_CODES = {"linear": "a linear classifier", "poisson-prior": "`poisson-prior`, a graph of codes"}
_BESIDE = (
    ("irmae-linear", "pixels-linear"),
    ("irmae-poisson-prior", "pixels-poisson-prior"),
    ("irmae-poisson-prior", "supervised"),
    ("irmae-poisson-prior", "supervised-residual"),
    ("irmae-propagate", "irmae-poisson-prior"),
    ("irmae-propagate", "scratch-propagate"),
    ("irmae-propagate", "supervised"),
    ("irmae-propagate", "supervised-augment"),
    ("irmae-propagate", "supervised-residual"),
)

Comparison = tuple[str, str, int]  # a contender, another, and the number of labels
Verdict = Literal["fewer", "more", "cannot tell", "lower mean", "higher mean"]
_CELLS: dict[Verdict, str] = {
    "fewer": "fewer",
    "more": "more",
    "cannot tell": "cannot tell",
    "lower mean": "(fewer)",
    "higher mean": "(more)",
}


def first(grids: Mapping[str, Report]) -> str:
    """State for each data set what one label per class gives."""
    tables = [f"[{name}](docs/results/{GRIDS[FULL[name]].folder}/README.md)" for name in grids]
    return f"{ten_labels(grids)} All results: {join(tables)}."


def found(grids: Mapping[str, Report]) -> str:
    """Lay out for each data set whose codes are best and who makes fewer errors than whom, by number of labels."""
    return "\n\n".join(found_on(name, report) for name, report in grids.items())


def found_on(name: str, report: Report) -> str:
    """Say what was found on one data set: a row for each question, whose answer names numbers of labels."""
    rows = {f"best codes for {readout}": leaders(report, r) for r, readout in _BEST_CODES.items()}
    rows |= {
        f"`{contender}` against `{other}`": {b: _CELLS[v] for b, v in comparisons(report, contender, other).items()}
        for contender, other in _BESIDE
    }
    lines = [f"| {row} | {by_labels(cells, report.budgets)} |" for row, cells in rows.items() if cells]
    return "\n".join([f"| {name} | at numbers of labels |", "|---|---|", *lines])


def by_labels(found: Mapping[int, str], budgets: Sequence[int]) -> str:
    """Write what was found at each number of labels, once for all that follow one another.

    >>> by_labels({10: "fewer", 20: "fewer", 50: "fewer", 100: "more", 500: "more"}, [10, 20, 50, 100, 200, 500])
    'fewer: 10 to 50; more: 100, 500'
    """
    runs: list[tuple[str, list[int]]] = []
    for place, budget in enumerate(budgets):
        if budget not in found:
            continue
        if not runs or runs[-1][0] != found[budget]:
            runs.append((found[budget], []))
        runs[-1][1].append(place)
    written = []
    for what, places in runs:
        labels = [f"{budgets[place]:,}" for place in places]
        whole = len(places) > 2 and places[-1] - places[0] == len(places) - 1
        written.append(f"{what}: {f'{labels[0]} to {labels[-1]}' if whole else ', '.join(labels)}")
    return "; ".join(written)


def answer(name: str, report: Report) -> str:
    """State what was found on one data set."""
    mean, worst = worth_coverage_at(10)
    covered = (
        f"Tried on rows of ten MNIST labels, such intervals of labels needed held the number in {mean} % of draws, in "
        f"{worst} % for the worst contender ([measured](../coverage/README.md#what-labels-are-worth))."
    )
    return f"{ten_labels({name: report})} {covered}\n\n{found_on(name, report)}"


def errors_beside(grids: Mapping[str, Report]) -> str:
    """Lay out frozen codes beside what needs no encoder and what is trained."""
    readouts = {"linear": ("irmae", "ae", "pixels"), "poisson-prior": ("irmae", "ae", "vae", "pixels")}
    names = (*(f"{codes}-{readout}" for readout, each in readouts.items() for codes in each), "supervised")
    budgets = (10, 100, 1000, 10_000)
    lines = []
    for name, report in grids.items():
        by_place = {(s.contender, s.budget): format_error(s) for s in report.summaries}
        lines += [f"| {name}, error % ± SE | {' | '.join(f'{b:,} labels' for b in budgets)} |"]
        lines += [f"|---|{'---:|' * len(budgets)}"]
        lines += [f"| `{n}` | {' | '.join(by_place.get((n, b), '') for b in budgets)} |" for n in names]
        lines += [""]
    return "\n".join(lines)


def ten_labels(grids: Mapping[str, Report]) -> str:
    """State, for each data set, what one label per class gives, and what others need for as few errors."""
    found = {name: _at_ten(report) for name, report in grids.items()}
    against = [f"{name}: `{each.best}` against `{each.fewest}`" for name, each in found.items()]
    names = list(found)
    best = [each.best for each in found.values()]
    shown = dict.fromkeys([*best, *(other for each in found.values() for other in (*each.without, "supervised"))])
    lines = [(f"`{other}`", *(each.cell(other) for each in found.values())) for other in shown]
    needing = sorted(
        dict.fromkeys(other for each in found.values() for other in each.needed),
        key=lambda other: [each.needed[other].labels for each in found.values() if other in each.needed],
    )
    needed = [(f"`{other}`", *(_shown(each.needed.get(other)) for each in found.values())) for other in needing]
    leads = " or ".join(dict.fromkeys(each.lead for each in found.values()))
    numbers = ", ".join(f"{each.number} on {name}" for name, each in found.items())
    spread = join(
        [f"median {statistics.median(x.its):.2f} %, worst {max(x.its):.2f} % on {name}" for name, x in found.items()]
    )
    pixels = "pixels-poisson-prior" in needing
    prior = any(each.best.endswith("-prior") for each in found.values())
    return "\n\n".join(
        [
            f"**{_worth(found)}.** {'. '.join(against)}.",
            table(" | ".join(["error %, ten labels: mean ± SE (subsets)", *names]), lines),
            table(" | ".join(["labels needed for the error in bold [95 %]", *names]), needed),
            f"Bold: {leads} of all contenders that see test images one at a time ({numbers}), picked after all results "
            f"were known. Its errors over labelled subsets: {spread}. {_which_subsets(found)}"
            f"{' `pixels-poisson-prior` has no encoder, but uses the images without labels.' * pixels}"
            f"{' Names that end in `-prior` assume that classes are about equally common.' * prior} "
            f"{_steps(grids, found)}",
        ]
    )


class _AtTen(NamedTuple):
    """What one label per class gives on one data set."""

    best: str
    lead: str
    number: int
    its: Collection[float]
    errors: dict[str, tuple[str, int]]
    without: list[str]
    needed: dict[str, LabelsNeeded]
    fewest: str
    on_shared: tuple[Collection[float], LabelsNeeded]

    @property
    def alone(self) -> list[str]:
        """The networks that learn from labels alone."""
        return [name for name in self.needed if name in ON_LABELS_ALONE]

    def cell(self, contender: str) -> str:
        """Write the error of a contender and of how many subsets it is, bold for that of the best."""
        if contender not in self.errors:
            return "not run"
        error, n = self.errors[contender]
        return f"**{error}** ({n})" if contender == self.best else f"{error} ({n})"


def _at_ten(report: Report) -> _AtTen:
    here = [s for s in report.summaries if s.budget == 10 and not report.styles[s.contender].transductive]
    errors = {s.contender: (format_error(s), s.n) for s in here}
    best = rank(report.matrices, 10, errors).names[0]
    learner = best.partition("-")[2]
    without = [f"{start}-{learner}" for start in ("scratch", "pixels") if f"{start}-{learner}" in errors]
    needed = {
        other: label_equivalences(report.rows(), baseline=other)[10, best]
        for other in (*ON_LABELS_ALONE, "pixels-poisson-prior")
        if other in errors
    }
    fewest = min((name for name in needed if name in ON_LABELS_ALONE), key=lambda name: needed[name].labels)
    return _AtTen(
        best,
        what_leads(here, {(10, best)}, report.styles),
        len(here),
        errors_by_place(report.rows())[best, 10].values(),
        errors,
        list(dict.fromkeys([*without, "pixels-poisson-prior"])),
        needed,
        fewest,
        _on_shared(report, best, fewest, needed[fewest].labels),
    )


def _on_shared(report: Report, best: str, other: str, labels: float) -> tuple[Collection[float], LabelsNeeded]:
    """Return the errors on the subsets of ten labels on which two contenders can be paired, and what the other needs.

    They can be where the other was run with the same seeds at the two budgets between which the number of labels lies.
    """
    errors = errors_by_place(report.rows())
    budgets = sorted(budget for name, budget in errors if name == other)
    below, above = [b for b in budgets if b <= labels], [b for b in budgets if b >= labels]
    beside = {max(below, default=budgets[0]), min(above, default=budgets[-1])}
    shared = set(errors[best, 10]).intersection(*(errors[other, budget] for budget in beside))
    kept = [row for row in report.rows() if (row.contender, row.budget) != (best, 10) or row.seed in shared]
    return [errors[best, 10][seed] for seed in shared], label_equivalences(kept, baseline=other)[10, best]


def _which_subsets(found: Mapping[str, _AtTen]) -> str:
    """Say what the headline would be on only those subsets that both contenders were run on."""
    clauses = []
    for name, each in found.items():
        shared, needed = each.on_shared
        lacking = ", the worst not among them" if max(shared) < max(each.its) else ""
        was = format_labels(each.needed[each.fewest])
        clauses.append(f"{was} becomes {_shown(needed)} on {name} ({len(shared)} subsets{lacking})")
    return (
        "The headline averages over all these subsets; over only those that its networks were run on too, "
        f"{join(clauses)}."
    )


def _worth(found: Mapping[str, _AtTen]) -> str:
    """Say how many labels the network on labels alone that needs the fewest takes for as few errors."""
    clauses = []
    for name, each in found.items():
        needed = each.needed[each.fewest]
        number, interval = format_labels(needed), format_labels_interval(needed).strip("[]")
        few = f"{'about ' * number[0].isdecimal()}{number}"
        clauses.append((name, few, f" (95 %: {interval})" if interval else ""))
    (name, few, interval), *others = clauses
    networks = len(next(iter(found.values())).alone)
    return "; ".join(
        [
            f"With ten labels, one per class, and 60,000 images without labels, the best method on {name} errs as "
            f"little as the best of {networks} networks trained on labels alone with {few} labels{interval}",
            *(f"on {name}, as with {few}{interval}" for name, few, interval in others),
        ]
    )


def _shown(needed: LabelsNeeded | None) -> str:
    return f"{format_labels(needed)} {format_labels_interval(needed)}".strip()


def leaders(report: Report, readout: str) -> dict[int, str]:
    """Name, by number of labels, on codes of which method a readout makes the fewest errors.

    At each number all pairs are compared, since which codes come first is seen in the same rows. Those that cannot be
    told from them are named too. They are in brackets where runs are too few to test.
    """
    errors = errors_by_place(report.rows())
    run = {b: [m for m in METHODS if (f"{m}-{readout}", b) in errors] for b in report.budgets}
    codes = {budget: methods for budget, methods in run.items() if methods}
    first = {b: rank(report.matrices, b, [f"{m}-{readout}" for m in ms]).names[0] for b, ms in codes.items()}
    best = {b: name.removesuffix(f"-{readout}") for b, name in first.items()}
    ordered = {b: [best[b], *(m for m in ms if m != best[b])] for b, ms in codes.items()}
    compared = [(f"{m}-{readout}", f"{o}-{readout}", b) for b, ms in ordered.items() for m, o in combinations(ms, 2)]
    found = verdicts(errors, compared)
    named = {}
    for budget, methods in codes.items():
        here = {m: found[first[budget], f"{m}-{readout}", budget] for m in methods if m != best[budget]}
        if set(here.values()) <= {"fewer", "cannot tell"}:
            named[budget] = " or ".join(CODES_OF[m] for m in methods if here.get(m) != "fewer")
        else:
            named[budget] = f"({CODES_OF[best[budget]]})"
    return named


def comparisons(report: Report, contender: str, other: str) -> dict[int, Verdict]:
    """Say by number of labels whether a contender makes fewer errors than another."""
    found = verdicts(errors_by_place(report.rows()), [(contender, other, budget) for budget in report.budgets])
    return {budget: verdict for (_, _, budget), verdict in found.items() if verdict is not None}


def verdicts(errors: Errors, compared: Sequence[Comparison]) -> dict[Comparison, Verdict | None]:
    """Say of every comparison of a row whether the first contender makes fewer errors than the second, or more.

    Args:
        errors: Percent, by contender and budget, then by the seed of the subset.
        compared: One contender, the other, and the number of labels of each comparison.

    Returns:
        What the test says after Holm's correction for all of them; with fewer than six pairs, which mean is lower, and
        None if no subset is shared.
    """
    differences = {
        c: paired_difference(errors.get((c[0], c[2]), {}), errors.get((c[1], c[2]), {}), c[1]) for c in compared
    }
    tested = {c: d for c, d in differences.items() if d is not None and d.n >= LEAST_PAIRS}
    significant = dict(zip(tested, (p < 0.05 for p in holm([d.p for d in tested.values()])), strict=True))
    found: dict[Comparison, Verdict | None] = {}
    for each, difference in differences.items():
        below = difference is not None and difference.mean < 0
        if difference is None:
            found[each] = None
        elif each not in tested:
            found[each] = "lower mean" if below else "higher mean"
        elif not significant[each]:
            found[each] = "cannot tell"
        else:
            found[each] = "fewer" if below else "more"
    return found


def errors_by_place(rows: Iterable[Row]) -> Errors:
    """Return errors, percent, by contender and budget, then by the seed of the subset."""
    errors: dict[tuple[str, int], dict[int, float]] = {}
    for row in rows:
        errors.setdefault((row.contender, row.budget), {})[row.seed] = row.error
    return errors


def _steps(grids: Mapping[str, Report], found: Mapping[str, _AtTen]) -> str:
    """Say how many steps those contenders that are networks were trained for with ten labels."""
    named = [name for each in found.values() for name in (each.best, *each.without, *each.needed)]
    networks = [name for name in dict.fromkeys(named) if not CONTENDERS[name].frozen]
    rows = [row for report in grids.values() for row in report.rows() if row.budget == 10]
    steps = {row.contender: int(row.settings["steps"]) for row in rows if row.contender in networks}
    least = min(steps.values())
    longer = [f"`{name}`" for name in networks if steps[name] > least]
    others = f", {join(longer)} for {max(steps.values()):,}" if longer else ""
    return f"At ten labels, networks were trained for {least:,} steps{others}."
