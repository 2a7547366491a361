"""The table of a protocol: error by contender and budget, and in words what its numbers are."""

from collections.abc import Sequence

from rich.table import Table

from ssl_irmae.protocols.contenders import Contender
from ssl_irmae.protocols.grid import Spec
from ssl_irmae.protocols.results import Row
from ssl_irmae.protocols.statistics import Difference, Summary, scoring_error


def budget_table(rows: Sequence[Row], summaries: Sequence[Summary], *, budget: int, reference: str) -> Table:
    """Build the table of one budget.

    Args:
        rows: Every row that was summarised.
        summaries: Of every budget.
        budget: The one to show.
        reference: The contender that differences are taken to.
    """
    here = [s for s in summaries if s.budget == budget]
    own = [row for row in rows if row.budget == budget]
    reads = {row.contender: row.reads for row in own}
    best = min(s.mean for s in here)
    table = Table(title=f"{own[0].dataset}, {budget:,} labels", title_justify="left", title_style="bold")
    table.add_column("contender", no_wrap=True)
    table.add_column("reads", no_wrap=True)
    table.add_column("error % ± SE", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column(f"Δ {reference} [95 %]", justify="right", no_wrap=True)
    for s in here:
        error = format_error(s)
        table.add_row(
            s.contender,
            reads[s.contender],
            f"[bold]{error}[/bold]" if s.mean == best else error,
            str(s.n),
            "reference" if s.contender == reference else format_difference(s.difference),
        )
    return table


def format_error(summary: Summary) -> str:
    """Write a mean and its standard error; where there is none, say so by leaving it out."""
    if summary.standard_error is None:
        return f"{summary.mean:.2f}       "
    return f"{summary.mean:.2f} ± {summary.standard_error:.2f}"


def format_difference(difference: Difference | None) -> str:
    """Write a paired difference and its interval, in points."""
    if difference is None:
        return "-"
    if difference.low is None or difference.high is None:
        return f"{difference.mean:+.2f}"
    return f"{difference.mean:+.2f} [{difference.low:+.2f}, {difference.high:+.2f}]"


def explain(
    rows: Sequence[Row], summaries: Sequence[Summary], spec: Spec, contenders: dict[str, Contender], reference: str
) -> list[str]:
    """Say in words what stands in the table, one entry a line of thought."""
    first = rows[0]
    what = "test" if spec.scored_on == "test" else "held-out training (development)"
    ns = sorted({s.n for s in summaries})
    n = str(ns[0]) if len(ns) == 1 else f"n = {', '.join(map(str, ns))}"
    lines = [
        f"Error: mean % of {first.n_scored:,} {what} images, ± standard error over {n} labelled subsets (ddof = 1), "
        "each with its own training seed.",
    ]
    if any(s.difference and s.difference.low is not None for s in summaries):
        lines.append(
            f"Δ: error minus {reference}'s on the same subsets, in points, with a 95 % paired t interval, "
            "not corrected for the number of contenders."
        )
    drawn = {row.rule for row in rows}
    if "balanced" in drawn:
        lines.append("Subsets: balanced (as many of each class, within one), nested over budgets, shared by all rows.")
    if "uniform" in drawn:
        lines.append("Subsets: uniform (drawn without looking at classes), nested over budgets, shared by all rows.")
    if "full" in drawn:
        lines.append(
            "At the full set every subset is the same: ± is over training seeds alone, and a readout without "
            "randomness has n = 1 and no ±."
        )
    if any(1 < s.n < 6 for s in summaries):
        lines.append("n below 6: no two-sided sign-flip test could reach p < 0.05; read the intervals with care.")
    low, high = (f(s.mean for s in summaries) for f in (min, max))
    lines.append(
        f"Not in ±: the {first.n_scored:,} scored images are one sample; that alone is "
        f"{scoring_error(low, first.n_scored):.2f} points (binomial) at {low:.1f} % error"
        + (f" and {scoring_error(high, first.n_scored):.2f} at {high:.1f} %." if high > low else ".")
    )
    settings: dict[str, str] = {}
    for c in contenders.values():
        settings[c.readout.__name__] = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in c.settings.items())
    fixed = "; ".join(f"{name}: {text}" for name, text in settings.items())
    lines.append(f"Fixed beforehand, nothing chosen by looking at what is scored: {fixed}.")
    return lines
