"""The notes printed under a protocol's tables: what the numbers are, and what they do not say."""

import math
from collections.abc import Sequence

from ssl_irmae.datasets.reading import count
from ssl_irmae.plugins.registered import IN_WORDS
from ssl_irmae.protocols.contenders.registry import CONTENDERS, READOUT_NOTES, SETTING_GROUPS
from ssl_irmae.protocols.report.classes import class_notes
from ssl_irmae.protocols.report.note import Note, join, on_columns
from ssl_irmae.protocols.report.subset_notes import scored_images, subset_notes
from ssl_irmae.protocols.report.tables.cells import format_p
from ssl_irmae.protocols.report.tables.components import component_notes, crossed_components
from ssl_irmae.protocols.statistics.coverage import describe_coverage, describe_worth_coverage
from ssl_irmae.protocols.statistics.error_matrix import error_matrices
from ssl_irmae.protocols.statistics.finite_test_set import binomial_test_set_error
from ssl_irmae.protocols.statistics.folds import pool_folds
from ssl_irmae.protocols.statistics.significance import EXACT_UP_TO, FLIPS, smallest_p
from ssl_irmae.protocols.statistics.summary import Summary
from ssl_irmae.protocols.storage.rows import Row

_MOST_NAMES = 3
# by the id in rows; of groups that share a readout, the first names it
_READOUT_NAMES = {CONTENDERS[names[0]].readout: group for group, names in reversed(SETTING_GROUPS.items())}


def table_notes(rows: Sequence[Row], summaries: Sequence[Summary], *, baseline: str) -> list[Note]:
    """Return the notes on the tables of a protocol.

    Args:
        rows: Every row of the protocol.
        summaries: Their summaries.
        baseline: The contender that differences are taken to.
    """
    first = pool_folds(rows)[0]
    return [
        _errors(first, summaries),
        *_pretraining(rows, summaries),
        *_differences(summaries, baseline, first),
        *_method(summaries, first),
        *_worth(summaries, baseline, first),
        *_curves(summaries, baseline, first),
        *_pairs(summaries),
        *subset_notes(rows, baseline),
        *_given_codes(rows),
        *_plugins(rows),
        _scored_images(first, summaries),
        *_trouble(rows),
        *class_notes(first),
        *_readouts(rows),
        *_settings(rows),
    ]


def _errors(first: Row, summaries: Sequence[Summary]) -> Note:
    images = f"{first.n_scored:,} {scored_images(first)}"
    error = f"Error: mean % of {images}"
    counts = {s.n for s in summaries if s.over_subsets and s.n > 1}
    subsets = any(s.over_subsets for s in summaries)
    one = "one division" if first.folds is not None else "one labelled subset" if subsets else "one training run"
    if all(s.n == 1 for s in summaries):
        text = f"{error}; {one}, so there is no ± and no test of anything: use 10 seeds or more."
        return Note("error", text, text)
    if not counts:
        elsewhere = f", at the full set alone; elsewhere there is {one}" if subsets else ""
        return Note(
            "error",
            f"{error}, ± standard error (ddof = 1){elsewhere}.",
            f"{error}, ± standard error over training seeds{elsewhere}.",
        )
    n = f"{min(counts)}" if len(counts) == 1 else "n"
    if first.folds is not None:
        text = f"{error}, ± standard error over {n} divisions into folds (ddof = 1), each with its own subsets."
        return Note("error", text, text)
    text = (
        f"{error}, ± standard error over {n} labelled subsets (ddof = 1), each with its own training seed; full tables "
        f"have its 95 % t interval. {describe_coverage('error', counts)}"
    )
    return Note("error", text, f"{error}, ± standard error over {n} labelled subsets.")


def _trouble(rows: Sequence[Row]) -> list[Note]:
    """Name the contenders whose solver or training did not converge in some trials."""
    places: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        places.setdefault((row.contender, row.budget), []).append(row)
    found = {place: [row for row in each if row.trouble] for place, each in places.items()}
    where = [
        f"{name} at {count(budget, 'label')} in {len(bad)} of {count(len(places[name, budget]), 'trial')} "
        f"({join(list(dict.fromkeys(text for row in bad for text in row.trouble or ())))})"
        for (name, budget), bad in found.items()
        if bad
    ]
    if not where:
        return []
    text = f"Not converged: {'; '.join(where)}. Their errors are of where the solver or the training stopped."
    return [Note("trouble", text, text)]


def _pretraining(rows: Sequence[Row], summaries: Sequence[Summary]) -> list[Note]:
    notes = []
    if any(s.crossed for s in summaries):
        notes.append(
            Note(
                "several pretrainings",
                "Contenders with several pretraining seeds: the mean over those is taken first, within each subset, "
                "and n counts subsets. Their ± covers both draws, of subsets and of pretraining seeds (two-way random "
                "effects); Δ, its interval and p are about these encoders and no others.",
            )
        )
    for (budget, name), matrix in error_matrices(rows).items():
        if matrix.left_out:
            left_out = join([str(seed) for seed in matrix.left_out])
            missing = "every fold" if rows[0].folds is not None else "every pretraining seed"
            text = f"Left out for {name} at {budget:,} labels, not run with {missing}: {left_out}."
            notes.append(Note("left out", text, text))
    components = crossed_components(rows)
    return [*notes, *component_notes(components)] if components else notes


def _differences(summaries: Sequence[Summary], baseline: str, first: Row) -> list[Note]:
    compared = [s.difference for s in summaries if s.difference is not None]
    budgets = {s.budget for s in summaries if s.difference is not None}
    if not compared:
        return []
    if all(d.n == 1 for d in compared):
        text = f"Δ: error minus {baseline}'s on the same subset, in points; one pair has no interval and no test"
        return [on_columns("difference", f"{text}.", {"Δ": text})]
    sizes = {sum(s.budget == budget and s.difference is not None for s in summaries) for budget in budgets}
    size = sizes.pop() if len(sizes) == 1 else 0
    many = {0: "all contenders", 1: "the one contender"}.get(size, f"the {size} contenders")
    pairs = [s.difference.n for s in summaries if s.difference is not None and s.difference.n > 1 and s.over_subsets]
    return [
        on_columns(
            "difference",
            f"Δ: error minus {baseline}'s on the same subsets, in points, with the 95 % t interval of its mean over "
            "these pairs, for each contender separately: not corrected, and about these very encoders and scored "
            f"{first.noun}s. {describe_coverage('difference', pairs or (d.n for d in compared))}",
            {
                "Δ": f"Δ: error minus {baseline}'s on the same subsets, in points",
                "95 %": "95 %: t interval of Δ",
            },
        ),
        on_columns(
            "p value",
            f"p Holm: two-sided sign-flip test of Δ = 0 on the pairs (exact up to {EXACT_UP_TO}, beyond that by "
            f"{FLIPS:,} random flips), corrected by Holm (1979) for {many} compared at one budget.",
            {"p Holm": f"p: sign-flip test of Δ = 0, corrected for {many} compared (Holm){_floor(summaries)}"},
        ),
    ]


def _method(summaries: Sequence[Summary], first: Row) -> list[Note]:
    if all(s.method_low is None for s in summaries):
        return []
    seeds = " and, where there are several, how the pretraining seeds fell" if any(s.crossed for s in summaries) else ""
    return [
        Note(
            "method",
            f"For the method: a 95 % interval that also covers which {first.noun}s were scored (the standard error "
            f"over {first.noun}s of each {first.noun}'s mean result){seeds}; the other interval is about these "
            f"encoders and {first.noun}s.",
        )
    ]


def _worth(summaries: Sequence[Summary], baseline: str, first: Row) -> list[Note]:
    if len({s.budget for s in summaries if s.contender == baseline}) < 2:
        return []  # no curve
    counts = [s.n for s in summaries if s.over_subsets and s.n > 1]
    interval = (
        "; the 95 % interval is of expanded percentiles over resampled subsets (Hesterberg 2015). "
        f"{describe_worth_coverage(counts)}"
        if counts
        else "."
    )
    return [
        on_columns(
            "worth",
            f"worth: with how many labels {baseline} makes as few errors, the fewest that do by its mean errors, "
            "between budgets linearly in log-log (Newell and Deng 2020 call it utility); no error at all counts as "
            f"half of one wrong {first.noun}{interval}",
            {"worth": f"worth: with how many labels {baseline} makes as few errors"},
        )
    ]


def _curves(summaries: Sequence[Summary], baseline: str, first: Row) -> list[Note]:
    if len({s.budget for s in summaries}) < 2:
        return []  # no table of them
    interval = "; the 95 % interval is of expanded percentiles over resampled subsets"
    text = (
        f"Over all budgets: the geometric mean of a contender's mean errors at the budgets of {baseline}, so that "
        f"halving the error counts alike at each, and no error at all counts as half of one wrong {first.noun}"
        f"{interval if any(s.over_subsets and s.n > 1 for s in summaries) else ''}."
    )
    if _subsets_differ(summaries, baseline):
        text += f" Only the subsets of {baseline} count at each; - marks who was not run on all of them."
    return [Note("curves", text)]


def _subsets_differ(summaries: Sequence[Summary], baseline: str) -> bool:
    """Find whether anything was run on more, fewer or other subsets than the baseline, where that was run."""
    subsets = {s.budget: s.n for s in summaries if s.contender == baseline and s.over_subsets}
    others = [s for s in summaries if s.contender != baseline and s.budget in subsets]
    return any(s.difference is None or not s.n == s.difference.n == subsets[s.budget] for s in others)


def _floor(summaries: Sequence[Summary]) -> str:
    """Say that equal p values are the smallest there can be, not equal evidence."""
    compared = [s.difference for s in summaries if s.difference is not None]
    if len({s.budget for s in summaries}) > 1 or len({d.n for d in compared}) > 1 or compared[0].n > EXACT_UP_TO:
        return ""
    lowest = min(compared, key=lambda d: d.p_holm)
    possible = smallest_p(lowest.n, contenders=len(compared))
    return f"; {format_p(lowest)} is the smallest possible" if math.isclose(lowest.p_holm, possible) else ""


def _pairs(summaries: Sequence[Summary]) -> list[Note]:
    if all(s.difference is None or s.difference.n == s.n for s in summaries):
        return []
    return [Note("pairs in brackets", "n in brackets: the pairs behind Δ, where they are more or fewer.")]


def count_compared(summary: Summary, summaries: Sequence[Summary]) -> int:
    """Count the contenders that are compared with the baseline at a summary's budget, on no more pairs than it."""
    n = 0 if summary.difference is None else summary.difference.n
    others = [s.difference for s in summaries if s.budget == summary.budget and s.difference is not None]
    return sum(difference.n <= n for difference in others)


def _scored_images(first: Row, summaries: Sequence[Summary]) -> Note:
    value, error = max((binomial_test_set_error(s.mean, first.n_scored), s.mean) for s in summaries)
    return Note(
        "scored images",
        f"Not in ± or p, nor in any interval but that for the method: the {first.n_scored:,} scored {first.noun}s are "
        f"one sample; that alone gives a mean a standard error of up to {value:.2f} points (binomial, at {error:.1f} % "
        "error).",
        f"Not in ±: the {first.n_scored:,} scored {first.noun}s are only one sample, which adds a standard error "
        f"of up to {value:.2f} points.",
    )


def _given_codes(rows: Sequence[Row]) -> list[Note]:
    given = {row.representation or "": row.codes_from for row in rows if row.codes_from is not None}
    if not given:
        return []
    names = join([f"{name} ({codes_from})" for name, codes_from in given.items()])
    text = (
        f"{names}: codes that were not made here; whether they have seen scored {rows[0].noun}s or labels is not known."
    )
    return [Note("given codes", text, text)]


def _plugins(rows: Sequence[Row]) -> list[Note]:
    used = list(dict.fromkeys(plugin for row in rows for plugin in row.plugins))
    if not used:
        return []
    names = [f"{IN_WORDS[plugin.kind]} {plugin.name} ({plugin.origin})" for plugin in used]
    whose = ", with the settings of the author, not tuned here" if any(row.settings_author for row in rows) else ""
    text = f"From outside the package: {join(names)}{whose}."
    return [Note("plug-ins", text, text)]


def _readouts(rows: Sequence[Row]) -> list[Note]:
    names: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.readout in READOUT_NOTES:
            names.setdefault(row.readout, {})[row.contender] = None
    return [
        Note("readout", f"{_few_names(readout, list(contenders))}: {READOUT_NOTES[readout]}.")
        for readout, contenders in names.items()
    ]


def _settings(rows: Sequence[Row]) -> list[Note]:
    texts: dict[str, dict[str, tuple[Row, set[int]]]] = {}
    for row in rows:
        text = ", ".join(f"{setting.replace('_', ' ')} {_short(value)}" for setting, value in row.settings.items())
        texts.setdefault(row.contender, {}).setdefault(text or "no settings", (row, set()))[1].add(row.budget)
    fixed: dict[tuple[str, str], list[str]] = {}
    for name, versions in texts.items():
        for text, (row, budgets) in versions.items():
            where = f" at {join([f'{b:,}' for b in sorted(budgets)])} labels" if len(versions) > 1 else ""
            fixed.setdefault((row.readout, text), []).append(name + where)
    parts = [f"{_few_names(readout, names)}: {text}" for (readout, text), names in fixed.items()]
    notes = [Note("settings", f"Fixed beforehand: {'; '.join(parts)}.")]
    if rows[0].scored_on == "development":
        notes.append(
            Note(
                "development",
                f"Held-out training {rows[0].noun}s are for choosing settings. Report test results instead.",
                f"Scored on held-out training {rows[0].noun}s: for choosing settings; report test results.",
            )
        )
    return notes


def _few_names(readout: str, contenders: Sequence[str]) -> str:
    """Name a few contenders, or what they have in common."""
    if len(contenders) <= _MOST_NAMES:
        return ", ".join(contenders)
    return f"{_READOUT_NAMES.get(readout, readout)} ({len(contenders)} contenders)"


def _short(value: int | float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
