"""A forecast in words: the answer first, then where the time goes, and what both rest on."""

from ssl_irmae.protocols.forecast.cost import Cost
from ssl_irmae.protocols.forecast.subsets import Subsets
from ssl_irmae.protocols.report.note import join
from ssl_irmae.protocols.statistics.power import CONFIDENCE, LEVEL
from ssl_irmae.protocols.statistics.significance import smallest_p

_BUSY = 1.25  # times slower than without other work, from which it is worth a sentence


def describe(cost: Cost, subsets: Subsets | None) -> list[str]:
    """Describe a forecast, a sentence or a few per line; lines of a table and commands are indented.

    Args:
        cost: What missing trials cost.
        subsets: How many subsets there are and why, if they were to be found.
    """
    if subsets is None:
        return [_request(cost), *_table(cost), _costs(cost), *_caveats(cost)]
    command = [] if subsets.command is None else [f"  {subsets.command}"]
    return [_answer(subsets, cost), _power(subsets), _costs(cost), *_caveats(cost), *command]


def format_duration(seconds: float) -> str:
    """Write a duration to two significant digits.

    >>> [format_duration(s) for s in (8.2, 75, 100, 754, 5400, 50_000)]
    ['8 seconds', '75 seconds', '1.7 minutes', '13 minutes', '1.5 hours', '14 hours']
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds" if seconds >= 1.5 else "1 second"
    unit, value = ("minutes", seconds / 60) if seconds < 90 * 60 else ("hours", seconds / 3600)
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def _answer(subsets: Subsets, cost: Cost) -> str:
    first, second = subsets.between
    needed, points = subsets.needed, "1 point" if subsets.detect == 1 else f"{subsets.detect:g} points"
    return (
        f"{needed.n:,} subsets ({needed.low:,} to {needed.high:,}) detect a difference of {points} between `{first}` "
        f"and `{second}` at {subsets.budget:,} labels with power {subsets.power:g}; {_time(cost)}."
    )


def _request(cost: Cost) -> str:
    if not cost.missing:
        return f"Nothing is missing: all {cost.planned:,} trials are in the store."
    total, unit = _in_cores(cost.core_seconds, cost)
    return f"{cost.missing:,} of {cost.planned:,} trials are missing: {_time(cost)}, {total} {unit}."


def _time(cost: Cost) -> str:
    if not cost.missing:
        return "all of their trials are in the store"
    return f"{'at least' if cost.not_counted else 'about'} {format_duration(cost.seconds)} here"


def _power(subsets: Subsets) -> str:
    needed, pairs = subsets.needed, subsets.pairs
    text = (
        f"Power is that of the two-sided sign-flip test at p < {LEVEL:g}, for this one comparison. The standard "
        f"deviation of the differences, {needed.deviation:.2g} points, is that of {pairs}; the range is its "
        f"{100 * CONFIDENCE:.0f} % interval."
    )
    same = pairs.a.fingerprint == subsets.fingerprint
    if pairs.a.dataset != subsets.dataset and not same:
        text += f" Nothing is stored of {subsets.dataset}, so that this is a rough guide."
    elif pairs.a.fingerprint and not same:
        text += f" Those are other images of that name than the {subsets.dataset} here, so that this is a rough guide."
    elif pairs.a.budget != subsets.budget:
        # only of subsets of this kind: of another kind there may be some at a nearer budget, or at this one
        kind = f"{pairs.a.rule} subsets scored on {pairs.a.scored_on}"
        text += f" No {kind} are stored of both at a budget nearer to {subsets.budget:,}{' on these images' * same}."
    if smallest_p(needed.n - 1) >= LEVEL:
        text += f" Fewer than {needed.n} pairs cannot reach p < {LEVEL:g}."
    elif needed.n > needed.by_formula:
        text += (
            f" If differences were normally distributed, {needed.by_formula:,} would do; resampled, the stored ones "
            "need more."
        )
    return text


def _table(cost: Cost) -> list[str]:
    groups: dict[str, list[float]] = {}
    for share in cost.shares:
        group = groups.setdefault(share.group, [0, 0.0])
        group[0] += share.trials
        group[1] += share.core_seconds
    _, unit = _in_cores(cost.core_seconds, cost)
    width = max(map(len, groups))
    lines = [f"  {'contenders':{width}}  trials  {unit:>12}"]
    for name, (trials, seconds) in sorted(groups.items(), key=lambda group: -group[1][1]):
        count = f"{trials:,.0f}" if trials else ""
        lines.append(f"  {name:{width}}  {count:>6}  {_in_cores(seconds, cost)[0]:>12}")
    return lines if cost.missing else []


def _in_cores(seconds: float, cost: Cost) -> tuple[str, str]:
    """Write core-seconds in the unit that suits the whole cost."""
    units = {"core-hours": 3600, "core-minutes": 60, "core-seconds": 1}
    name, unit = next(each for each in units.items() if cost.core_seconds >= 1.5 * each[1] or each[1] == 1)
    value = seconds / unit
    return (f"{value:,.1f}" if value < 100 else f"{value:,.0f}"), name


def _costs(cost: Cost) -> str:
    where = f" in {cost.processes} {'process' if cost.processes == 1 else 'processes'}" if cost.processes else ""
    trials = f"{cost.missing:,} {'trial' if cost.missing == 1 else 'trials'}"
    return (
        f"The time is for {trials}{where}: what each took on MNIST (docs/results/plan), in pieces of work that were "
        "timed here just now."
    )


def _caveats(cost: Cost) -> list[str]:
    lines = []
    if cost.seconds > _BUSY * cost.idle_seconds:
        lines.append(
            f"This machine is busy with other work; without it, it would take {format_duration(cost.idle_seconds)}."
        )
    if cost.device != "cpu":
        lines.append(f"Costs were measured on a CPU; on {cost.device} they are a rough guide.")
    if cost.not_counted:
        lines.append(f"Not counted, because no costs are stored: {join(list(cost.not_counted))}.")
    return lines
