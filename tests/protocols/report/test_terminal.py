"""The tables in a terminal: columns give way rather than cells wrap, and transductive readouts stand apart."""

import io
import re
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from ssl_irmae.protocols.contenders.registry import DEFAULT
from ssl_irmae.protocols.report.tables.components import crossed_components
from ssl_irmae.protocols.report.tables.terminal import budget_tables, components_table, retrieval_table
from ssl_irmae.protocols.representations.retrieval import Retrieval
from ssl_irmae.protocols.statistics.summary import summarise
from ssl_irmae.protocols.storage.rows import Row
from tests.protocols.conftest import MakeRow


def show(tables: list[Table], width: int, **how: Any) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, **how)
    for table in tables:
        console.print(table)
    return file.getvalue()


def printed(rows: list[Row], *, baseline: str = "supervised", width: int = 80, **how: Any) -> str:
    summaries = summarise(rows, baseline=baseline)
    return show(budget_tables(rows, summaries, baseline=baseline, width=width), width, **how)


def cells_of(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


def line_of(text: str, contender: str) -> list[str]:
    """Cells of a contender's line, without empty ones."""
    (line,) = [cells for cells in map(cells_of, text.splitlines()) if cells[0] == contender]
    return line


def head_of(text: str) -> list[str]:
    return line_of(text, "contender")


def test_the_default_contenders_fit_80_columns_with_every_statistic(ten_subsets: list[Row]) -> None:
    text = printed(ten_subsets)
    assert "mnist, 100 labels, n = 10" in text
    assert head_of(text) == ["contender", "error % ± SE", "Δ supervised", "95 %", "p Holm"]
    for name in DEFAULT:
        assert len(line_of(text, name)) == (3 if name == "supervised" else 5)
    assert line_of(text, "supervised")[-1] == "baseline"


def test_long_names_cost_columns_rather_than_lines(make_row: MakeRow) -> None:
    long = "irmae-consistency-long"
    rows = [
        make_row(name, s, 40.0 * i + s % (2 + i), reads="features")
        for i, name in enumerate((long, "supervised"))
        for s in range(10)
    ]
    assert head_of(printed(rows, width=120))[1] == "reads"
    narrow = printed(rows, width=80)
    assert head_of(narrow) == ["contender", "error % ± SE", "Δ", "95 %", "p Holm"]
    assert set(line_of(narrow, long)) < set(line_of(printed(rows, width=120), long))
    assert head_of(printed(rows, width=45)) == ["contender", "error % ± SE"]


@pytest.mark.parametrize("width", [72, 80, 100, 120])
def test_no_cell_is_cut_or_wrapped_however_long_names_and_counts_are(make_row: MakeRow, width: int) -> None:
    long = "irmae-features-poisson-prior-transductive"
    rows = [make_row("supervised", s, 60.0 + 7 * s % 5) for s in range(10)]
    rows += [make_row(long, s, 20.0 + s % 7, reads="features") for s in range(30)]
    text = printed(rows, width=width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    title, _, _, rule, *lines, last = text.splitlines()
    assert title.startswith("digits")
    assert set(rule.strip()) == {"─"}
    assert last.strip() == ""
    assert [cells_of(line)[0] for line in lines] == ["supervised", long]


def test_p_is_corrected_and_has_three_digits(make_row: MakeRow) -> None:
    rows = [make_row("supervised", s, 10.0) for s in range(12)]
    rows += [make_row("low", s, 9.0 - s / 10) for s in range(12)] + [make_row("same", s, 10.0) for s in range(12)]
    text = printed(rows)
    assert line_of(text, "low")[-1] == "<0.001"  # 2 * 2 / 2^12
    assert line_of(text, "same")[-1] == "1.000"
    fewer = [row for row in rows if row.seed < 8]
    assert line_of(printed(fewer), "low")[-1] == "0.016"  # 2 * 2 / 2^8


def test_n_stands_in_the_title_where_it_is_one_number(ten_subsets: list[Row]) -> None:
    assert "n" not in head_of(printed(ten_subsets))
    five = printed([row for row in ten_subsets if row.seed < 5])
    assert "n = 5†" in five
    mixed = [row for row in ten_subsets if row.seed < 5 or row.contender != "vib"]
    text = printed(mixed, width=100)
    assert "n = " not in text
    assert line_of(text, "vib")[3] == "5†"
    assert line_of(text, "supervised")[3] == "10"
    assert "†" not in printed(ten_subsets)


def test_pairs_are_shown_where_they_are_not_n(make_row: MakeRow) -> None:
    rows = [
        make_row("linear", 0, 4.0, rule="full", deterministic_at_full_set=True),
        *(make_row("supervised", s, s / 7, rule="full") for s in range(7)),
    ]
    text = printed(rows)
    head = head_of(text)
    assert line_of(text, "linear")[head.index("n")] == "1† (7)"
    assert line_of(text, "supervised")[head.index("n")] == "7"
    assert line_of(text, "linear")[head.index("error % ± SE")] == "4.00"
    assert "all 100 labels" in text


def test_one_subset_has_neither_error_nor_interval(make_row: MakeRow) -> None:
    rows = [make_row(name, 0, error) for name, error in (("a", 1.0), ("supervised", 2.0))]
    assert line_of(printed(rows), "a") == ["a", "images", "1.00", "-1.00"]


def test_without_a_comparison_there_are_no_such_columns(make_row: MakeRow) -> None:
    assert head_of(printed([make_row("a", s, 1.0) for s in range(3)], baseline="a")) == [
        "contender",
        "reads",
        "error % ± SE",
    ]


def test_a_subset_far_worse_than_the_median_is_shown(make_row: MakeRow) -> None:
    rows = [make_row(name, s, 3.0 + i + s / 10) for i, name in enumerate(("a", "supervised")) for s in range(10)]
    assert "worst" not in printed(rows)
    rows[3] = rows[3].model_copy(update={"error": 22.0})
    text = printed(rows)
    head = head_of(text)
    assert line_of(text, "a")[head.index("worst")] == "22.00"
    assert line_of(text, "a")[head.index("median")] == "3.55"


def test_a_wide_terminal_shows_how_likely_each_is_the_best_of_several(make_row: MakeRow) -> None:
    rows = [make_row(name, s, 3.0 + i) for i, name in enumerate(("a", "b", "supervised")) for s in range(10)]
    summaries = summarise(rows, baseline="supervised")
    best = {(100, "a"): 0.9, (100, "b"): 0.1, (100, "supervised"): 0.0}
    text = show(budget_tables(rows, summaries, best=best, baseline="supervised", width=120), 120)
    assert [line_of(text, name)[-1] for name in ("contender", "a", "b")] == ["P(best)", "0.90", "0.10"]
    assert "P(best)" not in show(budget_tables(rows, summaries, best=best, baseline="supervised", width=60), 60)


def test_transductive_readouts_have_a_table_of_their_own(make_row: MakeRow) -> None:
    rows = [make_row(name, s, 5.0 + i + s) for i, name in enumerate(("a", "supervised")) for s in range(6)]
    assert "ransductive" not in printed(rows)
    rows += [make_row("looks", s, 1.0 + s + s % 2, transductive=True) for s in range(6)]
    inductive, transductive = printed(rows, width=120).split("; transductive")
    assert "looks (" not in inductive
    assert line_of(inductive, "supervised")
    assert line_of(transductive, "looks (transductive)")[-3:] == ["-4.50", "[-5.07,-3.93]", "0.062"]


def test_the_lowest_mean_is_bold_and_no_leaky_one(make_row: MakeRow) -> None:
    rows = [make_row("best", s, 1.0, test_peeks=50) for s in range(6)]
    rows += [make_row(name, s, error) for name, error in (("a", 2.0), ("supervised", 3.0)) for s in range(6)]
    text = printed(rows, width=100, force_terminal=True, color_system="standard")
    (line,) = [line for line in text.splitlines() if "\x1b[1m" in line and "±" in line and "SE" not in line]
    assert line.startswith(" a ")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (((1.0, 3.0), (2.0, 6.0), (6.0, 6.0)), ["a", "100", "3", "2", "1.73", "1.15", "1.41"]),  # roots of 3, 4/3, 2
        (((1.0, 3.0), (3.0, 1.0)), ["a", "100", "2", "2", "0", "0", "2.00"]),
    ],
)
def test_components_of_variance_are_standard_deviations(
    make_row: MakeRow, table: tuple[tuple[float, float], ...], expected: list[str]
) -> None:
    rows = [make_row("a", s, e, pretrain_seed=p) for s, line in enumerate(table) for p, e in enumerate(line)]
    rows += [make_row("supervised", s, 1.0) for s in range(3)]
    text = show([components_table(crossed_components(rows), width=80)], 80)
    assert line_of(text, "a") == expected
    assert "supervised" not in text


def test_retrieval_has_a_line_per_representation() -> None:
    text = show([retrieval_table([Retrieval("irmae", 91.234, 50, 40, 60, 55)], width=80)], 80)
    assert line_of(text, "irmae") == ["irmae", "91.23", "50.00", "40.00", "60.00", "55.00"]


def test_a_lower_mean_over_easier_subsets_is_not_bold(easy_subsets: list[Row]) -> None:
    text = printed(easy_subsets, baseline="bad", width=100, force_terminal=True, color_system="standard")
    (line,) = [line for line in text.splitlines() if "\x1b[1m" in line and "±" in line and "SE" not in line]
    assert line.startswith(" good ")
