"""Numbers as text: what a cell of a table says, whatever the table is written in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ssl_irmae.protocols.report.styles import Style
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded
from ssl_irmae.protocols.statistics.paired import Difference
from ssl_irmae.protocols.statistics.summary import Summary


@dataclass(frozen=True)
class Cell:
    """Text of which the first part may be bold.

    Args:
        text: What it says.
        bold: Whether that is bold.
        after: What follows, never bold.
    """

    text: str
    bold: bool = False
    after: str = ""


def plain_cells(body: Sequence[Sequence[str]]) -> list[list[Cell]]:
    """Make cells of text, none of them bold."""
    return [[Cell(text) for text in line] for line in body]


def lowest_mean(summaries: Sequence[Summary], styles: Mapping[str, Style]) -> float | None:
    """Find the lowest mean error, which tables show in bold; the best of several test peeks is never it."""
    return min((s.mean for s in summaries if not styles[s.contender].leaky), default=None)


def error_cell(summary: Summary, lowest: float | None, styles: Mapping[str, Style], after: str = "") -> Cell:
    """Write a mean and its standard error, bold if it is the lowest."""
    return Cell(format_error(summary), summary.mean == lowest and not styles[summary.contender].leaky, after)


def format_error(summary: Summary) -> str:
    """Write a mean and its standard error, or the mean alone where there is none."""
    if summary.standard_error is None:
        return f"{summary.mean:.2f}"
    return f"{summary.mean:.2f} ± {summary.standard_error:.2f}"


def format_balanced(summary: Summary) -> str:
    """Write a mean balanced error, empty where rows do not record it."""
    return "" if summary.balanced_error is None else f"{summary.balanced_error:.2f}"


def format_n(summary: Summary) -> str:
    """Write n, then in brackets the number of pairs where it differs, both marked below 6."""
    n = format_count(summary.n)
    if summary.difference is None or summary.difference.n == summary.n:
        return n
    return f"{n} ({format_count(summary.difference.n)})"


def format_count(n: int) -> str:
    """Write a number of values or pairs, marked below 6."""
    return f"{n}†" if n < 6 else str(n)


def format_mean_difference(difference: Difference | None) -> str:
    """Write a paired difference, in points."""
    return "-" if difference is None else f"{difference.mean:+.2f}"


def format_interval(difference: Difference | None) -> str:
    """Write the interval of a paired difference, in points; one pair has none."""
    if difference is None or difference.low is None or difference.high is None:
        return ""
    return f"[{difference.low:+.2f},{difference.high:+.2f}]"


def format_method_interval(difference: Difference | None) -> str:
    """Write the interval of a paired difference for the method, in points; empty where it is not known."""
    if difference is None or difference.method_low is None or difference.method_high is None:
        return ""
    return f"[{difference.method_low:+.2f},{difference.method_high:+.2f}]"


def format_difference(difference: Difference | None) -> str:
    """Write a paired difference and its interval, in points."""
    return f"{format_mean_difference(difference)} {format_interval(difference)}".strip()


def format_p(difference: Difference | None) -> str:
    """Write the corrected p of a difference; one pair tests nothing."""
    if difference is None or difference.n == 1:
        return ""
    return "<0.001" if difference.p_holm < 0.001 else f"{difference.p_holm:.3f}"


def format_labels(found: LabelsNeeded | None) -> str:
    """Write how many labels of the baseline an error is worth, to two digits; empty where that is not known."""
    return "" if found is None else _labels(found.labels, found)


def format_labels_interval(found: LabelsNeeded | None) -> str:
    """Write the interval of that number; empty if all of it is beyond the same end of the curve, or there is none."""
    if found is None or found.low is None or found.high is None or found.high < found.first or found.low > found.last:
        return ""
    return f"[{_labels(found.low, found)} to {_labels(found.high, found)}]"


def _labels(number: float, found: LabelsNeeded) -> str:
    if number < found.first:
        return f"< {found.first:,}"
    if number > found.last:
        return f"> {found.last:,}"
    digits = 2 - len(f"{number:.0f}")  # of which two are kept
    return f"{round(number, min(digits, 0)):,.0f}"


def format_probability(share: float | None) -> str:
    """Write how likely a contender is the best; empty where it does not take part."""
    return "" if share is None else f"{share:.2f}"
