"""What the page embeds: Python's statistics and rows, escaped, and nothing from elsewhere."""

import json
import re
from typing import Any

import pytest

from ssl_irmae.protocols.report.checks.finding import counted, failures
from ssl_irmae.protocols.report.page.page import Picture, html_page, page_data
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.statistics.summary import summarise
from ssl_irmae.protocols.storage.rows import Row
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import finished


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return html_page(report, pictures=[Picture("Spectra", "what it shows", b"\x89PNG")])


def embedded(report: Report) -> Any:
    """The data as the page's script reads them."""
    return json.loads(json.dumps(page_data(report)))


def test_the_embedded_statistics_are_pythons(report: Report) -> None:
    data = embedded(report)
    names = [contender["name"] for contender in data["contenders"]]
    found = {
        (names[s["c"]], s["b"]): (s["mean"], s["se"], s["sd"], s["low"], s["high"], s["n"]) for s in data["summaries"]
    }
    assert found == {
        (s.contender, s.budget): (s.mean, s.standard_error, s.standard_deviation, s.low, s.high, s.n)
        for s in report.summaries
    }
    assert set(data["differences"]) == set(report.drawn)
    for baseline, differences in data["differences"].items():
        expected = {
            (s.contender, s.budget): (s.difference.mean, s.difference.low, s.difference.high, s.difference.p_holm)
            for s in summarise(report.rows(), baseline=baseline)
            if s.difference is not None
        }
        assert {(names[d["c"]], d["b"]): (d["mean"], d["low"], d["high"], d["holm"]) for d in differences} == expected


def test_one_is_said_in_the_singular_and_several_seeds_in_the_plural(make_row: MakeRow) -> None:
    def over(seeds: int, pretrain_seeds: int) -> str:
        rows = [make_row("a", s, 1.0 + s + p, pretrain_seed=p) for s in range(seeds) for p in range(pretrain_seeds)]
        (summary,) = embedded(make_report(finished(rows)))["summaries"]
        return f"{summary['n']} {summary['over']}"

    assert over(1, 1) == "1 subset"
    assert over(2, 1) == "2 subsets"
    assert over(1, 2) == "1 subset x pretraining seeds"
    assert over(2, 2) == "2 subsets x pretraining seeds"


def test_the_page_says_what_it_draws_at_first(report: Report, page: str) -> None:
    assert f"First choice. {report.left_out}" in page


def test_the_embedded_trials_are_the_rows(report: Report) -> None:
    data = embedded(report)
    rebuilt = [
        {
            "contender": data["contenders"][c]["name"],
            "budget": budget,
            "seed": seed,
            "error": error,
            "subset": data["subsets"][subset],
            "predictions": predictions,
            **data["contexts"][context],
        }
        for c, budget, seed, error, context, subset, predictions, _ in data["trials"]
    ]
    means = {"class_errors", "balanced_error"}  # in a table of their own
    assert rebuilt == [row.model_dump(mode="json", exclude=means) for row in report.rows()]


def test_text_from_outside_is_escaped(page: str) -> None:
    assert "No &lt;/script&gt; leaks &amp; none was found." in page
    assert "<b>-joint" not in page
    assert page.count("</script>") == 2


def test_nothing_in_the_page_points_outside(page: str) -> None:
    text = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(?:https?:)?//[a-z]", re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    assert "default-src 'none'" in page


def test_the_data_in_the_page_are_those(report: Report, page: str) -> None:
    text = page.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    assert json.loads(text) == embedded(report)


def test_the_answer_and_every_note_are_on_the_page(report: Report, page: str) -> None:
    visible = re.sub(r"&#34;|&#39;|&#x27;", "'", re.sub("</?code>", "`", page))
    found = [f.result.details for f in report.checks] + [f.check.why for f in failures(report.checks)]
    notes = [note.text for note in (*report.notes, *report.provenance)]
    for text in (*report.answer, *notes, *found, counted(report.checks)):
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert escaped.replace('"', "'") in visible


def test_the_page_is_told_who_comes_first_on_shared_subsets(easy_subsets: list[Row]) -> None:
    data = embedded(make_report(finished(easy_subsets)))
    names = [contender["name"] for contender in data["contenders"]]
    assert [names[s["c"]] for s in data["summaries"] if s["leads"]] == ["good"]
    assert data["leads_by"] == "the fewest errors on shared subsets"
