"""How many labels of the baseline an error is worth."""

import math

import numpy as np
import pytest
from scipy import stats

from ssl_irmae.protocols.statistics.label_equivalence import label_equivalences
from ssl_irmae.protocols.statistics.learning_curve import LabelsNeeded, LearningCurve
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


def worth(rows: list[Row], budget: int = 10) -> LabelsNeeded:
    return label_equivalences(rows, baseline="base")[budget, "better"]


def width(found: LabelsNeeded) -> float:
    assert found.low is not None
    assert found.high is not None
    return math.log(found.high / found.low)


def test_a_quarter_of_the_error_is_worth_sixteen_times_the_labels(make_row: MakeRow) -> None:
    rows = [*power_law(make_row, "base", 60.0), *power_law(make_row, "better", 15.0)]
    found = label_equivalences(rows, baseline="base")
    assert found[10, "better"].labels == pytest.approx(160)
    assert (found[10, "better"].low, found[10, "better"].high) == (None, None), "the subsets do not differ"
    assert set(found) == {(b, "better") for b in BUDGETS}


def test_beyond_the_ends_of_the_baselines_curve_there_is_no_number(make_row: MakeRow) -> None:
    rows = [*power_law(make_row, "base", 60.0), *power_law(make_row, "better", 15.0), *power_law(make_row, "worse", 90)]
    found = label_equivalences(rows, baseline="base")
    assert found[1000, "better"].labels == math.inf
    assert found[10, "worse"].labels == 0
    assert (found[10, "worse"].first, found[10, "worse"].last) == (10, 1000)


def test_subsets_that_are_hard_for_both_leave_less_doubt(make_row: MakeRow) -> None:
    base = power_law(make_row, "base", 60.0, spread=0.05)
    together, opposed = (
        width(worth([*base, *power_law(make_row, "better", 15.0, spread=spread)])) for spread in (0.06, -0.06)
    )
    assert 5 * together < opposed


def test_the_interval_widens_with_the_spread_over_subsets(make_row: MakeRow) -> None:
    base = power_law(make_row, "base", 60.0)
    widths = []
    for spread in (0.02, 0.04):
        found = label_equivalences([*base, *power_law(make_row, "better", 15.0, spread=spread)], baseline="base")
        widths.append(width(found[10, "better"]))
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.05)


def test_a_baseline_at_one_budget_has_no_curve(make_row: MakeRow) -> None:
    assert label_equivalences([make_row("base", 0, 5.0), make_row("other", 0, 4.0)], baseline="base") == {}
    assert label_equivalences(power_law(make_row, "base", 60.0), baseline="base") == {}


def test_an_error_of_zero_is_worth_more_than_all_labels(make_row: MakeRow) -> None:
    rows = [*power_law(make_row, "base", 60.0), *(make_row("perfect", seed, 0.0, budget=10) for seed in range(8))]
    assert label_equivalences(rows, baseline="base")[10, "perfect"].labels == math.inf


def test_where_errors_rise_with_labels_the_fewest_count_that_reach_an_error() -> None:
    curve = LearningCurve([10, 100, 1000, 10_000], [40.0, 5.0, 10.0, 2.0])
    ten, six, five, four = curve.labels_for([10.0, 6.0, 5.0, 4.0])
    assert 10 < ten < six < five
    assert five == 100
    assert four == pytest.approx(10 ** (3 + math.log(10 / 4) / math.log(10 / 2)))
    assert curve.labels_for(1.0) == math.inf
    assert curve.labels_for(50.0) == 0


@pytest.mark.parametrize("budgets", [(20, 60_000), (10, 100), (50, 10_000), (3, 50_000)])
def test_the_errors_at_the_ends_of_a_curve_are_not_beyond_it(budgets: tuple[int, int]) -> None:
    first, last = LearningCurve(budgets, [40.0, 4.0]).labels_for([40.0, 4.0])
    assert budgets[0] <= first < last <= budgets[1]


@pytest.mark.parametrize("error", [50.0, 20.0, 8.0])
def test_a_curve_gives_back_its_own_budgets(error: float) -> None:
    budgets, errors = [10, 100, 1000], [50.0, 20.0, 8.0]
    expected = budgets[errors.index(error)]
    assert np.array(LearningCurve(budgets, errors).labels_for([error])) == pytest.approx([expected])


def test_a_single_subset_has_a_worth_without_an_interval(make_row: MakeRow) -> None:
    base = power_law(make_row, "base", 60.0)
    found = worth([*base, make_row("better", 0, 15.0, budget=10)])
    assert found.labels == pytest.approx(160)
    assert (found.low, found.high) == (None, None)
    assert worth([*power_law(make_row, "base", 60.0, seeds=1), make_row("better", 0, 15.0, budget=10)]).low is None


def test_a_contender_of_the_easy_subsets_alone_is_worth_no_more_than_it_is_there(make_row: MakeRow) -> None:
    base = power_law(make_row, "base", 60.0, spread=0.1)
    easy = [row.model_copy(update={"contender": "better"}) for row in base if row.seed < 3]
    for budget in BUDGETS:
        assert worth([*base, *easy], budget).labels == pytest.approx(budget)


def test_few_subsets_of_the_baseline_make_the_interval_as_wide_as_t_does(make_row: MakeRow) -> None:
    rows = power_law(make_row, "base", 60.0, spread=0.02, seeds=5) + power_law(make_row, "better", 15.0, seeds=20)
    half = float(stats.t.ppf(0.975, 4)) * 0.02 * math.sqrt(2.5 / 5)  # of the baseline's error, as a share
    assert width(worth(rows)) == pytest.approx(2 * 2 * half, rel=0.15)  # labels go with the square of the error


def test_few_subsets_where_the_curve_is_not_read_do_not_matter(make_row: MakeRow) -> None:
    better, base = power_law(make_row, "better", 15.0), power_law(make_row, "base", 60.0, spread=0.02)
    between = worth([*base, *better])
    assert 100 < between.labels < 1000
    assert worth([*(row for row in base if row.budget > 10 or row.seed < 2), *better]) == between


def test_at_the_full_set_what_another_run_would_repeat_does_not_count_as_few(make_row: MakeRow) -> None:
    base = [row for row in power_law(make_row, "base", 60.0, spread=0.05) if row.budget < 1000]
    full = {"budget": 1000, "rule": "full", "subset": "full"}
    better = power_law(make_row, "better", 15.0, spread=0.05)
    assert worth([*base, *better, make_row("base", 0, 6.0, **full)]).low is None
    assert worth([*base, *better, make_row("base", 0, 6.0, **full, deterministic_at_full_set=True)]).low is not None


def test_a_seed_that_is_hard_at_every_budget_widens_the_interval(make_row: MakeRow) -> None:
    def base(*, nested: bool) -> list[Row]:
        return [
            make_row("base", s, 60.0 * (1 + 0.05 * ((s if nested or i % 2 else 7 - s) - 3.5)) / 10 ** (i / 2), budget=b)
            for i, b in enumerate(BUDGETS)
            for s in range(8)
        ]

    better = power_law(make_row, "better", 15.0)
    alike, opposed = (worth([*base(nested=nested), *better]) for nested in (True, False))
    assert width(alike) > 1.4 * width(opposed)


def test_in_folds_an_error_of_zero_is_half_of_all_scored_images(make_row: MakeRow) -> None:
    fields = {"folds": 2, "n_scored": 50, "rule": "balanced"}
    rows = [
        make_row(name, seed, error, budget=budget, fold=fold, predictions=f"{name} {seed} {fold}", **fields)
        for name, budget, error in (("base", 10, 20.0), ("base", 1000, 0.0), ("better", 10, 2.0))
        for seed in range(3)
        for fold in range(2)
    ]
    # from 20 % to half an image of 100
    expected = 10 ** (1 + 2 * math.log(20 / 2) / math.log(20 / 0.5))
    assert worth(rows).labels == pytest.approx(expected)
