"""Contenders over all budgets as text: one number per learning curve, and the labels that a target error takes."""

from collections.abc import Collection

from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.cells import format_labels, format_labels_interval


def lay_out_curves(report: Report) -> dict[str, list[list[str]]]:
    """Lay curves out as text, by title: of the inductive contenders, and of the transductive.

    Each has a head, then a line per contender. There is none where there is nothing to say.
    """
    if report.target_error is None and len(report.budgets) < 2:
        return {}
    mark = {"inductive": "", "transductive": "; transductive: looked at the scored images"}
    return {
        f"over all budgets{mark[kind]}": _lines(report, {s.contender for s in summaries})
        for kind, summaries in report.kinds.items()
    }


def _lines(report: Report, names: Collection[str]) -> list[list[str]]:
    target = report.target_error
    asked = [] if target is None else [f"labels for {target:g} % [95 %]"]
    lines = [
        [
            report.styles[curve.contender].marked(curve.contender),
            _mean(curve.geometric_mean, curve.low, curve.high),
            *(
                []
                if target is None
                else [f"{format_labels(curve.needed)} {format_labels_interval(curve.needed)}".strip()]
            ),
        ]
        for curve in report.curves
        if curve.contender in names
    ]
    return [["contender", "geometric mean % [95 %]", *asked], *lines]


def _mean(mean: float | None, low: float | None, high: float | None) -> str:
    return "-" if mean is None else f"{mean:.2f} [{low:.2f},{high:.2f}]"
