"""The tables as Markdown: transductive contenders apart, the lowest mean in bold, everything said below."""

import re

from ssl_irmae.protocols.report.checks.finding import counted, detailed
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.report.tables.markdown import markdown, short_markdown
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import finished

Tables = dict[str, list[list[str]]]


def markdown_tables(text: str) -> Tables:
    """Cells of every table, by the heading above it."""
    tables: Tables = {}
    heading = ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| "):
            tables.setdefault(heading, []).append([cell.strip() for cell in line.strip("|").split("|")])
    return tables


def test_transductive_contenders_have_tables_of_their_own(report: Report) -> None:
    tables = markdown_tables(markdown(report))
    for heading, cells in tables.items():
        names = {line[0].strip("`") for line in cells[1:]}
        assert ("irmae-poisson-transductive" in names) == ("ransductive" in heading)
        assert len({len(line) for line in cells}) == 1
        if "ransductive" in heading:
            assert names == {"irmae-poisson-transductive"}
    assert sum("ransductive" in heading for heading in tables) == 2 + len(
        report.budgets
    )  # overview, curves, each budget


def test_the_lowest_mean_is_bold(report: Report) -> None:
    overview = next(iter(markdown_tables(markdown(report)).values()))
    assert overview[0] == ["contender", "reads", "10 labels", "100 labels", "1,000 labels"]
    bold = [line[0] for line in overview[1:] if line[2].startswith("**")]
    assert bold == ["`irmae-linear`"]


def test_answer_notes_checks_and_commands_are_written(report: Report) -> None:
    text = markdown(report)
    for sentence in report.answer:
        assert sentence in text.split("|")[0]
    for line in (*(note.text for note in (*report.notes, *report.provenance)), *detailed(report.checks)):
        assert f"- {line}\n" in text
    assert f"## Checks\n\n{counted(report.checks)}.\n" in text
    assert f"    {report.commands[0]}\n" in text
    assert "± standard error (ddof = 1)" in text.split("|")[0]


def test_every_budget_has_every_statistic(report: Report) -> None:
    head, *lines = markdown_tables(markdown(report))["100 labels"]
    assert "Δ method 95 %" not in head, "it is not known which images were wrong"
    by_name = {line[0].strip("`"): dict(zip(head, line, strict=True)) for line in lines}
    assert by_name["supervised"]["Δ supervised [95 %]"] == "baseline"
    for s in report.summaries:
        if s.budget == 100 and s.contender in by_name:
            assert s.standard_error is not None
            assert s.low is not None
            line = by_name[s.contender]
            assert f"{s.mean:.2f} ± {s.standard_error:.2f}" in line["error % ± SE"]
            assert line["95 % interval"] == f"{s.low:.2f} to {s.high:.2f}"
            assert (line["n"], line["over"]) == ("7", "subsets")
            assert [line["median"], line["worst"]] == [f"{s.median:.2f}", f"{s.worst:.2f}"]
            assert float(line["P(best)"]) == round(report.best[100, s.contender], 2)


def test_a_short_table_has_the_drawn_contenders_alone(report: Report) -> None:
    text = short_markdown(report)
    names = [line.split("`")[1] for line in text.splitlines()[2:]]
    assert names == list(report.drawn)
    assert "(7)" in text
    assert "(1†)" in text


def test_pipes_in_names_of_columns_do_not_break_a_table(make_row: MakeRow) -> None:
    rows = [make_row(name, s, 1.0 + s, reads="a|b") for name in ("a", "supervised") for s in range(2)]
    assert "| a\\|b |" in markdown(make_report(finished(rows)))


def test_the_best_of_many_looks_is_stamped_and_never_the_lowest_mean(
    trials: list[FinishedTrial], make_row: MakeRow
) -> None:
    lowest = {t.row.seed: t.row.error for t in trials if (t.row.contender, t.row.budget) == ("irmae-linear", 100)}
    best_of_many = finished(make_row("best-of-50", seed, error, test_peeks=50) for seed, error in lowest.items())
    text = markdown(make_report([*trials, *best_of_many]))
    assert "| `best-of-50 (leaky)` |" in text
    assert not re.search(r"`best-of-50 \(leaky\)` .*\*\*", text)


def test_components_of_variance_have_a_table(make_row: MakeRow) -> None:
    table = ((1.0, 3.0), (2.0, 6.0), (6.0, 6.0))
    rows = [make_row("a", s, e, pretrain_seed=p) for s, line in enumerate(table) for p, e in enumerate(line)]
    # roots of 3, 4/3 and 2
    assert "| `a` | 100 | 3 | 2 | 1.73 | 1.15 | 1.41 |" in markdown(make_report(finished(rows)))


def test_a_lower_mean_over_easier_subsets_is_not_bold(easy_subsets: list[Row]) -> None:
    text = markdown(make_report(finished(easy_subsets)))
    overview = next(iter(markdown_tables(text).values()))
    assert [line[0] for line in overview[1:] if line[2].startswith("**")] == ["`good`"]
    assert "Bold: the fewest errors on shared subsets at each budget" in text
    same = markdown(make_report(finished(row for row in easy_subsets if row.seed < 6)))
    assert "Bold: the lowest mean at each budget" in same
