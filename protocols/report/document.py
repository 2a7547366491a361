"""A report as one JSON document and as summary.csv: every statistic in full precision."""

import dataclasses
import json
import math
from typing import Any

from ssl_irmae.protocols.report.checks.finding import Finding
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.statistics.label_equivalence import LabelEquivalence
from ssl_irmae.protocols.statistics.variance import variance_components
from ssl_irmae.protocols.storage.files import csv_text, row_values


def document(report: Report) -> dict[str, Any]:
    """Collect everything that ``--json`` prints and ``report.json`` holds."""
    rows = report.rows()
    return {
        "title": report.title,
        "answer": report.answer,
        "baseline": report.baseline,
        "rows": [row_values(row) for row in rows],
        "summary": [dataclasses.asdict(summary) for summary in report.summaries],
        "label_equivalence": [_equivalence(*key, found) for key, found in report.equivalences.items()],
        "comparisons": [dataclasses.asdict(comparison) for comparison in report.comparisons],
        "variance_components": [dataclasses.asdict(c) for c in variance_components(rows)],
        "retrieval": [dataclasses.asdict(quality) for quality in report.retrieval],
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


def _equivalence(budget: int, contender: str, found: LabelEquivalence) -> dict[str, object]:
    """Write a number of labels; null stands for more than the baseline's last budget, 0 for fewer than its first."""
    values = {name: None if value == math.inf else value for name, value in dataclasses.asdict(found).items()}
    return {"contender": contender, "budget": budget, **values}


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
        for field in ("baseline", "mean", "low", "high", "n", "better", "p", "p_holm"):
            name = field if field == "baseline" else f"difference_{field}"
            values[name] = None if difference is None else getattr(difference, field)
        worth = report.equivalences.get((s.budget, s.contender))
        for field in ("labels", "low", "high"):
            values[f"worth_{field}"] = None if worth is None else getattr(worth, field)
        lines.append(values)
    return csv_text(lines)
