"""Where a floor makes fewer errors than what was pretrained, in words."""

from collections.abc import Mapping, Sequence

from ssl_irmae.protocols.report.note import join
from ssl_irmae.protocols.report.styles import Style
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.statistics.ranking import Ranking

_EVERY = "every contender with a pretrained encoder"
_MOST_SENTENCES = 2


def floors_ahead(rankings: Mapping[int, Ranking], styles: Mapping[str, Style]) -> list[str]:
    """Say at which budgets a floor has a lower mean error than all encoders, or than all with the same readout.

    Means are compared on shared subsets. Of several such floors at one budget the best is named, of each readout at
    most one.

    Args:
        rankings: The contenders to compare, by budget.
        styles: Style of every contender.

    Returns:
        A sentence for each floor and what it is ahead of, few in all; none without a floor or without an encoder.
    """
    budgets: dict[tuple[str, str], list[int]] = {}
    for budget in sorted(rankings):
        for floor, than in _ahead(rankings[budget], styles):
            budgets.setdefault((floor, than), []).append(budget)
    # what holds at most budgets first
    claims = sorted(budgets.items(), key=lambda claim: (claim[0][1] != _EVERY, -len(claim[1])))
    sentences = [_sentence(floor, than, at) for (floor, than), at in claims[:_MOST_SENTENCES]]
    left_out = len(claims) - _MOST_SENTENCES
    if left_out > 0:
        sentences.append(f"The tables show {left_out} more such {'case' if left_out == 1 else 'cases'}.")
    return sentences


def _ahead(ranking: Ranking, styles: Mapping[str, Style]) -> list[tuple[str, str]]:
    """Return the floors that are ahead at one budget, each with what of."""
    floors = [name for name in ranking.names if styles[name].representation in FLOORS]
    pretrained = [name for name in ranking.names if styles[name].representation not in (*FLOORS, "scratch")]
    if not floors or not pretrained:
        return []
    if _leads(floors[0], pretrained, ranking):
        return [(floors[0], _EVERY)]
    found = []
    for readout in dict.fromkeys(_readout(name, styles) for name in floors):
        floor = next(name for name in floors if _readout(name, styles) == readout)
        others = [name for name in pretrained if styles[name].frozen and _readout(name, styles) == readout]
        if others and _leads(floor, others, ranking):
            found.append((floor, f"every pretrained encoder with `{readout}`"))
    return found


def _leads(name: str, others: Sequence[str], ranking: Ranking) -> bool:
    gaps = [ranking.gap(name, other) for other in others]
    return all(gap is not None and gap < 0 for gap in gaps)


def _sentence(floor: str, than: str, budgets: Sequence[int]) -> str:
    labels = f"{join([f'{budget:,}' for budget in budgets])} label{'s' if budgets[-1] > 1 else ''}"
    return f"With {labels}, `{floor}` needs no pretraining and has a lower mean error than {than}."


def _readout(contender: str, styles: Mapping[str, Style]) -> str:
    """Return what follows the representation in a contender's name; features count as the encoder's too."""
    return contender.removeprefix(f"{styles[contender].representation}-").removeprefix("features-")
