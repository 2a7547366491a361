"""The answer, in a few sentences computed from the rows."""

from collections.abc import Mapping, Sequence

from ssl_irmae.protocols.report.floors_ahead import floors_ahead
from ssl_irmae.protocols.report.note import join
from ssl_irmae.protocols.report.notes import count_compared
from ssl_irmae.protocols.report.styles import Style
from ssl_irmae.protocols.report.tables.cells import format_labels, format_labels_interval
from ssl_irmae.protocols.statistics.curve_summary import CurveSummary
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded
from ssl_irmae.protocols.statistics.significance import what_n_allows
from ssl_irmae.protocols.statistics.summary import Summary

_MOST_NAMED = 3
_SURE = 0.95


def answer_in_words(
    summaries: Sequence[Summary],
    styles: Mapping[str, Style],
    equivalences: Mapping[tuple[int, str], LabelsNeeded],
    best: Mapping[tuple[int, str], float],
    *,
    baseline: str,
) -> list[str]:
    """Say what makes the fewest errors with how many labels, beside the baseline, and where a floor is ahead.

    Where the baseline itself comes first, the next contender is compared with it.

    It opens with how many labels of the baseline the best of the smallest budget is worth, if that is known. Of several
    budgets the smallest and the largest are described. Contenders that are leaky or transductive are only considered
    if there are no others, and it begins with that then, unless their names say so.

    Args:
        summaries: Summaries of every contender at every budget.
        styles: Style of every contender.
        equivalences: How many labels of the baseline an error is worth, by budget and contender.
        best: How likely each contender is the best, by budget and contender.
        baseline: The contender that differences are taken to.

    Returns:
        One to six sentences, and those of ``floors_ahead``.
    """
    plain = [s for s in summaries if not styles[s.contender].marks]
    considered = plain or list(summaries)
    by_budget: dict[int, list[Summary]] = {}
    for s in considered:
        by_budget.setdefault(s.budget, []).append(s)
    budgets = sorted(by_budget)
    lowest = {budget: min(by_budget[budget], key=_mean) for budget in budgets}
    described = dict.fromkeys((budgets[0], budgets[-1]))
    sentences = _all_marked(considered, styles) + _worth(lowest[budgets[0]], equivalences)
    for budget in described:
        sentences.append(_sentence(lowest[budget], by_budget[budget], summaries, baseline))
        sentences += _doubt(lowest[budget], best) if len(by_budget[budget]) > 2 else []
    ahead = floors_ahead(considered, styles)
    if len(budgets) == 1:
        return [*sentences, *_others(lowest[budgets[0]], by_budget[budgets[0]], baseline), *ahead]
    names = {s.contender for s in lowest.values()}
    if len(names) == 1 and len(by_budget[budgets[0]]) > 1 and len(budgets) > 2:
        sentences.append(f"`{names.pop()}` has the lowest mean error at all {len(budgets)} budgets.")
    return [*sentences, *ahead]


_MARKS = {
    "leaky": "leaky (its error is the lowest of several looks at the scored labels)",
    "transductive": "transductive (it saw what is scored, without labels, before it predicted)",
}


def _all_marked(considered: Sequence[Summary], styles: Mapping[str, Style]) -> list[str]:
    """Say what a reader must not overlook about every contender, unless names say it of all."""
    names = dict.fromkeys(s.contender for s in considered)
    if not all(styles[name].marks for name in names) or all(styles[name].marked(name) == name for name in names):
        return []
    kinds = dict.fromkeys(mark for name in names for mark in styles[name].marks)
    return [f"Every contender is {' or '.join(_MARKS[kind] for kind in kinds)}."]


def _worth(best: Summary, equivalences: Mapping[tuple[int, str], LabelsNeeded]) -> list[str]:
    """Say how many labels of the baseline the best contender is worth."""
    found = equivalences.get((best.budget, best.contender))
    if found is None:
        return []
    labels = f"{best.budget:,} label{'s' if best.budget > 1 else ''}"
    return [f"{labels} with `{best.contender}` are worth {_number(found)} of `{found.of}`{_interval(found)}."]


def target_in_words(
    curves: Sequence[CurveSummary], styles: Mapping[str, Style], target: float, *, baseline: str
) -> list[str]:
    """Say which contender needs the fewest labels for a target error, and how many the baseline needs.

    Args:
        curves: Every contender over all budgets, with the labels that the target error takes.
        styles: Style of every contender.
        target: The target error, percent.
        baseline: The contender that others are compared with.

    Returns:
        One sentence; none if no contender was run.
    """
    every = [c.needed for c in curves if c.needed is not None]
    considered = [needed for needed in every if not styles[needed.of].marks] or every
    means = {c.contender: c.geometric_mean for c in curves}  # of several beyond the curve's end the best is named
    fewest = min(
        considered,
        key=lambda needed: (max(needed.labels, needed.first), needed.labels, means[needed.of] or 100),
        default=None,
    )
    if fewest is None:
        return []
    if fewest.labels > fewest.last:
        return [f"No contender makes as few as {target:g} % errors with the labels that were tried."]
    text = f"{target:g} % errors take {_number(fewest)} labels with `{fewest.of}`{_interval(fewest)}"
    others = [needed for needed in every if needed.of == baseline and needed is not fewest]
    return [f"{text}{''.join(f', {_number(n)} with `{baseline}`{_interval(n)}' for n in others)}."]


def _number(found: LabelsNeeded) -> str:
    if found.labels < found.first:
        return f"fewer than {found.first:,}"
    if found.labels > found.last:
        return f"more than {found.last:,}"
    return f"about {format_labels(found)}"


def _interval(found: LabelsNeeded) -> str:
    interval = format_labels_interval(found)
    beyond = found.high < found.first or found.low > found.last  # which the number says
    return f" {interval}" if interval and not beyond else ""


def _sentence(best: Summary, among: Sequence[Summary], summaries: Sequence[Summary], baseline: str) -> str:
    labels = f"With {best.budget:,} label{'s' if best.budget > 1 else ''}"
    errors = f"`{best.contender}` makes {best.mean:.1f} % errors"
    if best.contender == baseline or len(among) == 1:
        if len(among) == 1:
            return f"{labels}, {errors}."
        fewest = f"{labels}, {errors}, the fewest of {len(among)} contenders, and is the baseline itself"
        return f"{fewest}{_runner_up(min((s for s in among if s is not best), key=_mean), summaries)}."
    difference = best.difference
    if difference is None:
        return f"{labels}, {errors}, the fewest of {len(among)} contenders; no subset is shared with `{baseline}`."
    shared = f"the same {difference.n} {_runs(best)}" if difference.n > 1 else f"the same {_runs(best)[:-1]}"
    if difference.mean > 0:  # its mean is the lowest because of subsets that the baseline was not run on
        more = f"but {difference.mean:.1f} points more than `{baseline}` on {shared}"
        return f"{labels}, {errors}, the fewest of {len(among)} contenders, {more}."
    if difference.mean == 0:
        return f"{labels}, {errors}, as many as `{baseline}` on {shared}."
    return f"{labels}, {errors}, {abs(difference.mean):.1f} points fewer than `{baseline}`{_support(best, summaries)}."


def _runner_up(following: Summary, summaries: Sequence[Summary]) -> str:
    """Say by how much the next contender is worse, where the baseline comes first."""
    difference = following.difference
    if difference is None:
        return f"; it shares no subset with the next, `{following.contender}`"
    by = f"{abs(difference.mean):.1f} points {'more' if difference.mean >= 0 else 'fewer on the subsets they share'}"
    interval = "" if difference.low is None else f" (95 % interval {difference.low:+.1f} to {difference.high:+.1f})"
    return f"; the next, `{following.contender}`, makes {by}{interval}{_support(following, summaries)}"


def _mean(summary: Summary) -> float:
    return summary.mean


def _doubt(lowest: Summary, best: Mapping[tuple[int, str], float]) -> list[str]:
    """Say how often another contender would have been picked, unless it would be seldom."""
    share = best.get((lowest.budget, lowest.contender), 1.0)
    if share > _SURE:
        return []
    draws = "labels" if lowest.over_subsets else "training seeds"
    return [f"With other {draws}, another contender would be the best in {100 * (1 - share):.0f} % of cases."]


def _runs(summary: Summary) -> str:
    if not summary.over_subsets:
        return "training runs"
    return "divisions" if summary.over.startswith("divisions") else "subsets"


def _support(compared: Summary, summaries: Sequence[Summary]) -> str:
    """Say what speaks for a difference from the baseline, after the correction for all contenders, marked ones too."""
    difference = compared.difference
    assert difference is not None  # only called where there is one
    if difference.n == 1:
        return f", on a single {_runs(compared)[:-1]}, so chance cannot be ruled out"
    wins = {difference.n: "every one", 0: "none"}.get(difference.better, f"{difference.better}")
    text = f", and is better on {wins} of {difference.n} {_runs(compared)}"
    if difference.p_holm < 0.05:
        return text
    others = count_compared(compared, summaries)
    if what_n_allows(difference.n, contenders=others) is not None:
        return f"{text}; too few to rule out chance" + (f" among {others} contenders" if others > 1 else "")
    return f"{text}, which chance could explain (p = {difference.p_holm:.2g})"


def _others(best: Summary, among: Sequence[Summary], baseline: str) -> list[str]:
    """Say what comes next, what is worse than the baseline, and what is not shown to be better."""
    rest = sorted((s for s in among if s is not best), key=_mean)
    sentences = []
    if len(rest) > 1 and best.contender != baseline:
        sentences.append(f"Next is `{rest[0].contender}` with {rest[0].mean:.1f} %.")
    if best.difference is None or best.difference.p_holm >= 0.05:
        return sentences
    compared = [(s.contender, s.difference) for s in rest if s.difference is not None and s.difference.n > 1]
    told = {"Worse than": True, "Not shown to be better than": False}
    for how, significant in told.items():
        names = [
            f"`{name}`"
            for name, difference in compared
            if (difference.p_holm < 0.05) == significant and not (significant and difference.mean < 0)
        ]
        if names:
            listed = join(names) if len(names) <= _MOST_NAMED else f"{len(names)} contenders"
            sentences.append(f"{how} `{baseline}`: {listed}.")
    return sentences
