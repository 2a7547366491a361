"""Clauses of an answer, computed from results: each states its doubt."""

from collections.abc import Sequence

from ssl_irmae.protocols.studying.results import Mean, Results
from ssl_irmae.protocols.studying.study import error_column

DEPTH_IS_TUNED = (
    "The four layers of IRMAE were chosen on these held-out images, by errors of other subsets; the strengths of the "
    "others were not."
)
"""Where docs/results/rank decided it: the other methods have the strengths of their papers, or a usual one."""


def shown(mean: Mean | None, digits: int) -> str:
    """Write a mean with its standard error.

    >>> shown(Mean(1.25, 0.04, 3), 2), shown(Mean(1.25, None, 1), 1), shown(None, 1)
    ('1.25 ± 0.04', '1.2', '-')
    """
    if mean is None:
        return "-"
    return f"{mean.mean:.{digits}f}" + ("" if mean.error is None else f" ± {mean.error:.{digits}f}")


def p_value(p: float) -> str:
    """Write a p value.

    >>> p_value(0.0312), p_value(0.00002)
    ('p 0.031', 'p below 0.001')
    """
    return "p below 0.001" if p < 0.001 else f"p {p:.3f}"


def value(results: Results, column: str, level: str, dataset: str) -> str:
    """Write the mean of a level."""
    return shown(results.mean(column, level, dataset), results.digits(column))


def change(results: Results, column: str, level: str, other: str, dataset: str) -> str:
    """Say how a level differs from another: ``"lower by 3.1 (95 % interval 2.0 to 4.2)"``, or that one cannot tell."""
    gap = results.gap(column, level, other, dataset)
    if gap is None:
        return "not known"
    d = results.digits(column)
    if gap.low is None or gap.high is None:
        word = f"{'lower' if gap.mean < 0 else 'higher'} by {abs(gap.mean):.{d}f}" if gap.mean else "no different"
        return f"{word} in every pair that was run"
    if not gap.known:
        interval = f"95 % interval {gap.low:+.{d}f} to {gap.high:+.{d}f}"
        return f"no different as far as one can tell ({gap.mean:+.{d}f}, {interval})"
    low, high = sorted((abs(gap.low), abs(gap.high)))
    word = "lower" if gap.mean < 0 else "higher"
    return f"{word} by {abs(gap.mean):.{d}f} (95 % interval {low:.{d}f} to {high:.{d}f})"


def lowest(results: Results, column: str, dataset: str, levels: Sequence[str] | None = None) -> str:
    """Say where a column is lowest: ``"lowest at depth 4 (8.1 ± 0.2; depth 2 cannot be told from it)"``.

    Args:
        results: What was found.
        column: Name of the column.
        dataset: Name of the data set.
        levels: Those that are compared; None for all.
    """
    named = results.levels if levels is None else levels
    found = results.lowest(column, dataset, named)
    if found is None:
        return "not known"
    mean = shown(found.mean, results.digits(column))
    known = [level for level in named if results.mean(column, level, dataset) is not None]
    if len(found.others) + 1 == len(known) > 1:
        return f"lowest at {found.level} ({mean}), but no level can be told from it"
    others = f"; {', '.join(found.others)} cannot be told from it" if found.others else ""
    return f"lowest at {found.level} ({mean}{others})"


def lowest_everywhere(results: Results, column: str) -> list[str]:
    """List the levels that on every data set are lowest in a column, or cannot be told from the lowest."""
    levels = results.levels
    for dataset in results.study.datasets:
        found = results.lowest(column, dataset)
        near = () if found is None else (found.level, *found.others)
        levels = [level for level in levels if level in near]
    return levels


def beside_floors(results: Results) -> list[str]:
    """Say, for each data set, what a readout errs without pretraining, and which levels err less beyond doubt."""
    if not results.floors:
        return []
    study = results.study
    readout = next(iter(study.floors[0].contenders or study.readouts))
    return [
        f"{dataset}: {'; '.join(_beside_floors(results, readout, budget, dataset) for budget in study.budgets)}."
        for dataset in study.datasets
    ]


def _beside_floors(results: Results, readout: str, budget: int, dataset: str) -> str:
    column = error_column(readout, budget)
    floors = " and ".join(f"{value(results, column, floor, dataset)} ({floor})" for floor in results.floors)
    known = [level for level in results.levels if results.mean(column, level, dataset) is not None]
    better = [level for level in known if _errs_less(results, column, level, dataset)]
    others = [level for level in known if level not in better]
    if better and len(others) < len(better):
        which = f"all but {', '.join(others)}" if others else "all"
    else:
        which = ", ".join(better) if better else "none"
    return f"with {budget:,} labels {readout} errs {floors}; less than both, by 95 % intervals, on {which}"


def _errs_less(results: Results, column: str, level: str, dataset: str) -> bool:
    """Whether a level errs less than every floor, beyond doubt."""
    gaps = [results.gap(column, level, floor, dataset) for floor in results.floors]
    return all(gap is not None and gap.known and gap.mean < 0 for gap in gaps)
