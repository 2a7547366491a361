"""Where a floor makes fewer errors than what was pretrained, in words."""

from collections.abc import Mapping, Sequence

from ssl_irmae.protocols.report.note import join
from ssl_irmae.protocols.report.styles import Style
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.statistics.summary import Summary

_EVERY = "every contender with a pretrained encoder"
_MOST_SENTENCES = 2


def floors_ahead(summaries: Sequence[Summary], styles: Mapping[str, Style]) -> list[str]:
    """Say at which budgets a floor has a lower mean error than all encoders, or than all with the same readout.

    Of several such floors at one budget the best is named, of each readout at most one.

    Args:
        summaries: Summaries of the contenders to compare.
        styles: Style of every contender.

    Returns:
        A sentence for each floor and what it is ahead of, few in all; none without a floor or without an encoder.
    """
    budgets: dict[tuple[str, str], list[int]] = {}
    for budget in sorted({s.budget for s in summaries}):
        of_budget = [s for s in summaries if s.budget == budget]
        floors = [s for s in of_budget if styles[s.contender].representation in FLOORS]
        pretrained = [s for s in of_budget if styles[s.contender].representation not in (*FLOORS, "scratch")]
        for floor, than in _ahead(floors, pretrained, styles):
            budgets.setdefault((floor, than), []).append(budget)
    # what holds at most budgets first
    claims = sorted(budgets.items(), key=lambda claim: (claim[0][1] != _EVERY, -len(claim[1])))
    sentences = [_sentence(floor, than, at) for (floor, than), at in claims[:_MOST_SENTENCES]]
    left_out = len(claims) - _MOST_SENTENCES
    if left_out > 0:
        sentences.append(f"The tables show {left_out} more such {'case' if left_out == 1 else 'cases'}.")
    return sentences


def _ahead(
    floors: Sequence[Summary], pretrained: Sequence[Summary], styles: Mapping[str, Style]
) -> list[tuple[str, str]]:
    """Return the floors that are ahead at one budget, each with what of."""
    if not floors or not pretrained:
        return []
    best = _lowest(floors)
    if best.mean < _lowest(pretrained).mean:
        return [(best.contender, _EVERY)]
    found = []
    for readout in dict.fromkeys(_readout(s, styles) for s in floors):
        floor = _lowest([s for s in floors if _readout(s, styles) == readout])
        others = [s for s in pretrained if styles[s.contender].frozen and _readout(s, styles) == readout]
        if others and floor.mean < _lowest(others).mean:
            found.append((floor.contender, f"every pretrained encoder with `{readout}`"))
    return found


def _sentence(floor: str, than: str, budgets: Sequence[int]) -> str:
    labels = f"{join([f'{budget:,}' for budget in budgets])} label{'s' if budgets[-1] > 1 else ''}"
    return f"With {labels}, `{floor}` needs no pretraining and has a lower mean error than {than}."


def _readout(summary: Summary, styles: Mapping[str, Style]) -> str:
    """Return what follows the representation in a contender's name; features count as the encoder's too."""
    name = summary.contender.removeprefix(f"{styles[summary.contender].representation}-")
    return name.removeprefix("features-")


def _lowest(summaries: Sequence[Summary]) -> Summary:
    return min(summaries, key=lambda s: s.mean)
