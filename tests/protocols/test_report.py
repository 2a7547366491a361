"""The tables fit a terminal, keep transductive readouts apart, and the words under them are true of the rows."""

import io

import pytest
from rich.console import Console

from ssl_irmae.protocols.report.notes import explain
from ssl_irmae.protocols.report.tables.comparisons import explain_comparisons
from ssl_irmae.protocols.report.tables.terminal import protocol_tables
from ssl_irmae.protocols.statistics.summary import compare, summarise
from ssl_irmae.protocols.storage.rows import Row

DEFAULT = ["irmae-linear", "irmae-joint", "ae-linear", "ae-joint", "vae-linear", "vae-joint", "supervised", "vib"]


def drawn(rows: list[Row], *, reference: str = "supervised", width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    for table in protocol_tables(rows, summarise(rows, reference=reference), reference=reference, width=width):
        console.print(table)
    return console.file.getvalue()


def said(rows: list[Row], *, reference: str = "supervised") -> str:
    return "\n".join(explain(rows, summarise(rows, reference=reference), reference=reference))


def line_of(text: str, contender: str) -> list[str]:
    """Cells of a contender's line."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"│ {contender} ")]
    return [cell.strip() for cell in line.strip("│").split("│")]


@pytest.fixture
def ten_subsets(make_row) -> list[Row]:
    """Ten subsets with errors and differences of two digits, at which the columns are widest."""
    return [
        make_row(name, s, 60.0 - 30 * (name == "ae-joint") + 3 * i + s % (i + 2), dataset="mnist")
        for i, name in enumerate(DEFAULT)
        for s in range(10)
    ]


def test_the_default_contenders_fit_80_columns_on_one_line_each(ten_subsets) -> None:
    text = drawn(ten_subsets)
    assert "…" not in text
    for name in DEFAULT:
        assert len(line_of(text, name)) == 6
    assert line_of(text, "supervised")[4:] == ["reference", ""]


def test_names_of_22_characters_fit_100_columns_and_give_way_in_80(make_row) -> None:
    long = "irmae-consistency-long"
    rows = [make_row(n, s, 40.0 * i + s % (2 + i)) for i, n in enumerate((long, "supervised")) for s in range(10)]
    features = [row.model_copy(update={"reads": "features"}) for row in rows]
    assert len(line_of(drawn(features, width=100), long)) == 6
    narrow = drawn(features, width=80)
    assert "…" not in narrow
    assert line_of(narrow, "supervised")[0] == "supervised"
    difference = line_of(drawn(features, width=100), long)[4]
    assert all(part in narrow for part in difference.split(" ")), "the interval may stand below, whole"


@pytest.mark.parametrize("width", [72, 80, 100, 120])
def test_no_line_is_cut_however_long_the_names_and_counts(make_row, width: int) -> None:
    long = "irmae-features-poisson-prior-transductive"
    rows = [make_row("supervised", s, 60.0 + 7 * s % 5) for s in range(10)]
    rows += [make_row(long, s, 20.0 + s % 7, reads="features") for s in range(30)]
    lines = [line for line in drawn(rows, width=width).splitlines() if line[0] in "┏┃┡│└"]
    assert len({len(line) for line in lines}) == 1
    assert {line[-1] for line in lines} <= set("┓┃┩│┘")


def test_a_p_is_written_with_three_digits_and_corrected(make_row) -> None:
    rows = [make_row("supervised", s, 10.0) for s in range(12)]
    rows += [make_row("low", s, 9.0 - s / 10) for s in range(12)] + [make_row("same", s, 10.0) for s in range(12)]
    text = drawn(rows)
    assert line_of(text, "low")[5] == "<0.001"  # 2 * 2 / 2^12
    assert line_of(text, "same")[5] == "1.000"
    fewer = [row for row in rows if row.seed < 8]
    assert line_of(drawn(fewer), "low")[5] == "0.016"  # 2 * 2 / 2^8


def test_training_that_ends_in_one_class_is_named(ten_subsets) -> None:
    def predicting(row: Row) -> int:
        return 1 if row.contender == "vib" and row.seed < 2 else 10

    rows = [row.model_copy(update={"classes_predicted": predicting(row)}) for row in ten_subsets]
    (line,) = [line for line in said(rows).splitlines() if line.startswith("One class")]
    assert line.endswith("vib at 100 labels, 2 of 10 trials.")
    assert "One class" not in said(ten_subsets)


def test_one_pretraining_is_said_to_be_one(ten_subsets) -> None:
    def pretrained(seeds: int) -> str:
        return said(
            [
                row.model_copy(update={"encoder": "ae", "encoder_hash": f"ae{seed}", "pretrain_seed": seed})
                for row in ten_subsets
                for seed in range(seeds)
            ]
        )

    assert "One pretraining of each encoder (ae): ±, Δ and p are about these very encoders" in pretrained(1)
    assert "One pretraining" not in pretrained(2)
    floor = [row.model_copy(update={"encoder": "pixels", "encoder_hash": "pixels"}) for row in ten_subsets]
    assert "One pretraining" not in said(floor)


def test_n_below_six_is_marked_and_explained(ten_subsets) -> None:
    rows = [row for row in ten_subsets if row.seed < 5]
    assert line_of(drawn(rows), "vib")[3] == "5†"
    assert "† n below 6" in said(rows)
    assert "5 pairs the smallest possible p is 2/2^5" in said(rows)
    assert "†" not in drawn(ten_subsets) + said(ten_subsets)
    assert "no difference can reach" not in said(ten_subsets)


def test_budgets_where_nothing_can_be_significant_are_named(make_row) -> None:
    rows = [
        make_row(name, s, 10.0 + s, budget=budget)
        for budget, n in ((10, 10), (1000, 4), (10_000, 4))
        for name in ("a", "supervised")
        for s in range(n)
    ]
    assert "At 1,000 and 10,000 labels: with 4 pairs" in said(rows)
    assert "10 pairs" not in said(rows)


def test_many_contenders_need_more_pairs(make_row) -> None:
    names = [f"c{i}" for i in range(30)]
    rows = [make_row(name, s, 10.0 + s) for name in [*names, "supervised"] for s in range(10)]
    assert "(0.059 after Holm's correction for 30 contenders)" in said(rows)
    assert "that takes 11 pairs" in said(rows)


def test_a_contender_with_fewer_pairs_is_not_multiplied_by_those_that_have_more(make_row) -> None:
    pairs = {"supervised": 12, "few": 6, "many": 12, "more": 12}
    rows = [make_row(name, s, i + s / 10) for i, (name, n) in enumerate(pairs.items()) for s in range(n)]
    corrected = {s.contender: s.difference.p_holm for s in summarise(rows, reference="supervised") if s.difference}
    assert corrected["few"] == 2 / 2**6  # below 0.05, so the words must not deny it
    assert "no difference can reach" not in said(rows)


def test_the_pairs_are_shown_where_they_are_not_n(make_row) -> None:
    rows = [
        make_row("linear", 0, 4.0, rule="full", readout="linear_probe"),
        *(make_row("supervised", s, s / 7, rule="full") for s in range(7)),
    ]
    text = drawn(rows)
    assert line_of(text, "linear")[2:4] == ["4.00", "1† (7)"]
    assert line_of(text, "supervised")[3] == "7"
    assert "all 100 labels" in text
    words = said(rows)
    assert "n in brackets: the pairs" in words
    assert "± is over training seeds alone" in words
    assert "labelled subsets (ddof" not in words


def test_transductive_readouts_stand_in_a_table_of_their_own(make_row) -> None:
    rows = [make_row(n, s, 5.0 + i + s) for i, n in enumerate(("a", "supervised")) for s in range(6)]
    assert "ransductive" not in drawn(rows) + said(rows)
    rows += [make_row("looks", s, 1.0 + s, transductive=True) for s in range(6)]
    inductive, transductive = drawn(rows, width=120).split("; transductive")
    assert "looks" not in inductive
    assert "supervised" in inductive
    assert line_of(transductive, "looks")[4] == "-5.00 [-5.00,-5.00]"
    assert "in tables of their own" in said(rows)


def test_several_pretraining_seeds_bring_a_table_of_components_and_its_words(make_row) -> None:
    table = ((1.0, 3.0), (2.0, 6.0), (6.0, 6.0))
    rows = [make_row("a", s, e, pretrain_seed=p) for s, line in enumerate(table) for p, e in enumerate(line)]
    rows += [make_row("supervised", s, 1.0) for s in range(3)]
    components = drawn(rows).split("standard deviation of error by source")[1]
    assert line_of(components, "a") == ["a", "100", "3", "2", "1.73", "1.15", "1.41"]  # roots of 3, 4/3 and 2
    assert "supervised" not in components
    words = said(rows)
    assert "n counts subsets" in words
    assert "about these encoders" in words
    assert "method of moments" in words
    missing = said([row for row in rows if (row.seed, row.pretrain_seed) != (1, 1)])
    assert "Left out for a at 100 labels, not run with every pretraining seed: 1." in missing


def test_quickly_pretrained_encoders_are_not_to_be_reported(make_row) -> None:
    rows = [make_row("irmae-linear", s, 1.0 + s, encoder="irmae", quick=True) for s in range(2)]
    assert "not to report: irmae." in said(rows, reference="irmae-linear")
    assert "not to report" not in said([r.model_copy(update={"quick": False}) for r in rows], reference="irmae-linear")


def test_the_first_images_are_said_to_be_one_subset(make_row) -> None:
    words = said([make_row("a", s, 1.0 + s, rule="first") for s in range(3)], reference="a")
    assert "the first images, one for all" in words
    assert "labelled subsets (ddof" not in words


def test_what_n_allows_counts_the_comparisons_with_as_few_pairs(make_row) -> None:
    few = [make_row(name, s, e) for name, e in (("a", 1.0), ("b", 2.0)) for s in range(8)]
    many = [make_row(name, s, e) for name, e in (("c", 1.0), ("d", 2.0)) for s in range(10)]
    words = "\n".join(explain_comparisons(compare([*few, *many], [("a", "b"), ("c", "d")]), declared=7))
    # six comparisons with 8 pairs at most: 6 * 2 / 2^8 = 0.047
    assert "no difference can reach" not in words
    assert "no difference can reach" in "\n".join(explain_comparisons(compare(few, [("a", "b")]), declared=7))


def test_negative_components_are_marked(make_row) -> None:
    table = ((1.0, 3.0), (3.0, 1.0))
    rows = [make_row("a", s, e, pretrain_seed=p) for s, line in enumerate(table) for p, e in enumerate(line)]
    assert line_of(drawn(rows).split("by source")[1], "a")[4:] == ["0", "0", "2.00"]
    assert "the estimate was negative" in said(rows)


def test_the_words_name_statistic_test_and_what_is_not_in_it(ten_subsets) -> None:
    words = said(ten_subsets)
    for part in (
        "± standard error over 10 labelled subsets (ddof = 1)",
        "95 % BCa bootstrap interval",
        "Efron 1987",
        "two-sided sign-flip test",
        "Holm (1979) for the 7 contenders",
        "Subsets: balanced",
        "Not in ±, nor in any interval or p: the 1,000 scored images",
    ):
        assert part in words


def test_one_subset_has_neither_error_nor_interval_in_words(make_row) -> None:
    rows = [make_row(name, 0, error) for name, error in (("a", 1.0), ("supervised", 2.0))]
    words = said(rows)
    assert "one labelled subset, so there is no ±" in words
    assert "one pair has no interval and no test" in words
    assert "BCa" not in words
    assert line_of(drawn(rows), "a")[4:] == ["-1.00", ""]
