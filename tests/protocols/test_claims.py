"""Sentences that documents derive from rows are true of the rows."""

import re
from collections.abc import Mapping, Sequence

import pytest

from docs.claims import comparisons, found_on, leaders, ten_labels
from docs.tables import lowest, overtakings
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.statistics.summary import summarise
from ssl_irmae.protocols.storage.rows import FinishedTrial
from tests.protocols.conftest import MakeRow


def claims(make_row: MakeRow, differences: list[float]) -> list[str]:
    """What documents say of `supervised` beside a frozen readout with that many points more, subset by subset."""
    rows = [make_row("supervised", seed, 20.0) for seed in range(len(differences))]
    rows += [make_row("frozen", seed, 20.0 + d) for seed, d in enumerate(differences)]
    return overtakings(summarise(rows, baseline="supervised"), ["frozen"])


@pytest.mark.parametrize(("sign", "word"), [(1, "below"), (-1, "above")])
def test_a_learner_is_below_frozen_codes_that_make_more_errors(make_row: MakeRow, sign: int, word: str) -> None:
    (line,) = claims(make_row, [sign * d for d in (1.0, 2.0, 1.5, 0.5, 1.0, 2.0)])
    assert f"`supervised` beside `frozen`: mean error {word} it at 100 labels" in line


def test_nothing_is_claimed_about_differences_around_zero(make_row: MakeRow) -> None:
    assert claims(make_row, [1.0, -1.0, 0.5, -0.5, 1.0, -1.0]) == []


@pytest.mark.parametrize(("sign", "word"), [(1, "below"), (-1, "above")])
def test_for_five_pairs_only_the_means_are_compared(make_row: MakeRow, sign: int, word: str) -> None:
    (line,) = claims(make_row, [sign * d for d in (1.0, 2.0, 1.5, 0.5, 1.0)])
    assert (
        line == f"At 100 labels (5 pairs) nothing can be tested; the mean of `supervised` is {word} that of `frozen`."
    )


LOW: Sequence[float] = (1.0, 2.0, 1.5, 0.5, 1.0, 2.0, 1.0, 2.0, 1.5, 0.5)
HIGH: Sequence[float] = (11.0, 13.0, 12.0, 11.5, 12.5, 13.0, 11.0, 13.0, 12.0, 11.5)


def report_of(
    make_row: MakeRow, errors: Mapping[tuple[str, int], Sequence[float]], longer: Mapping[str, int] | None = None
) -> Report:
    """A report of contenders at budgets, with an error for each subset; networks have 600 steps or other ones."""
    rows = [
        make_row(name, seed, error, budget=budget, settings={"steps": (longer or {}).get(name, 600)})
        for (name, budget), values in errors.items()
        for seed, error in enumerate(values)
    ]
    return make_report([FinishedTrial(row, 1.0, "2026-01-01T00:00:00+00:00", {}) for row in rows])


def test_the_codes_that_lead_are_named_by_budget(make_row: MakeRow) -> None:
    errors = {("ae-linear", b): HIGH for b in (10, 100)} | {("irmae-linear", b): LOW for b in (10, 100)}
    errors |= {("ae-linear", 1000): LOW, ("irmae-linear", 1000): HIGH}
    errors |= {("vae-linear", b): HIGH for b in (10, 100, 1000)}
    assert leaders(report_of(make_row, errors), "linear") == {10: "IRMAE", 100: "IRMAE", 1000: "AE"}


def test_no_codes_lead_that_cannot_be_told_apart(make_row: MakeRow) -> None:
    around = [value + d for value, d in zip(LOW, (0.1, -0.1) * 5, strict=True)]
    errors = {("irmae-linear", 10): LOW, ("ae-linear", 10): around, ("vae-linear", 10): HIGH}
    assert leaders(report_of(make_row, errors), "linear") == {10: "IRMAE or AE"}


def test_of_five_pairs_the_lowest_mean_is_in_brackets(make_row: MakeRow) -> None:
    errors = {("irmae-linear", 10): LOW, ("ae-linear", 10): HIGH, ("vae-linear", 10): HIGH}
    errors |= {(name, 20): values[:5] for (name, _), values in errors.items()}
    assert leaders(report_of(make_row, errors), "linear") == {10: "IRMAE", 20: "(IRMAE)"}


def test_a_claim_is_corrected_for_everything_that_its_row_compares(make_row: MakeRow) -> None:
    errors = {("a", 10): LOW[:6], ("b", 10): HIGH[:6]}
    assert comparisons(report_of(make_row, errors), "a", "b") == {10: "fewer"}  # p = 2 / 2^6
    errors |= {("a", 20): LOW[:6], ("b", 20): HIGH[:6]}  # twice that is more than 0.05
    assert comparisons(report_of(make_row, errors), "a", "b") == {10: "cannot tell", 20: "cannot tell"}


def test_a_table_has_the_verdict_of_every_question_and_number_of_labels(make_row: MakeRow) -> None:
    errors = {("ae-linear", 10): HIGH, ("irmae-linear", 10): LOW, ("vae-linear", 10): HIGH, ("pixels-linear", 10): HIGH}
    errors |= {("ae-linear", 20): LOW[:5], ("irmae-linear", 20): HIGH[:5], ("pixels-linear", 20): LOW[:5]}
    table = found_on("MNIST", report_of(make_row, errors))
    assert table.startswith("| MNIST |")
    assert "| best codes for a linear classifier | IRMAE: 10; (AE): 20 |" in table
    assert "| `irmae-linear` against `pixels-linear` | fewer: 10; (more): 20 |" in table


def test_a_contender_may_make_fewer_errors_here_and_more_there(make_row: MakeRow) -> None:
    errors = {("a", b): LOW for b in (10, 20)} | {("b", b): HIGH for b in (10, 20)}
    errors |= {("a", 100): HIGH, ("b", 100): LOW, ("a", 200): HIGH[:5], ("b", 200): LOW[:5]}
    errors |= {("a", 500): LOW, ("b", 500): LOW}
    found = comparisons(report_of(make_row, errors), "a", "b")
    assert found == {10: "fewer", 20: "fewer", 100: "more", 200: "higher mean", 500: "cannot tell"}


def test_the_headline_names_the_same_without_an_encoder(make_row: MakeRow) -> None:
    levels = {"irmae-propagate-prior": 2.0, "scratch-propagate-prior": 8.0, "pixels-poisson-prior": 9.0}
    levels |= {"supervised": 60.0, "supervised-augment": 50.0}
    errors = {(name, b): [level - b / 20 + x for x in LOW] for name, level in levels.items() for b in (10, 20)}
    headline = ten_labels({"MNIST": report_of(make_row, errors)})
    assert headline.startswith(
        "**With ten labels, one per class, and 60,000 images without labels, the best method on MNIST errs as "
        "little as the best of 2 networks trained on labels alone with > 20 labels"
    )
    assert "MNIST: `irmae-propagate-prior` against `supervised" in headline
    assert "| `irmae-propagate-prior` | **2.80 " in headline
    assert "| `scratch-propagate-prior` | 8.80 " in headline
    assert "Bold: the lowest mean of all contenders that see test images one at a time (5 on MNIST)" in headline
    assert "`-prior` assume that classes are about equally common" in headline
    assert headline.endswith("At ten labels, networks were trained for 600 steps.")


def test_the_headline_is_of_the_network_on_labels_alone_that_needs_the_fewest_labels(make_row: MakeRow) -> None:
    def of(falls: dict[str, float]) -> Report:
        errors = {("irmae-poisson-prior", b): [9 + x for x in LOW] for b in (10, 20)}
        errors |= {("pixels-poisson-prior", b): [40 + x for x in LOW] for b in (10, 20)}
        levels = {(name, b): 10 + (20 if b == 10 else -fall) for name, fall in falls.items() for b in (10, 20)}
        return report_of(make_row, errors | {place: [level + x for x in LOW] for place, level in levels.items()})

    alone = ("supervised", "supervised-augment", "supervised-irmae", "supervised-residual", "vib")
    for best in ("supervised", "vib"):
        falls = {name: 9.0 if name == best else 2.0 for name in alone}
        first, *_ = ten_labels({"A": of(falls)}).splitlines()
        assert "the best of 5 networks trained on labels alone with about" in first
        assert f"A: `irmae-poisson-prior` against `{best}`." in first


def test_the_headline_says_what_it_would_be_on_the_subsets_that_both_were_run_on(make_row: MakeRow) -> None:
    errors = {("supervised", b): [error + x for x in LOW] for b, error in ((10, 30.0), (100, 10.0), (1000, 2.0))}
    errors |= {("irmae-poisson-prior", b): [10 + x for x in LOW] + [2 + x for x in LOW] for b in (10, 100)}
    errors |= {("pixels-poisson-prior", b): [40 + x for x in LOW] for b in (10, 100)}
    text = ten_labels({"A": report_of(make_row, errors)})
    (headline,) = re.findall(r"alone with about (\d+) labels", text)
    (on_shared,) = re.findall(rf"{headline} becomes (\d+).* on A \({len(LOW)} subsets\)", text)
    assert int(on_shared) == 100, "as many labels as the network needs for the error on the first half of the subsets"
    assert int(headline) > 100


def test_the_headline_names_networks_that_trained_for_longer(make_row: MakeRow) -> None:
    names = ("irmae-poisson-prior", "pixels-poisson-prior", "supervised", "supervised-augment", "supervised-residual")
    errors = {(name, b): [5 * i - b / 20 + x for x in LOW] for i, name in enumerate(names, 1) for b in (10, 20)}
    steps = {"supervised-residual": 2000, "irmae-poisson-prior": 7}  # a readout has no training steps to compare
    headline = ten_labels({"MNIST": report_of(make_row, errors, steps)})
    assert headline.endswith("At ten labels, networks were trained for 600 steps, `supervised-residual` for 2,000.")


def test_codes_do_not_lead_by_easier_subsets(make_row: MakeRow) -> None:
    easy = {("ae-linear", 10): [x + 3 for x in LOW[:6]], ("irmae-linear", 10): [*LOW[:6], *(x + 30 for x in HIGH[6:])]}
    assert leaders(report_of(make_row, easy), "linear") == {10: "IRMAE"}


def test_the_headline_and_the_pick_are_not_of_easier_subsets(make_row: MakeRow) -> None:
    def levels(at: float) -> list[float]:
        return [at + x for x in LOW[:6]] + [at + 40 + x for x in LOW[6:]]

    names = ("irmae-poisson-prior", "pixels-poisson-prior", "supervised", "supervised-augment")
    errors = {(name, b): levels(5 * i - b / 20) for i, name in enumerate(names, 1) for b in (10, 20)}
    errors |= {("irmae-linear", b): [7 - b / 20 + x for x in LOW[:6]] for b in (10, 20)}
    report = report_of(make_row, errors)
    headline = ten_labels({"MNIST": report})
    assert "| `irmae-poisson-prior` | **" in headline
    assert "Bold: the fewest errors on shared subsets of all contenders that see test images one at a" in headline
    assert lowest(report)[0].startswith("Fewest errors on shared subsets of the 5 inductive contenders, picked after")
    assert "`irmae-poisson-prior`" in lowest(report)[0]
    assert "irmae-linear" not in lowest(report)[0]
