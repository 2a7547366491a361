"""The answer, in a few sentences computed from the rows."""

from collections.abc import Mapping, Sequence

from ssl_irmae.protocols.report.floors_ahead import floors_ahead
from ssl_irmae.protocols.report.note import join, upper_first
from ssl_irmae.protocols.report.notes import count_compared
from ssl_irmae.protocols.report.styles import Style
from ssl_irmae.protocols.report.tables.cells import format_labels, format_labels_interval
from ssl_irmae.protocols.statistics.curve_summary import CurveSummary
from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded
from ssl_irmae.protocols.statistics.ranking import Ranking, rank
from ssl_irmae.protocols.statistics.significance import what_n_allows
from ssl_irmae.protocols.statistics.summary import Summary

_MOST_NAMED = 3
_SURE = 0.95


def answer_in_words(
    summaries: Sequence[Summary],
    styles: Mapping[str, Style],
    equivalences: Mapping[tuple[int, str], LabelsNeeded],
    best: Mapping[tuple[int, str], float],
    matrices: Mapping[tuple[int, str], ErrorMatrix],
    *,
    baseline: str,
) -> list[str]:
    """Say what makes the fewest errors with how many labels, beside the baseline, and where a floor is ahead.

    Any two are compared on the subsets that both were run on (see ``rank``). Where the baseline itself comes first, the
    next contender is compared with it.

    It opens with how many labels of the baseline the best of the smallest budget is worth, if that is known. Of several
    budgets the smallest and the largest are described. Contenders that are leaky or transductive are only considered
    if there are no others, and it begins with that then, unless their names say so.

    Args:
        summaries: Summaries of every contender at every budget.
        styles: Style of every contender.
        equivalences: How many labels of the baseline an error is worth, by budget and contender.
        best: How likely each contender is the best, by budget and contender.
        matrices: Errors by budget and contender.
        baseline: The contender that differences are taken to.

    Returns:
        One to six sentences, those on contenders that were not run on the same subsets, and those of ``floors_ahead``.
    """
    plain = [s for s in summaries if not styles[s.contender].marks]
    considered = plain or list(summaries)
    by_place = {(s.budget, s.contender): s for s in considered}
    names = {s.contender for s in considered}
    rankings = {budget: rank(matrices, budget, names) for budget in sorted({s.budget for s in considered})}
    ranked = {budget: [by_place[budget, name] for name in found.names] for budget, found in rankings.items()}
    smallest, largest = min(ranked), max(ranked)
    sentences = _all_marked(considered, styles) + _worth(ranked[smallest][0], equivalences)
    for budget in dict.fromkeys((smallest, largest)):
        first, *others = ranked[budget]
        alike = [s for s in others if rankings[budget].gap(first.contender, s.contender) is not None]
        sentences.append(_sentence(first, alike, summaries, baseline))
        sentences += _doubt(first, best) if len(others) > 1 else []
        sentences += _of_other_subsets(first, others, rankings[budget], baseline)
        if len(ranked) == 1:
            sentences += _others(first, alike, others, baseline)
    # whoever comes first may have a higher mean than another that was run on easier subsets
    lowest = {min(of_budget, key=lambda s: s.mean).contender for of_budget in ranked.values()}
    leaders = lowest | {of_budget[0].contender for of_budget in ranked.values()}
    if len(leaders) == 1 and len(ranked[smallest]) > 1 and len(ranked) > 2:
        sentences.append(f"`{leaders.pop()}` has the lowest mean error at all {len(ranked)} budgets.")
    return [*sentences, *floors_ahead(rankings, styles)]


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
    return f" {interval}" if interval else ""


def _sentence(first: Summary, others: Sequence[Summary], summaries: Sequence[Summary], baseline: str) -> str:
    """Describe the best contender beside those that share subsets with it, the best first."""
    labels = f"With {first.budget:,} label{'s' if first.budget > 1 else ''}"
    errors = f"`{first.contender}` makes {first.mean:.1f} % errors"
    fewest = f", the fewest of {len(others) + 1} contenders" if others else ""
    if first.contender == baseline:
        also = f", and is the baseline itself{_runner_up(others[0], summaries)}" if others else ""
        return f"{labels}, {errors}{fewest}{also}."
    difference = first.difference
    if difference is None:
        return f"{labels}, {errors}{fewest}."
    shared = f"the same {difference.n} {_runs(first)}" if difference.n > 1 else f"the same {_runs(first)[:-1]}"
    if difference.mean > 0:  # it is ahead of more of the others than the baseline is
        more = f"but {difference.mean:.1f} points more than `{baseline}` on {shared}"
        return f"{labels}, {errors}{fewest}, {more}."
    if difference.mean == 0:
        return f"{labels}, {errors}, as many as `{baseline}` on {shared}."
    return f"{labels}, {errors}, {abs(difference.mean):.1f} points fewer than `{baseline}`{_support(first, summaries)}."


def _of_other_subsets(first: Summary, others: Sequence[Summary], ranking: Ranking, baseline: str) -> list[str]:
    """Name those whose mean is lower than the best contender's on other subsets alone, and those not compared with it.

    Where contenders were not all run on the same subsets it may also be behind a few of them.
    """
    gaps = {s.contender: ranking.gap(first.contender, s.contender) for s in others}
    if first.difference is None and first.contender != baseline:
        gaps.setdefault(baseline, None)
    lower = {s.contender for s in others if s.mean < first.mean}
    easier = [name for name, gap in gaps.items() if name in lower and gap is not None and gap <= 0]
    ahead = [name for name, gap in gaps.items() if gap is not None and gap > 0]
    apart = [name for name, gap in gaps.items() if gap is None]
    shared = f"on the subsets shared with `{first.contender}`"
    sentences = []
    if easier:
        means = "The mean of {} is" if len(easier) == 1 else "The means of {} are"
        sentences.append(f"{means.format(_named(easier))} lower, but not {shared}.")
    if ahead:
        sentences.append(f"{upper_first(shared)}, {_named(ahead)} make{'s' * (len(ahead) == 1)} fewer errors.")
    if apart:
        who = "it is" if len(apart) == 1 else "they are"
        sentences.append(f"No subset is shared with {_named(apart)}, so {who} not compared.")
    return sentences


def _named(names: Sequence[str]) -> str:
    return join([f"`{name}`" for name in names]) if len(names) <= _MOST_NAMED else f"{len(names)} contenders"


def _runner_up(following: Summary, summaries: Sequence[Summary]) -> str:
    """Say by how much the next contender is worse, where the baseline comes first."""
    difference = following.difference
    if difference is None:
        return f"; it shares no {_runs(following)[:-1]} with the next, `{following.contender}`"
    by = f"{abs(difference.mean):.1f} points {'more' if difference.mean >= 0 else 'fewer on the subsets they share'}"
    interval = "" if difference.low is None else f" (95 % interval {difference.low:+.1f} to {difference.high:+.1f})"
    return f"; the next, `{following.contender}`, makes {by}{interval}{_support(following, summaries)}"


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


def _others(first: Summary, alike: Sequence[Summary], others: Sequence[Summary], baseline: str) -> list[str]:
    """Say what comes next, what is worse than the baseline, and what is not shown to be better."""
    sentences = []
    if len(alike) > 1 and first.contender != baseline:
        sentences.append(f"Next is `{alike[0].contender}` with {alike[0].mean:.1f} %.")
    if first.difference is None or first.difference.p_holm >= 0.05:
        return sentences
    compared = [(s.contender, s.difference) for s in others if s.difference is not None and s.difference.n > 1]
    told = {"Worse than": True, "Not shown to be better than": False}
    for how, significant in told.items():
        names = [
            name
            for name, difference in compared
            if (difference.p_holm < 0.05) == significant and not (significant and difference.mean < 0)
        ]
        if names:
            sentences.append(f"{how} `{baseline}`: {_named(names)}.")
    return sentences
