"""How likely each contender is the best."""

import pytest

from ssl_irmae.protocols.statistics.best import probabilities_best
from ssl_irmae.protocols.storage.rows import Row
from tests.protocols.conftest import MakeRow

Errors = dict[str, dict[int, float]]  # by contender and seed


def rows_of(make_row: MakeRow, errors: Errors, **fields: object) -> list[Row]:
    return [make_row(name, seed, error, **fields) for name, its in errors.items() for seed, error in its.items()]


def test_the_best_on_every_subset_is_certain(make_row: MakeRow) -> None:
    rows = [make_row(name, seed, error + seed) for name, error in (("a", 1.0), ("b", 2.0)) for seed in range(6)]
    assert probabilities_best(rows, ("a", "b")) == {(100, "a"): 1, (100, "b"): 0}


def test_a_contender_that_is_not_considered_is_never_the_best(make_row: MakeRow) -> None:
    rows = [make_row(name, seed, error) for name, error in (("a", 1.0), ("b", 2.0)) for seed in range(6)]
    assert probabilities_best(rows, ("b",)) == {(100, "b"): 1}


def test_equal_contenders_share(make_row: MakeRow) -> None:
    rows = [make_row(name, seed, 3.0 + seed) for name in ("a", "b") for seed in range(6)]
    assert probabilities_best(rows, ("a", "b")) == pytest.approx({(100, "a"): 0.5, (100, "b"): 0.5})


def test_a_difference_of_both_signs_leaves_doubt(make_row: MakeRow) -> None:
    # a is better on four of six subsets by as much as b is on two: a resample of six has a ahead in most cases
    rows = [make_row("a", seed, 1.0 if seed < 4 else 2.0) for seed in range(6)]
    rows += [make_row("b", seed, 2.0 if seed < 4 else 1.0) for seed in range(6)]
    found = probabilities_best(rows, ("a", "b"))
    # six draws of 1/3, shared out at three: P(X < 3) + P(X = 3) / 2
    assert found[100, "a"] == pytest.approx(0.680 + 0.219 / 2, abs=0.04)
    assert sum(found.values()) == pytest.approx(1)


def test_each_budget_has_its_own(make_row: MakeRow) -> None:
    places = ((10, "a", 1.0), (10, "b", 2.0), (99, "b", 1.0))
    rows = [make_row(n, s, e, budget=b) for b, n, e in places for s in range(6)]
    assert probabilities_best(rows, ("a", "b")) == {(10, "a"): 1, (10, "b"): 0, (99, "b"): 1}


def test_easy_subsets_that_others_were_not_run_on_do_not_count(make_row: MakeRow) -> None:
    rows = rows_of(make_row, {"a": {s: 3.0 if s < 6 else 0.0 for s in range(12)}, "b": dict.fromkeys(range(6), 2.0)})
    assert probabilities_best(rows, ("a", "b")) == {(100, "a"): 0, (100, "b"): 1}


def test_fewer_than_six_subsets_give_no_probability(make_row: MakeRow) -> None:
    rows = rows_of(make_row, {"a": dict.fromkeys(range(5), 1.0), "b": dict.fromkeys(range(5), 2.0)})
    assert probabilities_best(rows, ("a", "b")) == {}


@pytest.mark.parametrize("few", [range(5), range(10, 20)])
def test_a_contender_with_few_shared_subsets_takes_no_part(make_row: MakeRow, few: range) -> None:
    errors = {"a": dict.fromkeys(range(10), 2.0), "b": dict.fromkeys(range(10), 3.0), "few": dict.fromkeys(few, 1.0)}
    assert probabilities_best(rows_of(make_row, errors), tuple(errors)) == {(100, "a"): 1, (100, "b"): 0}


def test_at_the_full_set_one_run_without_randomness_is_enough(make_row: MakeRow) -> None:
    full = {"rule": "full", "subset": "full"}
    rows = rows_of(make_row, {"network": dict(enumerate((1.0, 1.0, 1.0, 1.0, 1.0, 9.0)))}, **full)
    rows += rows_of(make_row, {"exact": {0: 2.0}}, **full, deterministic_at_full_set=True)
    found = probabilities_best(rows, ("network", "exact"))
    # the mean of six draws is above 2 if the one bad run is drawn at all: 1 - (5 / 6)^6
    assert found[100, "exact"] == pytest.approx(1 - (5 / 6) ** 6, abs=0.05)
