"""The notes under the tables are true of the rows, and each is there only where it applies."""

from collections.abc import Iterable
from typing import get_args

import pytest

from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT, SETTING_GROUPS
from ssl_irmae.protocols.report.note import Kind, Note, brief_notes
from ssl_irmae.protocols.report.notes import table_notes
from ssl_irmae.protocols.report.report import make_report
from ssl_irmae.protocols.statistics.summary import summarise
from ssl_irmae.protocols.storage.rows import Row
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import finished


def notes_of(rows: list[Row], kind: Kind, *, baseline: str = "supervised") -> list[Note]:
    notes = table_notes(rows, summarise(rows, baseline=baseline), baseline=baseline)
    return [note for note in notes if note.kind == kind]


def text_of(rows: list[Row], kind: Kind, *, baseline: str = "supervised") -> str:
    """The text of the one note of a kind."""
    (note,) = notes_of(rows, kind, baseline=baseline)
    return note.text


def with_fields(rows: Iterable[Row], **fields: object) -> list[Row]:
    return [row.model_copy(update=fields) for row in rows]


def test_notes_name_the_statistic_the_test_and_what_they_leave_out(ten_subsets: list[Row]) -> None:
    expected: dict[Kind, str] = {
        "error": "± standard error over 10 labelled subsets (ddof = 1)",
        "difference": "95 % t interval",
        "p value": "two-sided sign-flip test",
        "subsets": "balanced",
        "scored images": "Not in ± or p, nor in any interval but that for the method: the 1,000 scored images",
    }
    for kind, part in expected.items():
        assert part in text_of(ten_subsets, kind)
    assert "such intervals held the mean of all in 9" in text_of(ten_subsets, "difference")
    assert f"Holm (1979) for the {len(DEFAULT) - 1} contenders" in text_of(ten_subsets, "p value")


def test_the_smallest_possible_p_is_said_to_be_that(make_row: MakeRow) -> None:
    worse = [make_row("a", s, 50.0 + s) for s in range(10)]
    mixed = [make_row("a", s, 50.0 + 10 * (s % 2)) for s in range(10)]
    baseline = [make_row("supervised", s, 40.0 + 15 * (s == 0)) for s in range(10)]
    for rows, at_the_floor in ((worse, False), (worse[1:], True), (mixed, False)):
        (note,) = notes_of([*rows, *baseline[len(baseline) - len(rows) :]], "p value")
        assert ("0.004 is the smallest possible" in note.brief) == at_the_floor  # 2/2^9


def test_pairs_are_explained_where_they_are_not_n(make_row: MakeRow, ten_subsets: list[Row]) -> None:
    rows = [
        make_row("linear", 0, 4.0, rule="full", deterministic_at_full_set=True),
        *(make_row("supervised", s, s / 7, rule="full") for s in range(7)),
    ]
    assert len(notes_of(rows, "pairs in brackets")) == 1
    assert "± is over training seeds alone" in text_of(rows, "full set")
    assert "labelled subsets" not in text_of(rows, "error")
    assert notes_of(rows, "subsets") == []
    assert notes_of(ten_subsets, "pairs in brackets") == notes_of(ten_subsets, "full set") == []


def test_transductive_readouts_are_noted(make_row: MakeRow) -> None:
    rows = [make_row(name, s, 5.0 + i + s) for i, name in enumerate(("a", "supervised")) for s in range(6)]
    assert notes_of(rows, "transductive") == []
    rows += [make_row("looks", s, 1.0 + s, transductive=True) for s in range(6)]
    for baseline, said in (
        ("supervised", "against supervised, which did not"),
        ("looks", "looks, the baseline, is one"),
    ):
        assert "tables of their own" in text_of(rows, "transductive", baseline=baseline)
        assert said in text_of(rows, "transductive", baseline=baseline)


def test_several_pretraining_seeds_bring_their_notes(make_row: MakeRow) -> None:
    table = ((1.0, 3.0), (2.0, 6.0), (6.0, 6.0))
    rows = [make_row("a", s, e, pretrain_seed=p) for s, line in enumerate(table) for p, e in enumerate(line)]
    rows += [make_row("supervised", s, 1.0) for s in range(3)]
    text = text_of(rows, "several pretrainings")
    assert "n counts subsets" in text
    assert "these encoders" in text
    assert any("method of moments" in note.text for note in notes_of(rows, "components"))
    assert notes_of(rows, "left out") == []
    incomplete = [row for row in rows if (row.seed, row.pretrain_seed) != (1, 1)]
    text = text_of(incomplete, "left out")
    assert "a at 100 labels" in text
    assert text.endswith(": 1.")


def test_negative_components_are_explained(make_row: MakeRow) -> None:
    table = ((1.0, 3.0), (3.0, 1.0))
    rows = [make_row("a", s, e, pretrain_seed=p) for s, line in enumerate(table) for p, e in enumerate(line)]
    notes = notes_of(rows, "components", baseline="a")
    assert any("negative" in note.text for note in notes)


def test_the_first_images_are_one_subset(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 1.0 + s, rule="first") for s in range(3)]
    assert "the first images" in text_of(rows, "subsets", baseline="a")
    assert "labelled subsets" not in text_of(rows, "error", baseline="a")


def test_one_subset_has_neither_error_nor_interval(make_row: MakeRow) -> None:
    rows = [make_row(name, 0, error) for name, error in (("a", 1.0), ("supervised", 2.0))]
    assert "one labelled subset, so there is no ±" in text_of(rows, "error")
    assert "one pair has no interval and no test" in text_of(rows, "difference")
    assert notes_of(rows, "p value") == []


def test_one_subset_beside_several_training_seeds_at_the_full_set_has_no_standard_error(make_row: MakeRow) -> None:
    rows = [make_row("supervised", 0, 9.0, budget=10)]
    rows += [make_row("supervised", s, 1.0 + s, budget=1000, rule="full", subset="full") for s in range(5)]
    (note,) = notes_of(rows, "error")
    for text in (note.text, note.brief):
        assert "at the full set alone; elsewhere there is one labelled subset" in text
        assert "over 1 labelled" not in text
    rows += [make_row("supervised", s, 9.0 + s, budget=100) for s in range(4)]
    assert "± standard error over 4 labelled subsets" in text_of(rows, "error")


def test_what_labels_are_worth_says_how_no_error_counts_and_what_was_tried(make_row: MakeRow) -> None:
    def rows(seeds: int) -> list[Row]:
        return [make_row("supervised", s, 50.0 / b + s, budget=b, noun="row") for b in (10, 100) for s in range(seeds)]

    assert "counts as half of one wrong row" in text_of(rows(10), "worth")
    assert "counts as half of one wrong row" in text_of(rows(10), "curves")
    assert "Fewer than" not in text_of(rows(10), "worth")
    assert "Fewer than 10 subsets were not tried." in text_of(rows(3), "worth")
    assert "interval" not in text_of(rows(1), "worth") + text_of(rows(1), "curves")


def test_where_subsets_differ_curves_say_whose_count(make_row: MakeRow) -> None:
    def rows(seeds: range) -> list[Row]:
        return [make_row(name, s, 50.0 / b, budget=b) for b in (10, 100) for name in ("supervised", "a") for s in seeds]

    said = "Only the subsets of supervised count"
    assert said not in text_of(rows(range(6)), "curves")
    for seeds in ([7], [0, 1, 2]):  # one more than the baseline has, or fewer
        more = [make_row("b", s, 9.0, budget=b) for b in (10, 100) for s in seeds]
        assert said in text_of([*rows(range(6)), *more], "curves")


def test_held_out_images_are_not_for_reporting(ten_subsets: list[Row]) -> None:
    assert notes_of(ten_subsets, "development") == []
    rows = with_fields(ten_subsets, scored_on="development")
    assert len(notes_of(rows, "development")) == 1
    assert "held-out training images" in text_of(rows, "error")


def test_settings_are_listed_by_readout_and_budget(make_row: MakeRow) -> None:
    rows = [
        make_row("supervised", s, 1.0 + s, budget=budget, readout="supervised", settings={"steps": steps})
        for budget, steps in ((10, 600), (100, 600), (1000, 3000))
        for s in range(2)
    ]
    text = text_of(rows, "settings")
    assert "supervised at 10 and 100 labels: steps 600" in text
    assert "supervised at 1,000 labels: steps 3000" in text


def test_what_a_reader_must_know_about_a_readout_is_noted(make_row: MakeRow, ten_subsets: list[Row]) -> None:
    assert notes_of(ten_subsets, "readout") == []
    rows = [make_row("ae-linear", s, 1.0 + s, readout="linear_probe") for s in range(2)]
    assert text_of(rows, "readout", baseline="ae-linear").startswith("ae-linear: ")


def test_many_contenders_of_a_readout_are_called_by_its_name(make_row: MakeRow) -> None:
    def settings(readout: str) -> str:
        rows = [make_row(f"{name}-x", s, 1.0, readout=readout) for name in "abcd" for s in range(2)]
        return text_of(rows, "settings", baseline="a-x")

    for name in ("linear", "mlp", "poisson-prior-transductive", "joint", "supervised", "consistency"):
        assert f"{name} (4 contenders): " in settings(CONTENDERS[SETTING_GROUPS[name][0]].readout)
    assert "my_own (4 contenders): " in settings("my_own")


def test_a_terminal_shows_at_most_five_notes_and_what_nobody_may_miss_first(make_row: MakeRow) -> None:
    rows = [
        make_row(name, s, float(i + s), scored_on="development", rule="uniform", transductive=name == "graph")
        for i, name in enumerate(("a", "graph", "supervised"))
        for s in range(3)
    ]
    report = make_report(
        finished(rows), notes=[Note("not run", "long", "Not run yet."), Note("not scored", "l", "No.")]
    )
    brief = {note.brief: note.kind for note in report.notes if note.brief}
    shown = brief_notes(report.notes)
    assert len(brief) > 5
    assert [brief[text] for text in shown] == ["error", "development", "not scored", "difference", "p value"]
    every = (*report.notes, *report.provenance)
    assert not any("--" in note.text + note.brief for note in every), "notes are read in Python too: no options"


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_note_of_every_kind_can_be_sorted(kind: Kind) -> None:
    notes = (Note(kind, "long", "short"), Note("error", "long", "first"))
    assert set(brief_notes(notes)) == {"first", "short"}
