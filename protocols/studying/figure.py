"""The figure of a study: a panel for each thing that was asked, means with bars of one standard error."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ssl_irmae.protocols.report.figures.figure import MARKERS, add_caption
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import Level, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS = 3  # panels beside each other
_COLOURS = (
    "#0072b2",
    "#d07c00",
    "#009e73",
    "#b8608f",
    "#7a7a7a",
    "#c84a00",
    "#56b4e9",
    "#000000",
)  # Okabe and Ito (2008)
_STYLES = ("-", "--", ":")
_FLOORS = {"dashed": "--", "dotted": ":"}
_GREY = "#7a7a7a"
_CLOSE = (0.25, 0.08)  # of width and height of the axes: names of points that are nearer run into each other
_SMALL = 8  # points


class _Named(NamedTuple):
    x: float
    y: float
    name: str
    colour: str


def figure(results: Results) -> "Figure":
    """Draw every panel: one line for each data set or, where levels are of several lines, a row for each data set.

    Args:
        results: What was found; its study says which panels there are.
    """
    from matplotlib.figure import Figure

    study = results.study
    panels = [p for p in study.panels if any(c in results.columns for c in p.columns)] or [
        Panel((column,)) for column in results.columns
    ]
    lines = list(dict.fromkeys(level.line for level in study.levels))
    rows: list[tuple[tuple[str, ...], Sequence[Panel]]]  # data sets and panels of each row
    if len(lines) > 1:
        rows = [((dataset,), panels) for dataset in study.datasets]
    else:
        wide = 2 if len(panels) == 4 else _ACROSS
        rows = [(study.datasets, panels[i : i + wide]) for i in range(0, len(panels), wide)]
    across = max(len(several) for _, several in rows)
    drawn = Figure(figsize=(3.6 * across + 0.4, 3.1 * len(rows) + 0.3), layout="constrained")
    grid = drawn.subplots(len(rows), across, squeeze=False)
    for (datasets, several), line_of_axes in zip(rows, grid, strict=True):
        for axes in line_of_axes[len(several) :]:
            axes.set_axis_off()
        for axes, panel in zip(line_of_axes, several, strict=False):
            series = [
                (dataset if len(lines) == 1 else line, dataset, [x for x in study.levels if x.line == line])
                for dataset in datasets
                for line in lines
            ]
            named = []
            for i, (label, dataset, levels) in enumerate(series):
                named += _draw(axes, results, panel, dataset, levels, label, i)
            for i, dataset in enumerate(datasets):
                _draw_floors(axes, results, panel, dataset, _COLOURS[i] if len(datasets) > 1 else _GREY)
            _finish(axes, results, panel)
            _name(axes, named)
            if len(lines) > 1:
                axes.set_title(datasets[0], loc="left", fontsize=9)
    if len(series) > 1:
        grid[0][0].legend(frameon=False, fontsize=_SMALL)
    seeds = len(study.seeds) if any(level.candidates for level in study.levels) else 1
    over = f"{seeds} pretraining seeds" if seeds > 1 else ""
    over = " and ".join(filter(None, [over, f"{len(study.subsets)} labelled subsets" if study.budgets else ""]))
    where = f"Held-out images of {' and '.join(study.datasets)}"
    floors = " and ".join(f"{floor} ({how})" for floor, how in zip(results.floors, _FLOORS, strict=False))
    floors = f" Lines across: {floors}." if floors else ""
    add_caption(
        drawn,
        f"{where}. Points: means over {over}; bars: ± one standard error; short lines: single pretraining seeds. "
        f"Differences are paired, so one may be certain where bars overlap.{floors}",
    )
    return drawn


def _draw(
    axes: "Axes", results: Results, panel: Panel, dataset: str, levels: Sequence[Level], label: str, number: int
) -> list[_Named]:
    """Draw a line of levels, and return the points whose names are to be written beside them."""
    colour = _COLOURS[number % len(_COLOURS)]
    places, to_name = _places(results, panel), []
    for column, style in zip(panel.columns, _STYLES, strict=False):
        points = []
        each_seed: list[tuple[float, float]] = []
        for level in levels:
            mean = results.mean(column, level.name, dataset)
            across = None if panel.against is None else results.mean(panel.against, level.name, dataset)
            place = places.get(level.name) if panel.against is None else None if across is None else across.mean
            if mean is not None and place is not None:
                aside = 0.0 if across is None else across.error or 0.0
                points.append(
                    (place, mean.mean, mean.error or 0.0, aside, level.name if level.at is None else f"{level.at:g}")
                )
                each_seed += [(place, value) for value in results.by_seed(column, level.name, dataset)]
        if not points:
            continue
        x, y, up, aside_of_all, names = zip(*sorted(points), strict=True)
        named = levels[0].at is None  # names are no axis to join points along
        if panel.against is not None:
            to_name += [_Named(*each, colour) for each in zip(x, y, names, strict=True)]
        if panel.against is None and style == _STYLES[0]:
            axes.plot(*zip(*each_seed, strict=True), "_", markersize=7, color=colour, alpha=0.55)
        axes.errorbar(
            x,
            y,
            yerr=up,
            xerr=aside_of_all if panel.against else None,
            color=colour,
            linestyle="" if named else style,
            marker=list(MARKERS.values())[number % len(MARKERS)],
            markersize=4.5,
            markerfacecolor=colour if style == _STYLES[0] else "white",
            linewidth=1.3,
            capsize=2,
            label=label if style == _STYLES[0] else None,
        )
    return to_name


def _draw_floors(axes: "Axes", results: Results, panel: Panel, dataset: str, colour: str) -> None:
    for floor, style in zip(results.floors, _FLOORS.values(), strict=False):
        mean = results.mean(panel.columns[0], floor, dataset)
        if mean is not None:
            axes.axhline(mean.mean, color=colour, linestyle=style, linewidth=1)


def _name(axes: "Axes", points: Sequence[_Named]) -> None:
    """Write names beside points: above or, of one that has another close above it, below."""
    to_axes = axes.transData + axes.transAxes.inverted()
    places = [to_axes.transform((point.x, point.y)) for point in points]
    for point, (x, y) in zip(points, places, strict=True):
        crowded = any(abs(other - x) < _CLOSE[0] and 0 < up_to - y < _CLOSE[1] for other, up_to in places)
        axes.annotate(
            point.name,
            (point.x, point.y),
            (4, -4 if crowded else 3),
            textcoords="offset points",
            verticalalignment="top" if crowded else "bottom",
            fontsize=_SMALL - 1,
            color=point.colour,
        )


def _places(results: Results, panel: Panel) -> dict[str, float]:
    """Return where levels stand on the axis; names stand side by side, without those that a panel has nothing of."""
    datasets = results.study.datasets
    shown = [
        level
        for level in results.study.levels
        if any(results.mean(column, level.name, dataset) for column in panel.columns for dataset in datasets)
    ]
    return {level.name: float(place) if level.at is None else level.at for place, level in enumerate(shown)}


def _finish(axes: "Axes", results: Results, panel: Panel) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    study = results.study
    first, *others = panel.columns
    if panel.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        low, high = axes.get_ylim()
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 5 * low else MaxNLocator(6))
        axes.yaxis.set_minor_formatter(NullFormatter())
    title = (
        results.head(first) + " (log)" * panel.log + "".join(f"\nhollow: {results.title(column)}" for column in others)
    )
    axes.set_ylabel(title, fontsize=_SMALL)
    axes.tick_params(which="both", labelsize=_SMALL)
    if panel.against is not None:
        axes.set_xlabel(results.title(panel.against), fontsize=_SMALL)
        if panel.log_against:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
    elif all(level.at is None for level in study.levels):
        places = _places(results, panel)
        axes.set_xticks(list(places.values()), list(places), rotation=35, ha="right")
        axes.set_xlim(-0.5, len(places) - 0.5)
    else:
        ticks = sorted({level.at for level in study.levels if level.at is not None})
        if study.log:
            axes.set_xscale("log")
            axes.minorticks_off()
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel(study.axis, fontsize=_SMALL)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
