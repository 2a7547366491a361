"""The figure of paired differences to the baseline."""

from typing import TYPE_CHECKING

from ssl_irmae.protocols.report.figures.figure import MARKERS, add_caption, drawn_summaries
from ssl_irmae.protocols.report.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def paired_differences(report: Report) -> "Figure | None":
    """Draw each contender's paired difference to the baseline with its 95 % interval, one panel per budget.

    Returns:
        The figure, or None if nothing that is drawn shares a subset with the baseline.
    """
    from matplotlib.figure import Figure

    summaries = [s for s in drawn_summaries(report) if s.difference is not None]
    budgets = sorted({s.budget for s in summaries})
    names = [name for name in report.drawn if any(s.contender == name for s in summaries)]
    if not names:
        return None
    width = max(len(name) for name in names) * 0.075 + 1.9 * len(budgets) + 0.3
    figure = Figure(figsize=(max(width, 5.5), 0.27 * len(names) + 1.75), layout="constrained")
    panels = figure.subplots(1, len(budgets), sharey=True, squeeze=False)[0]
    for axes, budget in zip(panels, budgets, strict=True):
        axes.axvline(0, color="#444444", linewidth=0.9)
        here = [s for s in summaries if s.budget == budget]
        for s in here:
            difference, style = s.difference, report.styles[s.contender]
            assert difference is not None
            y = names.index(s.contender)
            if difference.low is not None and difference.high is not None:
                axes.plot([difference.low, difference.high], [y, y], color=style.light, linewidth=2)
            filled = style.light if difference.low is not None else "white"
            axes.plot(
                difference.mean, y, MARKERS[style.marker], color=style.light, markerfacecolor=filled, markersize=5.5
            )
        pairs = sorted({s.difference.n for s in here if s.difference})
        counts = f"{pairs[0]}" if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
        axes.set_title(f"{budget:,} labels\n{counts} pair{'s' * (pairs[-1] > 1)}", fontsize=9)
        axes.grid(axis="x", alpha=0.25, linewidth=0.6)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=8)
        axes.locator_params(axis="x", nbins=4)
        axes.margins(x=0.08)
    panels[0].set_yticks(range(len(names)), [report.styles[n].marked(n) for n in names], fontsize=8.5)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    scale = " (each panel its own scale)" if len(budgets) > 1 else ""
    figure.supxlabel(f"error minus {report.baseline}'s on the same subsets, points{scale}", fontsize=9)
    without = any(s.difference and s.difference.low is None for s in summaries)
    hollow = " Hollow: one pair, or all equal, no interval." if without else ""
    add_caption(
        figure,
        f"{report.title}. Point: mean paired difference; left of 0 is better than {report.baseline}. Bar: 95 % "
        f"interval, not corrected for the number of contenders.{hollow} {report.left_out}",
    )
    return figure
