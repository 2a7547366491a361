"""How many labels of the baseline an error is worth."""

import math

import numpy as np
import pytest

from ssl_irmae.protocols.statistics.label_equivalence import label_equivalences
from ssl_irmae.protocols.statistics.learning_curve import LearningCurve
from ssl_irmae.protocols.storage.rows import Row
from tests.protocols.conftest import MakeRow

BUDGETS = (10, 100, 1000)


def power_law(make_row: MakeRow, name: str, error: float, *, spread: float = 0.0, seeds: int = 8) -> list[Row]:
    """Return rows whose error falls with the root of the number of labels, from that at ten."""
    return [
        make_row(name, seed, error * (1 + spread * (seed - (seeds - 1) / 2)) / math.sqrt(b / 10), budget=b)
        for b in BUDGETS
        for seed in range(seeds)
    ]


def test_a_quarter_of_the_error_is_worth_sixteen_times_the_labels(make_row: MakeRow) -> None:
    rows = [*power_law(make_row, "base", 60.0), *power_law(make_row, "better", 15.0)]
    found = label_equivalences(rows, baseline="base")
    assert found[10, "better"].labels == pytest.approx(160)
    assert (found[10, "better"].low, found[10, "better"].high) == pytest.approx((160, 160))
    assert set(found) == {(b, "better") for b in BUDGETS}


def test_beyond_the_ends_of_the_baselines_curve_there_is_no_number(make_row: MakeRow) -> None:
    rows = [*power_law(make_row, "base", 60.0), *power_law(make_row, "better", 15.0), *power_law(make_row, "worse", 90)]
    found = label_equivalences(rows, baseline="base")
    assert found[1000, "better"].labels == math.inf
    assert found[10, "worse"].labels == 0
    assert (found[10, "worse"].first, found[10, "worse"].last) == (10, 1000)


def test_subsets_that_are_hard_for_both_leave_no_doubt(make_row: MakeRow) -> None:
    rows = [*power_law(make_row, "base", 60.0, spread=0.05), *power_law(make_row, "same", 60.0, spread=0.05)]
    for (budget, _), found in label_equivalences(rows, baseline="base").items():
        assert (found.low, found.labels, found.high) == pytest.approx((budget, budget, budget))


def test_the_interval_widens_with_the_spread_over_subsets(make_row: MakeRow) -> None:
    base = power_law(make_row, "base", 60.0)
    widths = []
    for spread in (0.02, 0.04):
        found = label_equivalences([*base, *power_law(make_row, "better", 15.0, spread=spread)], baseline="base")
        assert found[10, "better"].low < found[10, "better"].labels < found[10, "better"].high
        widths.append(math.log(found[10, "better"].high / found[10, "better"].low))
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.05)


def test_a_baseline_at_one_budget_has_no_curve(make_row: MakeRow) -> None:
    assert label_equivalences([make_row("base", 0, 5.0), make_row("other", 0, 4.0)], baseline="base") == {}
    assert label_equivalences(power_law(make_row, "base", 60.0), baseline="base") == {}


def test_an_error_of_zero_is_worth_more_than_all_labels(make_row: MakeRow) -> None:
    rows = [*power_law(make_row, "base", 60.0), *(make_row("perfect", seed, 0.0, budget=10) for seed in range(8))]
    assert label_equivalences(rows, baseline="base")[10, "perfect"].labels == math.inf


def test_where_errors_rise_with_labels_the_closest_falling_curve_is_read() -> None:
    curve = LearningCurve([10, 100, 1000], [40.0, 8.0, 12.5])
    middle = math.sqrt(8.0 * 12.5)  # in log error, both ends of the level part are as far from the curve
    assert curve.labels_for(middle) == pytest.approx(100)
    assert curve.labels_for(9.0) == math.inf


@pytest.mark.parametrize("budgets", [(20, 60_000), (10, 100), (50, 10_000), (3, 50_000)])
def test_the_errors_at_the_ends_of_a_curve_are_not_beyond_it(budgets: tuple[int, int]) -> None:
    first, last = LearningCurve(budgets, [40.0, 4.0]).labels_for([40.0, 4.0])
    assert budgets[0] <= first < last <= budgets[1]


@pytest.mark.parametrize("error", [50.0, 20.0, 8.0])
def test_a_curve_gives_back_its_own_budgets(error: float) -> None:
    budgets, errors = [10, 100, 1000], [50.0, 20.0, 8.0]
    expected = budgets[errors.index(error)]
    assert np.array(LearningCurve(budgets, errors).labels_for([error])) == pytest.approx([expected])
