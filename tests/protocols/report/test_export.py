"""The tables as files: nothing is lost on the way, and other programs can read them."""

import csv
import dataclasses
import io
import json
import math
import re
import statistics

import pytest

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.presets import Preset
from ssl_irmae.protocols.report.page.page import html_page
from ssl_irmae.protocols.report.report import MOST_DRAWN, Report, make_report
from ssl_irmae.protocols.report.tables.export import (
    escape_latex,
    latex,
    markdown,
    report_json,
    rows_csv,
    summary_csv,
)
from ssl_irmae.protocols.running.trials import Part
from ssl_irmae.protocols.storage.rows import FinishedTrial
from tests.protocols.report.conftest import CONTENDERS, SEEDS


@pytest.fixture(scope="module")
def report(trials) -> Report:
    return make_report(trials, notes=["A note."], commands=["a b"])


def test_means_from_rows_csv_are_those_of_summary_csv(report: Report) -> None:
    errors: dict[tuple[str, str], list[float]] = {}
    for row in csv.DictReader(io.StringIO(rows_csv(report.trials))):
        errors.setdefault((row["contender"], row["budget"]), []).append(float(row["error"]))
    summary = list(csv.DictReader(io.StringIO(summary_csv(report))))
    assert {(s["contender"], s["budget"]) for s in summary} == errors.keys()
    for s in summary:
        values = errors[s["contender"], s["budget"]]
        assert float(s["mean"]) == pytest.approx(statistics.mean(values))
        if len(values) == 1:
            assert s["standard_error"] == s["standard_deviation"] == s["low"] == ""
        else:
            assert float(s["standard_error"]) == pytest.approx(statistics.stdev(values) / len(values) ** 0.5)


def test_differences_of_summary_csv_are_paired_by_subset(report: Report) -> None:
    by_seed = {(k.row.contender, k.row.budget, k.row.seed): k.row.error for k in report.trials}
    for s in csv.DictReader(io.StringIO(summary_csv(report))):
        if s["contender"] == "supervised":
            assert s["difference_mean"] == ""
        elif s["budget"] == "10":
            differences = [by_seed[s["contender"], 10, i] - by_seed["supervised", 10, i] for i in range(7)]
            assert float(s["difference_mean"]) == pytest.approx(statistics.mean(differences))
            assert s["reference"] == "supervised"


def test_json_has_everything(report: Report) -> None:
    document = json.loads(report_json(report))
    assert document["rows"] == [kept.row.model_dump(mode="json") for kept in report.trials]
    assert any("lay with the scorer alone" in line for line in document["leak_audit"])
    assert document["notes"][-1] == "A note."
    assert document["commands"] == ["a b"]
    assert document["environments"] == [report.trials[0].environment]
    assert document["seconds"]["by_contender"]["supervised"] == pytest.approx(21 * 0.25)
    assert len(document["summary"]) == 3 * len(CONTENDERS)


def test_seconds_that_are_not_known_are_left_out(trials: list[FinishedTrial]) -> None:
    report = make_report([FinishedTrial(kept.row, float("nan"), kept.finished, {}) for kept in trials])
    assert json.loads(report_json(report))["seconds"] == {"by_contender": {}}
    assert "nan" not in rows_csv(report.trials).lower()


def markdown_tables(text: str) -> dict[str, list[list[str]]]:
    """Cells of every table, by the heading above it."""
    tables: dict[str, list[list[str]]] = {}
    heading = ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| "):
            tables.setdefault(heading, []).append([cell.strip() for cell in line.strip("|").split("|")])
    return tables


def test_markdown_keeps_transductive_contenders_apart(report: Report) -> None:
    tables = markdown_tables(markdown(report))
    for heading, cells in tables.items():
        names = {line[0].strip("`") for line in cells[1:]}
        assert ("irmae-poisson-transductive" in names) == ("ransductive" in heading)
        assert len({len(line) for line in cells}) == 1
        if "ransductive" in heading:
            assert names == {"irmae-poisson-transductive"}


def test_markdown_has_the_least_mean_in_bold_and_the_words_below(report: Report) -> None:
    text = markdown(report)
    overview = next(iter(markdown_tables(text).values()))
    assert overview[0] == ["contender", "reads", "10 labels", "100 labels", "1,000 labels"]
    bold = [line[0] for line in overview[1:] if line[2].startswith("**")]
    assert bold == ["`irmae-linear`"]
    for words in ("- Learners were given labelled images of their subset", "- A note.", "    a b", "standard error"):
        assert words in text


def test_latex_is_made_of_whole_booktabs_tables_with_one_width(report: Report) -> None:
    text = latex(report)
    tables = re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.DOTALL)
    assert len(tables) == 4  # errors and differences, inductive and transductive
    for columns, body in tables:
        assert body.count("\\toprule") == body.count("\\midrule") == body.count("\\bottomrule") == 1
        lines = [line for line in body.splitlines() if line.endswith("\\\\")]
        for line in lines:
            assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1
    assert text.count("\\begin{table}") == text.count("\\end{table}") == 4
    assert "\\texttt{my\\_own \\& $<$b$>$-joint}" in text
    comments = [line for line in text.splitlines() if line.startswith("%")]
    assert "% A note." in comments
    assert any("Learners were given labelled images of their subset" in line for line in comments)
    printed = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert not re.search(r"[±Δ†]|(?<!\\)%", printed)
    assert "(7)" in printed
    # brackets close
    plain = re.sub(r"\\[{}]", "", printed)
    assert plain.count("{") == plain.count("}")


def test_declared_comparisons_stand_in_a_table_of_their_own(trials: list[FinishedTrial]) -> None:
    pairs = (("irmae-linear", "supervised"), ("irmae-knn", "irmae-linear"), ("irmae-knn", "never-run"))
    part = Part(contenders=tuple(CONTENDERS), budgets=(10, 100, None), seeds=tuple(SEEDS))
    preset = Preset("digits", "supervised", (part,), comparisons=pairs, drawn=("supervised", "irmae-knn", "never-run"))
    declared = make_report(trials, preset=preset)
    assert declared.drawn == ("supervised", "irmae-knn"), "in the order declared, as far as they were run"
    assert "declared by the protocol" in declared.left_out
    table = markdown_tables(markdown(declared))["Declared comparisons"]
    assert table[0] == ["contender", "minus", "10 labels", "100 labels", "1,000 labels"]
    assert [line[:2] for line in table[1:]] == [[f"`{a}`", f"`{b}`"] for a, b in pairs[:2]]
    errors = {k.row.contender: [t.row.error for t in trials if t.row.contender == k.row.contender][:7] for k in trials}
    mean = statistics.mean(a - b for a, b in zip(errors["irmae-linear"], errors["supervised"], strict=True))
    assert table[1][2].startswith(f"{mean:.2f} [")
    # seven subsets of one sign: 2 of 2^7 flips, times three, though one of the three was not run
    assert table[1][2].endswith(f"p {3 * 2 / 2**7:.3f}, n 7")
    assert not any("images ±" in note for note in declared.notes)
    mistakes = [dataclasses.replace(k, wrong=bytes([k.row.contender == "supervised"] * 125)) for k in trials]
    known = make_report(mistakes, preset=preset)
    # an eighth of the images is wrong for the one alone: sqrt(7 / 64 / 999)
    assert markdown_tables(markdown(known))["Declared comparisons"][1][2].endswith(", n 7, images ± 1.05")
    assert any("images ±" in note for note in known.notes)
    documented = json.loads(report_json(declared))["comparisons"]
    assert len(documented) == 6
    assert any("3 comparisons that the protocol declares" in note for note in declared.notes)
    assert latex(declared).count("\\label{tab:declared}") == 1
    assert "irmae-knn" in html_page(declared).split('id="comparisons"')[1].split("</section>")[0]
    assert 'id="comparisons"' not in html_page(make_report(trials))


@pytest.mark.parametrize(
    "change", [{"dataset": "mnist"}, {"scored_on": "development"}, {"rule": "uniform"}, {"seed": 99}, {"budget": 11}]
)
def test_trials_that_a_preset_would_not_have_run_are_left_out(
    trials: list[FinishedTrial], change: dict[str, object]
) -> None:
    part = Part(contenders=tuple(CONTENDERS), budgets=(10, 100, None), seeds=tuple(SEEDS))
    preset = Preset("digits", "supervised", (part,))
    plain = make_report(trials, preset=preset)
    odd = dataclasses.replace(trials[0], row=trials[0].row.model_copy(update=change))
    report = make_report([*trials, odd], preset=preset)
    assert report.rows == plain.rows
    (note,) = set(report.notes) - set(plain.notes)
    assert note == "Left out: 1 trials that the protocol does not have (irmae-linear)."
    with pytest.raises(UserError, match="no trial is one of this preset"):
        make_report([odd], preset=preset)


def test_what_a_preset_plans_and_is_not_there_is_counted(trials: list[FinishedTrial]) -> None:
    row = trials[0].row
    part = Part(contenders=(row.contender,), budgets=(row.budget,), seeds=(row.seed, 77, 78))
    report = make_report([trials[0]], preset=Preset("digits", row.contender, (part,)))
    (note,) = [note for note in report.notes if note.startswith("Planned and not run yet")]
    assert "2 of the protocol's 3 trials, of 1 contenders" in note
    part = part.model_copy(update={"seeds": (row.seed,)})
    assert not [
        n for n in make_report([trials[0]], preset=Preset("digits", row.contender, (part,))).notes if "not run" in n
    ]


def test_another_precision_than_the_presets_is_named_and_never_mixed_in(trials: list[FinishedTrial]) -> None:
    part = Part(contenders=tuple(CONTENDERS), budgets=(10, 100, None), seeds=tuple(SEEDS))
    preset = Preset("digits", "supervised", (part,), precision="bf16")
    assert "In fp32, where the protocol declares bf16." in make_report(trials, preset=preset).notes
    exact = [dataclasses.replace(k, row=k.row.model_copy(update={"precision": "bf16"})) for k in trials[:30]]
    assert len(make_report([*trials[30:], *exact], preset=preset).rows) == 30


def test_latex_minus_signs_are_minus_signs(report: Report) -> None:
    cells = re.search(r"texttt\{irmae-linear\} & code & (\S+) \[", latex(report).split("Error minus that of")[1])
    assert cells is not None
    assert re.fullmatch(r"\$-\$\d+\.\d\d", cells[1])


@pytest.mark.parametrize("text", ["a\\b", "50 % & $x_1^2$ #~ {}", "<†>"])
def test_escaped_text_has_no_bare_special_character(text: str) -> None:
    bare = re.sub(r"\\(?:[&%$#_{}]|text\w+\{\})|\$(?:<|>|\\\w+)\$", "", escape_latex(text))
    assert not set(bare) & set("\\&%$#_{}~^<>†")


def test_an_unknown_reference_or_contender_names_the_nearest(trials: list[FinishedTrial]) -> None:
    with pytest.raises(UserError, match="did you mean 'supervised'"):
        make_report(trials, reference="supervisd")
    with pytest.raises(UserError, match="did you mean 'irmae-knn'"):
        make_report(trials, drawn=["irmae-kn"])


def test_without_supervised_the_first_contender_is_the_reference(trials: list[FinishedTrial]) -> None:
    report = make_report([kept for kept in trials if kept.row.contender != "supervised"])
    assert report.reference == "irmae-linear"


def test_many_contenders_are_drawn_by_a_few(trials: list[FinishedTrial], make_row) -> None:
    more = [
        FinishedTrial(
            make_row(f"{e}-{r}", s, base + r_error + s, encoder=e, reads="code", readout=r),
            0.1,
            "2026-01-01T00:00:00+00:00",
            {},
        )
        for base, e in ((10, "irmae"), (20, "ae"), (30, "pixels"))
        for r_error, r in ((3, "knn"), (1, "linear_probe"), (2, "mlp"), (4, "spread"))
        for s in range(3)
    ]
    networks = [
        FinishedTrial(make_row(name, s, error + s, readout=readout), 0.1, "2026-01-01T00:00:00+00:00", {})
        for error, name, readout in ((15, "supervised", "supervised"), (9, "supervised-augment", "supervised"))
        for s in range(3)
    ]
    report = make_report([*more, *networks])
    assert set(report.drawn) == {
        "irmae-linear_probe",
        "ae-linear_probe",
        "pixels-linear_probe",
        "supervised",
        "supervised-augment",
    }
    assert len(report.drawn) <= MOST_DRAWN
    assert "5 of 14 contenders" in report.left_out
    assert make_report([*more, *networks], drawn=["ae-knn"]).drawn == ("ae-knn",)
    assert make_report(trials).left_out == (
        "Drawn: 5 of 6 contenders, all but those that are transductive or leaky. The tables hold all."
    )


def test_a_leaky_contender_is_stamped_and_never_drawn_by_default(trials: list[FinishedTrial], make_row) -> None:
    least = {t.row.seed: t.row.error for t in trials if (t.row.contender, t.row.budget) == ("irmae-linear", 100)}
    best_of_many = [
        FinishedTrial(make_row("best-of-50", s, e, looks=50), 0.1, "2026-01-01", {}) for s, e in least.items()
    ]
    report = make_report([*trials, *best_of_many])
    assert "best-of-50" not in report.drawn
    assert "| `best-of-50 (leaky)` |" in markdown(report)
    assert "best-of-50 (leaky)" in latex(report)
    assert not re.search(r"`best-of-50 \(leaky\)` .*\*\*", markdown(report)), "the best of many looks is no best mean"
    alone = make_report([*best_of_many, *[k for k in trials if k.row.contender == "irmae-knn"]])
    assert alone.reference == "irmae-knn"


def test_components_of_variance_stand_in_every_output(make_row) -> None:
    table = ((1.0, 3.0), (2.0, 6.0), (6.0, 6.0))
    rows = [make_row("a", s, e, pretrain_seed=p) for s, line in enumerate(table) for p, e in enumerate(line)]
    report = make_report([FinishedTrial(row, 0.1, "2026-01-01", {}) for row in rows])
    roots = ["1.73", "1.15", "1.41"]  # of 3, 4/3 and 2
    assert f"| `a` | 100 | 3 | 2 | {' | '.join(roots)} |" in markdown(report)
    assert f"\\texttt{{a}} & 100 & 3 & 2 & {' & '.join(roots)} \\\\" in latex(report)
    (component,) = json.loads(report_json(report))["variance_components"]
    assert component["pretraining"]["points"] == pytest.approx(math.sqrt(4 / 3))
    assert all(f"<td>{root}</td>" in html_page(report) for root in roots)
