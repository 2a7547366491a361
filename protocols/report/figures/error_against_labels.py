"""The figure of a label-budget protocol: error against labels."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import isotonic_regression

from ssl_irmae.protocols.report.figures.figure import MARKERS, add_caption, drawn_summaries
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.styles import DASHES, Style
from ssl_irmae.protocols.statistics.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL = 7.5  # points
_TICKS = [round(m * 10**e, 2) for e in (-2, -1, 0, 1) for m in (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)] + [100]
_COARSE = {round(m * 10**e, 2) for e in (-2, -1, 0, 1, 2) for m in (1, 2, 5)}


def error_against_labels(report: Report) -> "Figure":
    """Draw mean error over budgets, log-log, one line per contender, each with a band of one standard error.

    A mean without a standard error (n = 1) is hollow, and no band leads to it. An error of zero, which a log axis
    cannot show, is drawn at half an image.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    summaries = drawn_summaries(report)
    height = max(5.6, 0.17 * len(report.drawn) + 1)  # inches: room for a name per line
    single = len(report.budgets) == 1
    figure = Figure(figsize=(5.4 if single else 8.4, height), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    floor = 50 / report.pooled[0].n_scored
    for place, name in enumerate(report.drawn):
        line = sorted((s for s in summaries if s.contender == name), key=lambda s: s.budget)
        if not line:
            continue
        style = report.styles[name]
        # at a single budget, points stand beside each other over half a decade
        aside = 10 ** (0.5 * (place / max(1, len(report.drawn) - 1) - 0.5)) if single else 1.0
        x, y = [s.budget * aside for s in line], [max(s.mean, floor) for s in line]
        margins = [math.nan if s.standard_error is None else s.standard_error for s in line]
        means = np.array([s.mean for s in line])
        bottom, top = (np.maximum(means + sign * np.array(margins), floor) for sign in (-1, 1))
        if single:  # a band of no width: a bar
            axes.vlines(x, bottom, top, color=style.light, linewidth=2)
        else:
            axes.fill_between(x, bottom, top, color=style.light, alpha=0.18, linewidth=0)
        several = [i for i, s in enumerate(line) if s.standard_error is not None]
        axes.plot(x, y, label=name, markevery=several, **_line_style(style))
        alone = [place for i, place in enumerate(zip(x, y, strict=True)) if i not in several]
        if alone:
            left, up = zip(*alone, strict=True)
            mark = MARKERS[style.marker]
            axes.scatter(left, up, s=25, marker=mark, color="white", edgecolor=style.light, zorder=3)
    if single:
        axes.set_xlim(report.budgets[0] * 10**-0.35, report.budgets[0] * 10**0.35)
    _label_ends(axes, report.styles, 72 * (height - 1))
    axes.set_xticks(report.budgets, [f"{budget:,}" for budget in report.budgets])
    axes.minorticks_off()
    low, high = axes.get_ylim()
    ticks = [t for t in _TICKS if low <= t <= high and (t in _COARSE or high / low < 6)]
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.set(
        xlabel="labels (log scale)",
        ylabel=f"mean error, % of {report.pooled[0].n_scored:,} {report.pooled[0].noun}s (log scale)",
    )
    axes.set_title(report.title, loc="left", fontsize=10)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    families = [family for family in DASHES if family in {report.styles[name].family for name in report.drawn}]
    handles = [Line2D([], [], color="#444444", linewidth=1.4, dashes=DASHES[f] or (None, None)) for f in families]
    if not single:
        axes.legend(handles, families, loc="upper right", fontsize=_LABEL, frameon=False, handlelength=4.5)
    what = "Points stand beside each other to be distinguishable. Point: mean. Bar" if single else "Line: mean. Band"
    over = _over(summaries)
    hollow = " Hollow: n = 1, no ±." if any(s.standard_error is None for s in summaries) else ""
    add_caption(figure, f"{what}: ± one standard error (ddof = 1), {over}.{hollow} {report.left_out}")
    return figure


def _line_style(style: Style) -> dict[str, Any]:
    return {
        "color": style.light,
        "linestyle": (0, style.dash) if style.dash else "-",
        "linewidth": 1.6,
        "marker": MARKERS[style.marker],
        "markersize": 5,
        "markeredgecolor": "white",
        "markeredgewidth": 0.6,
    }


def _label_ends(axes: "Axes", styles: Mapping[str, Style], height: float) -> None:
    """Write each line's name at its right end, moved apart where they would overlap, with a thread to the line.

    Args:
        axes: The axes with the lines.
        styles: Style of every contender.
        height: Height of the axes, points.
    """
    from matplotlib.colors import to_rgb

    axes.autoscale_view()
    low, high = (math.log(y) for y in axes.get_ylim())
    ends = {}
    for line in axes.lines:
        x, y = np.asarray(line.get_xydata(), dtype=np.float64)[-1]
        ends[str(line.get_label())] = (float(x), float(y))
    wanted = sorted((((math.log(y) - low) / (high - low), name) for name, (_, y) in ends.items()), reverse=True)
    places = space_out([place for place, _ in wanted], 1.35 * _LABEL / height)
    for place, (_, name) in zip(places, wanted, strict=True):
        text = tuple(0.6 * channel for channel in to_rgb(styles[name].light))  # darker: thin strokes need contrast
        axes.annotate(
            styles[name].marked(name),
            xy=ends[name],
            xytext=(1.045, place),
            textcoords="axes fraction",
            fontsize=_LABEL,
            color=text,
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": "#777777",
                "linewidth": 0.7,
                "linestyle": (0, (1, 3)),  # a thread from a line that ends early must not style like its data
                "relpos": (0, 0.5),  # from the left of the name: the thread crosses no other
                "shrinkA": 1,
                "shrinkB": 4,
            },
            annotation_clip=False,
        )


def space_out(wanted: Sequence[float], step: float) -> list[float]:
    """Move places apart until neighbours keep a distance, as little as possible, and back into [0, 1] if they fit.

    Args:
        wanted: Descending.
        step: The least distance.

    Returns:
        Places, descending.

    >>> space_out([0.5, 0.5], 0.25)
    [0.625, 0.375]
    """
    shifted = [place + i * step for i, place in enumerate(wanted)]
    flat = isotonic_regression(shifted, increasing=False).x.tolist()  # the least squares answer
    places = [place - i * step for i, place in enumerate(flat)]
    last = len(places) - 1
    return [max(min(place, 1 - i * step), (last - i) * step) for i, place in enumerate(places)]


def _over(summaries: Sequence[Summary]) -> str:
    """Say what the standard errors are over: ``"over 10 to 30 subsets, 3 training seeds at 60,000"``."""
    words = []
    for over in dict.fromkeys(s.over for s in summaries if s.standard_error is not None):
        counts = sorted({s.n for s in summaries if s.over == over and s.standard_error is not None})
        number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        budgets = {s.budget for s in summaries if s.over == over}
        where = f" at {', '.join(f'{b:,}' for b in sorted(budgets))} labels" if over != "subsets" else ""
        words.append(f"{number} {over}{where}")
    return f"over {', '.join(words)}" if words else "none here: n = 1"
