"""One number per learning curve, and the labels that a target error takes."""

import math

import pytest

from ssl_irmae.protocols.statistics.curve_summary import CurveSummary, summarise_curves
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded
from ssl_irmae.protocols.storage.rows import Row
from tests.protocols.conftest import MakeRow


def curve_rows(make_row: MakeRow, name: str, errors: dict[int, float], *, wiggle: float = 0.0) -> list[Row]:
    return [make_row(name, s, e * (1 + wiggle * (s - 2)), budget=b) for b, e in errors.items() for s in range(5)]


def only(rows: list[Row], **how: float) -> CurveSummary:
    (curve,) = summarise_curves(rows, baseline="a", **how)
    return curve


def needed(curve: CurveSummary) -> LabelsNeeded:
    assert curve.needed is not None
    return curve.needed


def test_halving_the_error_at_any_budget_counts_alike(make_row: MakeRow) -> None:
    curves = [only(curve_rows(make_row, "a", e)) for e in ({10: 40.0, 100: 10.0}, {10: 80.0, 100: 5.0})]
    assert [curve.geometric_mean for curve in curves] == pytest.approx([20, 20])
    assert (curves[0].low, curves[0].high) == (None, None), "the subsets do not differ"


def test_the_mean_is_over_the_budgets_of_the_baseline(make_row: MakeRow) -> None:
    rows = curve_rows(make_row, "a", {10: 40.0, 100: 10.0}) + curve_rows(make_row, "b", {100: 10.0})
    rows += curve_rows(make_row, "c", {10: 20.0, 50: 1.0, 100: 5.0})
    a, b, c = summarise_curves(rows, baseline="a")
    assert a.geometric_mean is not None
    assert (b.geometric_mean, b.low, b.high) == (None, None, None)
    assert c.geometric_mean == pytest.approx(10)


@pytest.mark.parametrize(("target", "labels"), [(40.0, 10), (20.0, 10**1.5), (10.0, 100), (50.0, 0), (9.0, math.inf)])
def test_a_target_error_is_read_off_the_curve_in_log_log(make_row: MakeRow, target: float, labels: float) -> None:
    found = needed(only(curve_rows(make_row, "a", {10: 40.0, 100: 10.0}), target=target))
    assert (found.of, found.first, found.last) == ("a", 10, 100)
    assert found.labels == pytest.approx(labels)


def test_the_interval_of_a_target_error_is_as_wide_as_subsets_differ(make_row: MakeRow) -> None:
    alike, different = (
        needed(only(curve_rows(make_row, "a", {10: 40.0, 1000: 4.0}, wiggle=wiggle), target=12.0))
        for wiggle in (0.0, 0.2)
    )
    assert (alike.low, alike.high) == (None, None)
    assert different.low is not None
    assert different.high is not None
    assert 10 < different.low < alike.labels < different.high


def test_a_single_budget_says_whether_its_labels_are_enough(make_row: MakeRow) -> None:
    rows = curve_rows(make_row, "a", {100: 10.0})
    assert needed(only(rows, target=12.0)).labels == 0
    assert needed(only(rows, target=8.0)).labels == math.inf
    assert needed(only(rows, target=10.0)).labels == pytest.approx(100)


def test_a_single_subset_has_no_interval(make_row: MakeRow) -> None:
    curve = only([row for row in curve_rows(make_row, "a", {10: 40.0, 100: 10.0}) if row.seed == 0], target=20.0)
    assert curve.geometric_mean == pytest.approx(20)
    assert (curve.low, curve.high, needed(curve).low, needed(curve).high) == (None,) * 4


def test_budgets_that_vary_together_leave_the_mean_more_in_doubt(make_row: MakeRow) -> None:
    together = only(curve_rows(make_row, "a", {10: 40.0, 100: 10.0}, wiggle=0.1))
    opposed = only(
        curve_rows(make_row, "a", {10: 40.0}, wiggle=0.1) + curve_rows(make_row, "a", {100: 10.0}, wiggle=-0.1)
    )
    assert together.low is not None
    assert together.high is not None
    assert opposed.low is not None
    assert opposed.high is not None
    assert together.high - together.low > 3 * (opposed.high - opposed.low)


def test_only_the_subsets_of_the_baseline_count(make_row: MakeRow) -> None:
    a, b = curve_rows(make_row, "a", {10: 40.0, 100: 10.0}), curve_rows(make_row, "b", {10: 40.0, 100: 10.0})
    easier = [make_row("b", s, 2.0, budget=budget) for s in range(5, 30) for budget in (10, 100)]
    plain, more = (summarise_curves([*a, *b, *others], baseline="a", target=20.0) for others in ([], easier))
    assert more[1].geometric_mean == plain[1].geometric_mean == pytest.approx(20)
    assert needed(more[1]).labels == needed(plain[1]).labels


def test_what_lacks_subsets_of_the_baseline_has_no_number(make_row: MakeRow) -> None:
    a, b = curve_rows(make_row, "a", {10: 40.0, 100: 10.0}), curve_rows(make_row, "b", {10: 30.0, 100: 5.0})
    _, lacking = summarise_curves(
        [*a, *(row for row in b if (row.budget, row.seed) != (10, 4))], baseline="a", target=9
    )
    assert lacking == CurveSummary("b", None, None, None, None)
    _, nowhere = summarise_curves([*a, *(row for row in b if row.seed != 4)], baseline="a", target=9)
    assert nowhere == lacking


def test_at_the_full_set_all_runs_count(make_row: MakeRow) -> None:
    rows = [*curve_rows(make_row, "a", {10: 40.0}), *curve_rows(make_row, "b", {10: 40.0})]
    rows += [make_row("a", s, 10.0, budget=100, rule="full", subset="full") for s in range(3)]
    rows += [make_row("b", 7, 10.0, budget=100, rule="full", subset="full", deterministic_at_full_set=True)]
    assert [c.geometric_mean for c in summarise_curves(rows, baseline="a")] == pytest.approx([20, 20])
