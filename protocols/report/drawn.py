"""Which contenders a figure shows by default."""

import statistics
from collections.abc import Mapping, Sequence

from ssl_irmae.protocols.report.styles import Style
from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix
from ssl_irmae.protocols.statistics.ranking import rank
from ssl_irmae.protocols.statistics.summary import Summary

MOST_DRAWN = 12


def choose_drawn(
    summaries: Sequence[Summary],
    styles: Mapping[str, Style],
    matrices: Mapping[tuple[int, str], ErrorMatrix],
    baseline: str,
) -> list[str]:
    """Choose the few contenders that a figure can show and still be read.

    The baseline, the best frozen readout of each representation, and the best network of each family of training.
    No transductive and no leaky contenders, unless there are no others. Those are the best that have, on average over
    budgets, the highest place in the order of ``rank``, as a share of the contenders there.

    Args:
        summaries: Summaries of the contenders to choose from.
        styles: Style of every contender.
        matrices: Errors by budget and contender.
        baseline: Always drawn if it is among the summaries.

    Returns:
        At most ``MOST_DRAWN`` names, in the order of the table.
    """
    plain = [s for s in summaries if not styles[s.contender].marks]
    summaries = plain or summaries
    names = list(dict.fromkeys(s.contender for s in summaries))
    if len(names) <= MOST_DRAWN:
        return names
    places: dict[str, list[float]] = {name: [] for name in names}
    for budget in {s.budget for s in summaries}:
        order = rank(matrices, budget, names).names
        for place, name in enumerate(order):
            places[name].append((place + 0.5) / len(order))  # who is alone there is neither first nor last
    ranked = sorted(names, key=lambda name: statistics.mean(places[name]))
    best = {baseline: baseline} if baseline in names else {}
    for name in ranked:
        style = styles[name]
        best.setdefault(style.representation if style.frozen else style.family, name)
    few = list(dict.fromkeys(best.values()))[:MOST_DRAWN]
    return [name for name in names if name in few]
