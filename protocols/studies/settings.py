"""How much fixed settings matter: would a readout that was tuned otherwise change what a table says of it?

The settings in force were chosen by docs/results/settings/choose.py among the same candidates. It has rows of networks
too, which take ten to a hundred times as long, on encoders that had seen the held-out images without labels. Here
encoders have not seen them, subsets are others, and networks are left out; the held-out images are the same, which
favours the settings in force.
"""

import itertools
from collections.abc import Mapping

from ssl_irmae.datasets.reading import count
from ssl_irmae.protocols.contenders.candidates import CANDIDATES
from ssl_irmae.protocols.contenders.contender import Contender, Setting
from ssl_irmae.protocols.contenders.on_codes import READOUTS
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.phrases import change
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column

_BUDGETS = (10, 100)  # those of choose.py
_READOUT = "readout"
_QUICK = ("linear", "knn", "poisson-prior")


def study(*, quick: bool) -> Study:
    """Score every candidate of every readout on the same frozen codes of IRMAE; the quick form has three readouts."""
    groups = [group for group in CANDIDATES if group in READOUTS and (not quick or group in _QUICK)]
    return Study(
        title="Settings of readouts",
        question="How much does the error of a readout depend on its fixed settings, and are they well chosen?",
        levels=tuple(
            Level(name, (EncoderSettings(depth=4),), at=place, line=group, contenders={_READOUT: contender})
            for group in groups
            for place, (name, contender) in enumerate(_candidates(group).items(), 1)
        ),
        datasets=("mnist",) if quick else ("mnist", "fashion-mnist"),
        seeds=tuple(range(5 if quick else 3)),
        budgets=_BUDGETS,
        steps=1200 if quick else FULL_STEPS,
        panels=tuple(Panel((error_column(_READOUT, budget),)) for budget in _BUDGETS),
        axis="candidate, in the order of the table",
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Say how far candidates of a readout lie apart, how far readouts do, and where a candidate is better."""
    places = [(dataset, budget) for dataset in results.study.datasets for budget in results.study.budgets]
    better = [text for place in places for text in _better(results, *place)]
    number = sum(len(_that_matter(results, *place)) for place in places)
    none = "in none of these does another candidate err less than the settings in force, as far as one can tell"
    some = (
        f"in {len(better)} of these another candidate errs less than the settings in force, the best of several being "
        "favoured"
    )
    if not number:
        return [
            "Whatever their settings, readouts give the same errors.",
            *(_spread(results, *place) for place in places),
        ]
    first = (
        f"Settings matter in {count(number, 'combination')} of a readout and a number of labels; "
        f"{some if better else none}. Those in force were chosen on the same held-out images, which favours them."
    )
    return [first, *(f"{text}." for text in better), *(_spread(results, *place) for place in places)]


def _candidates(group: str) -> dict[str, Contender]:
    """Return the candidates of a group by the names of their levels."""
    return {_name(group, tried): READOUTS[group].with_settings(**tried) for tried in _combinations(group)}


def _combinations(group: str) -> list[dict[str, float]]:
    grid = CANDIDATES[group]
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _in_force(group: str) -> str:
    return _name(group, {name: READOUTS[group].settings[name] for name in CANDIDATES[group]})


def _groups(results: Results) -> dict[str, list[str]]:
    """Return the names of levels by readout."""
    groups: dict[str, list[str]] = {}
    for level in results.study.levels:
        groups.setdefault(level.line, []).append(level.name)
    return groups


def _that_matter(results: Results, dataset: str, budget: int) -> dict[str, list[str]]:
    """Return the names of levels by readout, without readouts whose candidates all give the same errors.

    With 100 labels ``linear`` chooses its penalty inside the subset, and with 10 the nearest neighbours are no more.
    """
    column = error_column(_READOUT, budget)
    values = {name: results.matrix(column, name, dataset)[0].tolist() for name in results.levels}
    return {
        group: names
        for group, names in _groups(results).items()
        if any(values[name] != values[names[0]] for name in names)
    }


def _better(results: Results, dataset: str, budget: int) -> list[str]:
    column = error_column(_READOUT, budget)
    found = []
    for group, names in _that_matter(results, dataset, budget).items():
        best = results.lowest(column, dataset, names)
        gap = None if best is None else results.gap(column, best.level, _in_force(group), dataset)
        if best is not None and gap is not None and gap.known and gap.mean < 0:
            by = change(results, column, best.level, _in_force(group), dataset)
            found.append(
                f"{dataset}, {budget} labels: the error of {best.level} is {by} compared with {_in_force(group)}"
            )
    return found


def _spread(results: Results, dataset: str, budget: int) -> str:
    column = error_column(_READOUT, budget)
    means = {level: mean.mean for level in results.levels if (mean := results.mean(column, level, dataset)) is not None}
    within = {
        group: [means[name] for name in names if name in means]
        for group, names in _that_matter(results, dataset, budget).items()
        if _in_force(group) in means
    }
    if not within:
        return f"{dataset}, {budget} labels: it is not known."
    fixed = [means[name] for name in map(_in_force, _groups(results)) if name in means]
    each = ", ".join(f"{group} {max(several) - min(several):.1f}" for group, several in within.items())
    return (
        f"{dataset}, {budget} labels: the best and the worst candidate of a readout lie apart by, in points, {each}; "
        f"the best and the worst readout with the settings in force, by {max(fixed) - min(fixed):.1f}."
    )


def _name(group: str, settings: Mapping[str, Setting]) -> str:
    return f"{group}, {', '.join(f'{name} {value}' for name, value in settings.items())}"
