"""The table of a protocol: error by contender and budget, and in words what its numbers are."""

from collections.abc import Mapping, Sequence

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
    rows: Sequence[Row],
    summaries: Sequence[Summary],
    spec: Spec,
    contenders: Mapping[str, Contender],
    reference: str,
    quick: Sequence[str] = (),
) -> list[str]:
    """Say in words what stands in the table, one entry a line of thought.

    Args:
        rows: Every row of the protocol.
        summaries: Of them.
        spec: What was run.
        contenders: The rows of the table.
        reference: The contender that differences are taken to.
        quick: Names of encoders that were pretrained for a few steps on the spot.
    """
    first = rows[0]
    what = "test" if spec.scored_on == "test" else "held-out training (development)"
    error = f"Error: mean % of {first.n_scored:,} {what} images"
    if len(spec.seeds) == 1:
        lines = [f"{error}; one labelled subset, so there is no ± and no test of anything: use --seeds 10."]
    else:
        lines = [
            f"{error}, ± standard error over {len(spec.seeds)} labelled subsets (ddof = 1), each with its own "
            "training seed."
        ]
    if any(s.difference for s in summaries):
        lines.append(
            f"Δ: error minus {reference}'s on the same subsets, in points, with a 95 % paired t interval (from two "
            "pairs on), not corrected for the number of contenders."
        )
    drawn = {row.rule for row in rows}
    shared = "nested over budgets, shared by all contenders"
    if "balanced" in drawn:
        lines.append(f"Subsets: balanced (as many of each class, within one), {shared}.")
    if "uniform" in drawn:
        lines.append(f"Subsets: uniform (drawn without looking at classes), {shared}.")
    if "full" in drawn:
        lines.append(
            "At the full set every subset is the same: ± is over training seeds alone, and a readout without "
            "randomness has n = 1 and no ±."
        )
    if 1 < len(spec.seeds) < 6:
        lines.append("n below 6: no two-sided sign-flip test could reach p < 0.05; read the intervals with care.")
    errors = sorted({s.mean for s in summaries})
    ends = dict.fromkeys((errors[0], errors[-1]))
    binomial = " and ".join(f"{scoring_error(e, first.n_scored):.2f} points at {e:.1f} % error" for e in ends)
    lines.append(f"Not in ±: the {first.n_scored:,} scored images are one sample; that alone is (binomial) {binomial}.")
    notes: dict[str, list[str]] = {}
    for name, c in contenders.items():
        if c.note:
            notes.setdefault(c.note, []).append(name)
    lines += [f"{', '.join(names)}: {note}." for note, names in notes.items()]
    fixed: dict[str, list[str]] = {}
    for name, c in contenders.items():
        if not c.settings:
            continue
        fixed.setdefault(", ".join(f"{k.replace('_', ' ')} {v:g}" for k, v in c.settings.items()), []).append(name)
    lines.append("Fixed beforehand: " + "; ".join(f"{', '.join(names)}: {text}" for text, names in fixed.items()) + ".")
    if spec.scored_on == "development":
        lines.append(
            "Development images are for choosing settings, as those above were on MNIST; pretrained encoders have seen "
            "them without labels. Report test results instead."
        )
    if quick:
        lines.append(
            f"Pretrained for a few steps on the spot, to try things and not to report: {', '.join(quick)}. Use "
            "`ssl-irmae pretrain` and --encoder."
        )
    return lines
