"""A report as one JSON document and as summary.csv: every statistic in full precision."""

import dataclasses
import json
import math
from typing import Any

from ssl_irmae.protocols.report.checks.finding import Finding
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.statistics.curve_summary import CurveSummary
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded
from ssl_irmae.protocols.statistics.variance import variance_components
from ssl_irmae.protocols.storage.files import FORMAT, csv_text, row_values


def document(report: Report) -> dict[str, Any]:
    """Collect everything that ``--json`` prints and ``report.json`` holds."""
    rows = report.rows()
    return {
        "format": FORMAT,
        "title": report.title,
        "answer": report.answer,
        "baseline": report.baseline,
        "rows": [row_values(row) for row in rows],
        "summary": [
            {**dataclasses.asdict(s), "probability_best": report.best.get((s.budget, s.contender))}
            for s in report.summaries
        ],
        "label_equivalence": [_equivalence(*key, found) for key, found in report.equivalences.items()],
        "curves": [_curve(curve) for curve in report.curves],
        "target_error": report.target_error,
        "comparisons": [dataclasses.asdict(comparison) for comparison in report.comparisons],
        "variance_components": [dataclasses.asdict(c) for c in variance_components(rows)],
        "retrieval": [dataclasses.asdict(quality) for quality in report.retrieval],
        "clustering": [dataclasses.asdict(found) for found in report.clustering],
        "drawn": list(report.drawn),
        "notes": [{"kind": note.kind, "text": note.text} for note in report.notes],
        "checks": [_check(finding) for finding in report.checks],
        "provenance": [note.text for note in report.provenance],
        "duplicates": None if report.duplicates is None else dataclasses.asdict(report.duplicates),
        "commands": list(report.commands),
        **report.run,
        "seconds": {**report.run.get("seconds", {}), "by_contender": report.seconds_by_contender},
        "environments": report.environments,
    }


def _equivalence(budget: int, contender: str, found: LabelsNeeded) -> dict[str, object]:
    return {"contender": contender, "budget": budget, **_needed(found)}


def _needed(found: LabelsNeeded) -> dict[str, object]:
    """Write a number of labels; null stands for more than the last budget, 0 for fewer than the first."""
    return {name: None if value == math.inf else value for name, value in dataclasses.asdict(found).items()}


def _curve(curve: CurveSummary) -> dict[str, object]:
    return {**dataclasses.asdict(curve), "needed": None if curve.needed is None else _needed(curve.needed)}


def _check(finding: Finding) -> dict[str, object]:
    """Write a finding; of an ignored check, ``found`` is what it would have been."""
    check, result = finding.check, finding.result
    return {
        "code": finding.code,
        "name": check.name,
        "outcome": finding.outcome,
        "found": result.outcome,
        "sentence": result.sentence,
        "details": result.details,
        "why": check.why,
        "remedy": check.remedy,
    }


def document_json(report: Report) -> str:
    """Write the document."""
    return json.dumps(document(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def summary_csv(report: Report) -> str:
    """Write one line per contender and budget: every statistic in full precision, empty where there is none."""
    reads = {row.contender: row.reads for row in report.rows()}
    lines = []
    for s in report.summaries:
        style, difference = report.styles[s.contender], s.difference
        values = {name: value for name, value in dataclasses.asdict(s).items() if name != "difference"}
        values |= {"representation": style.representation, "reads": reads[s.contender]}
        values |= {"transductive": style.transductive, "leaky": style.leaky}
        for field in ("baseline", "mean", "low", "high", "method_low", "method_high", "n", "better", "p", "p_holm"):
            name = field if field == "baseline" else f"difference_{field}"
            values[name] = None if difference is None else getattr(difference, field)
        values["probability_best"] = report.best.get((s.budget, s.contender))
        worth = report.equivalences.get((s.budget, s.contender))
        for field in ("labels", "low", "high"):
            values[f"worth_{field}"] = None if worth is None else getattr(worth, field)
        lines.append(values)
    return csv_text(lines)
