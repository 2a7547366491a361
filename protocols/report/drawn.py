"""Which contenders a figure shows by default."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from ssl_irmae.protocols.report.styles import Style
from ssl_irmae.protocols.statistics.summary import Summary

MOST_DRAWN = 12


def choose_drawn(summaries: Sequence[Summary], styles: Mapping[str, Style], baseline: str) -> list[str]:
    """Choose the few contenders that a figure can show and still be read.

    The baseline, the best frozen readout of each representation, and the best network of each family of training.
    No transductive and no leaky contenders, unless there are no others. They are ranked by their mean over budgets of
    log(error / median error at that budget).

    Args:
        summaries: Summaries of the contenders to choose from.
        styles: Style of every contender.
        baseline: Always drawn if it is among the summaries.

    Returns:
        At most ``MOST_DRAWN`` names, in the order of the table.
    """
    plain = [s for s in summaries if not styles[s.contender].marks]
    summaries = plain or summaries
    names = list(dict.fromkeys(s.contender for s in summaries))
    if len(names) <= MOST_DRAWN:
        return names
    by_budget: dict[int, list[float]] = {}
    for s in summaries:
        by_budget.setdefault(s.budget, []).append(s.mean)
    medians = {budget: sorted(means)[len(means) // 2] for budget, means in by_budget.items()}
    scores: dict[str, float] = {}
    count = Counter(s.contender for s in summaries)
    for s in summaries:
        # a hundredth of a point keeps an error of zero finite
        relative = math.log((s.mean + 0.01) / (medians[s.budget] + 0.01))
        scores[s.contender] = scores.get(s.contender, 0.0) + relative / count[s.contender]
    ranked = sorted(names, key=lambda name: scores[name])
    best = {baseline: baseline} if baseline in names else {}
    for name in ranked:
        style = styles[name]
        best.setdefault(style.representation if style.frozen else style.family, name)
    few = list(dict.fromkeys(best.values()))[:MOST_DRAWN]
    return [name for name in names if name in few]
