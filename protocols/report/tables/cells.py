"""Numbers as text: what a cell of a table says, whatever the table is written in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ssl_irmae.protocols.report.styles import Style
from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded
from ssl_irmae.protocols.statistics.paired import Difference
from ssl_irmae.protocols.statistics.ranking import rank
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


Places = Collection[tuple[int, str]]  # budgets and contenders


def who_leads(
    matrices: Mapping[tuple[int, str], ErrorMatrix], summaries: Sequence[Summary], styles: Mapping[str, Style]
) -> set[tuple[int, str]]:
    """Find who comes first at each budget, as ``rank`` does, which tables show in bold.

    The best of several test peeks never does.

    Args:
        matrices: Errors by budget and contender.
        summaries: Summaries of the contenders of one table.
        styles: Style of every contender.

    Returns:
        Budgets and contenders: several at a budget where they are level.
    """
    honest = {s.contender for s in summaries if not styles[s.contender].leaky}
    budgets = {s.budget for s in summaries if s.contender in honest}
    return {(budget, name) for budget in budgets for name in rank(matrices, budget, honest).first}


def what_leads(summaries: Sequence[Summary], leading: Places, styles: Mapping[str, Style]) -> str:
    """Say in words what those that come first have.

    It is the lowest mean, unless another of the same kind has a lower one on other subsets.
    """
    lowest: dict[tuple[int, bool], float] = {}
    of_first = []
    for s in (s for s in summaries if not styles[s.contender].leaky):
        place = s.budget, styles[s.contender].transductive
        lowest[place] = min(s.mean, lowest.get(place, s.mean))
        of_first += [(place, s.mean)] if (s.budget, s.contender) in leading else []
    lead = all(mean == lowest[place] for place, mean in of_first)
    return "the lowest mean" if lead else "the fewest errors on shared subsets"


def error_cell(summary: Summary, leading: Places, after: str = "") -> Cell:
    """Write a mean and its standard error, bold for those that come first."""
    return Cell(format_error(summary), (summary.budget, summary.contender) in leading, after)


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
