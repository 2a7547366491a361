"""Contenders over all budgets as text: one number per learning curve, and the labels that a target error takes."""

from collections.abc import Collection

from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import format_labels, format_labels_interval
from ssl_irmae.protocols.statistics.curve_summary import CurveSummary


def lay_out_curves(report: Report) -> dict[str, list[list[str]]]:
    """Lay curves out as text, by title: of the inductive contenders, and of the transductive.

    Each has a head, then a line per contender. There is none where there is nothing to say.
    """
    several = len(report.budgets) > 1
    if report.target_error is None and not several:
        return {}
    mark = {"inductive": "", "transductive": f"; transductive: looked at the scored {report.pooled[0].noun}s"}
    numbers = ["geometric mean of the errors"] if several else []
    numbers += [] if report.target_error is None else [f"labels for {report.target_error:g} % errors"]
    what = f"{'over all budgets: ' if several else ''}{' and '.join(numbers)}"
    return {
        f"{what}{mark[kind]}": _lines(report, {s.contender for s in summaries})
        for kind, summaries in report.kinds.items()
    }


def _lines(report: Report, names: Collection[str]) -> list[list[str]]:
    curves = [curve for curve in report.curves if curve.contender in names]
    columns = {"contender": [report.styles[curve.contender].marked(curve.contender) for curve in curves]}
    if len(report.budgets) > 1:
        columns["geometric mean % [95 %]"] = [_mean(curve) for curve in curves]
    if report.target_error is not None:
        interval = " [95 %]" if len(report.budgets) > 1 else ""  # one budget has no curve to resample
        columns[f"labels for {report.target_error:g} %{interval}"] = [
            f"{format_labels(curve.needed) or '-'} {format_labels_interval(curve.needed)}".strip() for curve in curves
        ]
    return [list(columns), *map(list, zip(*columns.values(), strict=True))]


def _mean(curve: CurveSummary) -> str:
    if curve.geometric_mean is None:
        return "-"
    interval = "" if curve.low is None or curve.high is None else f" [{curve.low:.2f},{curve.high:.2f}]"
    return f"{curve.geometric_mean:.2f}{interval}"
