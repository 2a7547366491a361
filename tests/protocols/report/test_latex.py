"""The tables as LaTeX: whole booktabs tables in which nothing is left unescaped."""

import re

import pytest

from ssl_irmae.protocols.report.checks.finding import detailed
from ssl_irmae.protocols.report.note import Note
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.report.tables.latex import escape_latex, latex
from ssl_irmae.protocols.storage.rows import FinishedTrial
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import finished


@pytest.fixture(scope="module")
def report(trials: list[FinishedTrial]) -> Report:
    return make_report(trials, notes=[Note("software", "A note.\nIts second line.")])


def printed(text: str) -> str:
    """What is not a comment."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("%"))


def test_tables_are_whole_and_their_lines_of_one_width(report: Report) -> None:
    text = latex(report)
    tables = re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.DOTALL)
    assert len(tables) == 6  # errors, differences and worth in labels, inductive and transductive
    for columns, body in tables:
        assert body.count("\\toprule") == body.count("\\midrule") == body.count("\\bottomrule") == 1
        lines = [line for line in body.splitlines() if line.endswith("\\\\")]
        for line in lines:
            assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1
    assert text.count("\\begin{table}") == text.count("\\end{table}") == 6
    # brackets close
    plain = re.sub(r"\\[{}]", "", printed(text))
    assert plain.count("{") == plain.count("}")
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(set(labels)) == len(labels) == 6


def test_names_and_symbols_are_escaped(report: Report) -> None:
    text = printed(latex(report))
    assert "\\texttt{my\\_own \\& $<$b$>$-joint}" in text
    assert not re.search(r"[±Δ†]|(?<!\\)%", text)
    assert "(7)" in text
    assert "(1$\\dagger$)" in text


def test_notes_and_checks_come_as_comments(report: Report) -> None:
    comments = [line for line in latex(report).splitlines() if line.startswith("%")]
    for text in (*(note.text for note in (*report.notes, *report.provenance)), *detailed(report.checks)):
        assert all(f"% {line}" in comments for line in text.splitlines())


def test_the_lowest_mean_is_bold_without_its_count(report: Report) -> None:
    (line,) = [line for line in latex(report).splitlines() if "\\textbf" in line and "irmae-linear" in line]
    assert re.search(r"\\textbf\{\d+\.\d\d \$\\pm\$ \d+\.\d\d\} \(7\)", line)


def test_minus_signs_are_minus_signs(report: Report) -> None:
    cells = re.search(r"texttt\{irmae-linear\} & code & (\S+) \[", latex(report).split("Error minus that of")[1])
    assert cells is not None
    assert re.fullmatch(r"\$-\$\d+\.\d\d", cells[1])


@pytest.mark.parametrize("text", ["a\\b", "50 % & $x_1^2$ #~ {}", "<†>"])
def test_escaped_text_has_no_bare_special_character(text: str) -> None:
    bare = re.sub(r"\\(?:[&%$#_{}]|text\w+\{\})|\$(?:<|>|\\\w+)\$", "", escape_latex(text))
    assert not set(bare) & set("\\&%$#_{}~^<>†")


def test_the_best_of_many_looks_is_stamped(make_row: MakeRow) -> None:
    rows = [make_row("best-of-50", s, 1.0 + s, test_peeks=50) for s in range(2)]
    rows += [make_row("supervised", s, 5.0 + s) for s in range(2)]
    text = latex(make_report(finished(rows)))
    assert "best-of-50 (leaky)" in text
    (bold,) = [line for line in text.splitlines() if "\\textbf" in line]
    assert "supervised" in bold


def test_components_of_variance_have_a_table(make_row: MakeRow) -> None:
    table = ((1.0, 3.0), (2.0, 6.0), (6.0, 6.0))
    rows = [make_row("a", s, e, pretrain_seed=p) for s, line in enumerate(table) for p, e in enumerate(line)]
    # roots of 3, 4/3 and 2
    assert "\\texttt{a} & 100 & 3 & 2 & 1.73 & 1.15 & 1.41 \\\\" in latex(make_report(finished(rows)))
