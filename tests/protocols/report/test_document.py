"""A report as JSON and as CSV: nothing is lost on the way, and the statistics are those of the rows."""

import csv
import io
import json
import math
import statistics
from dataclasses import replace

import pytest

from ssl_irmae.protocols.report.checks.registry import CHECKS
from ssl_irmae.protocols.report.document import document, document_json, summary_csv
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.statistics.variance import variance_components
from ssl_irmae.protocols.storage.files import rows_csv
from ssl_irmae.protocols.storage.rows import FinishedTrial
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import CONTENDERS, finished


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_means_from_rows_csv_are_those_of_summary_csv(report: Report) -> None:
    errors: dict[tuple[str, str], list[float]] = {}
    for row in lines(rows_csv(report.trials)):
        errors.setdefault((row["contender"], row["budget"]), []).append(float(row["error"]))
    summary = lines(summary_csv(report))
    assert {(s["contender"], s["budget"]) for s in summary} == errors.keys()
    for s in summary:
        values = errors[s["contender"], s["budget"]]
        assert float(s["mean"]) == pytest.approx(statistics.mean(values))
        if len(values) == 1:
            assert s["standard_error"] == s["standard_deviation"] == s["low"] == ""
        else:
            assert float(s["standard_error"]) == pytest.approx(statistics.stdev(values) / len(values) ** 0.5)


def test_differences_of_summary_csv_are_paired_by_subset(report: Report) -> None:
    by_seed = {(t.row.contender, t.row.budget, t.row.seed): t.row.error for t in report.trials}
    for s in lines(summary_csv(report)):
        if s["contender"] == "supervised":
            assert s["difference_mean"] == s["difference_n"] == s["baseline"] == ""
        elif s["budget"] == "10":
            differences = [by_seed[s["contender"], 10, i] - by_seed["supervised", 10, i] for i in range(7)]
            assert float(s["difference_mean"]) == pytest.approx(statistics.mean(differences))
            assert int(s["difference_better"]) == sum(d < 0 for d in differences)
            assert s["baseline"] == "supervised"


def test_summary_csv_describes_every_contender(report: Report) -> None:
    for s in lines(summary_csv(report)):
        shape = CONTENDERS[s["contender"]]
        assert (s["representation"], s["reads"]) == (shape.representation or "scratch", shape.reads)
        assert s["transductive"] == str(s["contender"].endswith("transductive"))
        assert s["leaky"] == "False"


def test_json_has_everything(report: Report) -> None:
    found = json.loads(document_json(report))
    assert found == json.loads(json.dumps(document(report)))
    assert found["rows"] == [{"key": row.key, **row.model_dump(mode="json")} for row in report.rows()]
    assert found["baseline"] == "supervised"
    assert found["answer"] == report.answer
    assert found["title"] == report.title
    assert found["drawn"] == list(report.drawn)
    assert found["notes"] == [{"kind": note.kind, "text": note.text} for note in report.notes]
    assert found["notes"][-1] == {"kind": "software", "text": report.notes[-1].text}
    assert found["provenance"] == [note.text for note in report.provenance]
    assert [(f["code"], f["outcome"], f["details"]) for f in found["checks"]] == [
        (finding.code, finding.outcome, finding.result.details) for finding in report.checks
    ]
    assert {f["why"] for f in found["checks"]} == {check.why for check in CHECKS.values()}
    assert found["commands"] == list(report.commands)
    assert found["environments"] == [report.trials[0].environment]
    assert found["seconds"]["by_contender"]["supervised"] == pytest.approx(21 * 0.25)
    assert len(found["summary"]) == 3 * len(CONTENDERS)


def test_unknown_seconds_are_left_out(trials: list[FinishedTrial]) -> None:
    report = make_report([FinishedTrial(trial.row, math.nan, trial.finished, {}) for trial in trials])
    assert json.loads(document_json(report))["seconds"] == {"by_contender": {}}
    assert "nan" not in rows_csv(report.trials).lower()


def test_what_a_run_measured_of_itself_joins_the_seconds(trials: list[FinishedTrial]) -> None:
    run = {"seconds": {"stages": {"load": 1.5}}, "images_per_second": None}
    found = json.loads(document_json(replace(make_report(trials), run=run)))
    assert found["images_per_second"] is None
    assert found["seconds"]["stages"] == {"load": 1.5}
    assert "supervised" in found["seconds"]["by_contender"]


def test_json_has_the_components_of_variance(make_row: MakeRow) -> None:
    table = ((1.0, 3.0), (2.0, 6.0), (6.0, 6.0))
    rows = [make_row("a", s, e, pretrain_seed=p) for s, line in enumerate(table) for p, e in enumerate(line)]
    (component,) = json.loads(document_json(make_report(finished(rows))))["variance_components"]
    (expected,) = variance_components(rows)
    assert expected.pretraining is not None
    assert component["pretraining"]["points"] == pytest.approx(math.sqrt(4 / 3)) == expected.pretraining.points
