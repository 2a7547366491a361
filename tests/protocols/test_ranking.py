"""Who makes the fewest errors, on the subsets that two contenders share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_irmae.protocols.statistics.error_matrix import error_matrices
from ssl_irmae.protocols.statistics.ranking import Ranking, rank
from tests.protocols.conftest import MakeRow

Errors = dict[str, dict[int, float]]  # by contender and subset


def ranking(make_row: MakeRow, errors: Errors, **fields: object) -> Ranking:
    rows = [make_row(name, seed, error, **fields) for name, its in errors.items() for seed, error in its.items()]
    return rank(error_matrices(rows), 100, set(errors))


@given(errors=st.lists(st.lists(st.integers(0, 100), min_size=3, max_size=3), min_size=1, max_size=6))
def test_on_the_same_subsets_it_is_the_order_of_the_means(make_row: MakeRow, errors: list[list[int]]) -> None:
    named = {f"c{i}": dict(enumerate(map(float, its))) for i, its in enumerate(errors)}
    means = {name: sum(its.values()) for name, its in named.items()}
    assert ranking(make_row, named).names == tuple(sorted(named, key=lambda name: means[name]))


def test_a_low_mean_over_easy_subsets_does_not_come_first(make_row: MakeRow) -> None:
    found = ranking(make_row, {"easy": {0: 2.0}, "good": {0: 1.0, 1: 30.0}, "bad": {0: 3.0, 1: 50.0}})
    assert found.names == ("good", "easy", "bad")
    assert found.gap("easy", "good") == pytest.approx(1)
    assert found.gap("good", "bad") == pytest.approx(-11)


def test_what_shares_no_subset_is_not_compared(make_row: MakeRow) -> None:
    found = ranking(make_row, {"a": {0: 2.0}, "b": {1: 1.0}})
    assert found.gap("a", "b") is None


def test_at_the_full_set_means_are_compared_whatever_the_seeds(make_row: MakeRow) -> None:
    errors = {"a": {0: 2.0, 1: 4.0}, "b": {5: 2.5}}
    assert ranking(make_row, errors, rule="full").gap("a", "b") == pytest.approx(0.5)


def test_several_come_first_where_they_are_level(make_row: MakeRow) -> None:
    assert ranking(make_row, {"a": {0: 1.0, 1: 3.0}, "b": {0: 2.0, 1: 2.0}, "c": {0: 9.0}}).first == ("a", "b")
    assert ranking(make_row, {"a": {0: 2.0}, "b": {1: 1.0}}).first == ("b", "a"), "not compared"
    assert ranking(make_row, {"easy": {0: 2.0}, "good": {0: 1.0, 1: 30.0}}).first == ("good",)
