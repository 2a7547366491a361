"""The comparisons that a protocol declares have a table of their own in every output."""

import dataclasses
import json
import statistics
from pathlib import Path

import pytest

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.evaluation import read_results
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.presets import PRESETS, Preset
from ssl_irmae.protocols.report.document import document
from ssl_irmae.protocols.report.page.page import html_page
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.report.tables.comparisons import pivot_comparisons
from ssl_irmae.protocols.report.tables.latex import latex
from ssl_irmae.protocols.report.tables.markdown import markdown
from ssl_irmae.protocols.report.text import report_text
from ssl_irmae.protocols.storage.files import rows_csv
from ssl_irmae.protocols.storage.rows import FinishedTrial
from tests.protocols.report.conftest import CONTENDERS, SEEDS, changed

PAIRS = (("irmae-linear", "supervised"), ("irmae-knn", "irmae-linear"), ("irmae-knn", "never-run"))


@pytest.fixture(scope="module")
def declared(trials: list[FinishedTrial]) -> Report:
    return make_report(trials, comparisons=PAIRS)


def test_a_preset_declares_comparisons_a_baseline_and_what_is_drawn(
    trials: list[FinishedTrial], declared: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Part(contenders=tuple(CONTENDERS), budgets=(10, 100, None), seeds=tuple(SEEDS))
    drawn = ("supervised", "irmae-knn", "never-run")
    preset = Preset("digits", "irmae-linear", (part,), comparisons=PAIRS, drawn=drawn)
    monkeypatch.setitem(PRESETS, "ours", lambda: preset)
    (tmp_path / "rows.csv").write_text(rows_csv(trials))
    report = read_results(tmp_path / "rows.csv", preset="ours")
    assert report.comparisons == declared.comparisons
    assert report.baseline == "irmae-linear"
    assert read_results(tmp_path / "rows.csv", preset="ours", baseline="irmae-knn").baseline == "irmae-knn"
    assert report.drawn == ("supervised", "irmae-knn"), "in the order declared, as far as they were run"
    assert "declared by the protocol" in report.left_out
    chosen = read_results(tmp_path / "rows.csv", preset="ours", draw=["irmae-linear"])
    assert chosen.drawn == ("irmae-linear",)
    assert "named by the user" in chosen.left_out
    assert read_results(tmp_path / "rows.csv").comparisons == ()


def test_the_published_preset_is_the_trials_on_the_first_images(trials: list[FinishedTrial], tmp_path: Path) -> None:
    def of(contender: str, **fields: object) -> list[FinishedTrial]:
        return changed([t for t in trials if (t.row.contender, t.row.budget) == (contender, 100)], **fields)

    every = [*of("irmae-linear", rule="first"), *of("supervised")]
    every += [each for name in ("irmae-linear", "supervised") for each in of(name, rule="full", budget=1300)]
    (tmp_path / "rows.csv").write_text(rows_csv(every))
    report = read_results(tmp_path / "rows.csv", preset="published")
    assert {(row.contender, row.rule) for row in report.rows()} == {("irmae-linear", "first"), ("irmae-linear", "full")}
    with pytest.raises(UserError, match="`rule`: the preset published takes the first images"):
        read_results(tmp_path / "rows.csv", preset="published", rule="balanced")
    (tmp_path / "rows.csv").write_text(rows_csv(of("supervised", rule="full")))
    with pytest.raises(UserError, match="none of these trials belongs to this `preset`"):
        read_results(tmp_path / "rows.csv", preset="published")


def test_every_pair_that_was_run_has_a_line_and_every_budget_a_column(
    trials: list[FinishedTrial], declared: Report
) -> None:
    head, *lines = pivot_comparisons(declared.comparisons)
    assert head == ["contender", "minus", "10 labels", "100 labels", "1,000 labels"]
    assert [tuple(line[:2]) for line in lines] == list(PAIRS[:2])
    errors = {t.row.contender: [o.row.error for o in trials if o.row.contender == t.row.contender][:7] for t in trials}
    mean = statistics.mean(a - b for a, b in zip(errors["irmae-linear"], errors["supervised"], strict=True))
    assert lines[0][2].startswith(f"{mean:.2f} [")
    # seven subsets of one sign: 2 of 2^7 flips, times three, though one of the three was not run
    assert lines[0][2].endswith(f"p {3 * 2 / 2**7:.3f}, n 7")


def test_known_mistakes_add_an_interval_for_the_method(trials: list[FinishedTrial], declared: Report) -> None:
    assert "method" not in pivot_comparisons(declared.comparisons)[1][2]
    assert "method" not in [note.kind for note in declared.notes]
    wrong = [dataclasses.replace(t, wrong=bytes([t.row.contender == "supervised"] * 125)) for t in trials]
    known = make_report(wrong, comparisons=PAIRS)
    assert "method" in [note.kind for note in known.notes]
    assert ", method [" in pivot_comparisons(known.comparisons)[1][2]


def test_comparisons_stand_in_every_output(trials: list[FinishedTrial], declared: Report) -> None:
    _, *lines = pivot_comparisons(declared.comparisons)
    plain = make_report(trials)
    text = markdown(declared).split("## Declared comparisons")[1].split("##")[0]
    for contender, other, *cells in lines:
        assert f"| `{contender}` | `{other}` | {' | '.join(cells)} |" in text
    assert "Declared comparisons" not in markdown(plain)
    assert latex(declared).count("\\label{tab:declared}") == 1
    assert "tab:declared" not in latex(plain)
    section = html_page(declared).split('id="comparisons"')[1].split("</section>")[0]
    assert all(cell in section for line in lines for cell in line)
    assert 'id="comparisons"' not in html_page(plain)
    assert len(json.loads(json.dumps(document(declared)))["comparisons"]) == 6
    printed = report_text(declared, width=80).split("declared comparisons")[1]
    assert "irmae-linear - supervised" in printed
    assert "irmae-knn - irmae-linear" in printed


def test_the_note_says_how_many_comparisons_were_declared(declared: Report) -> None:
    (note,) = [note for note in declared.notes if note.kind == "comparisons"]
    assert "3 comparisons that the protocol declares" in note.text
