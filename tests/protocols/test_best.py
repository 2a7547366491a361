"""How likely each contender is the best."""

import pytest

from ssl_irmae.protocols.statistics.best import probabilities_best
from tests.protocols.conftest import MakeRow


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
    rows = [make_row(n, s, e, budget=b) for b, n, e in ((10, "a", 1.0), (10, "b", 2.0), (99, "b", 1.0)) for s in (0, 1)]
    assert probabilities_best(rows, ("a", "b")) == {(10, "a"): 1, (10, "b"): 0, (99, "b"): 1}
