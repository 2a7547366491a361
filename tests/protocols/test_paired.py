"""Paired differences and their interval."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ssl_irmae.protocols.statistics.paired import paired_difference

ERRORS = st.lists(st.integers(0, 1000).map(lambda wrong: wrong / 10), min_size=2, max_size=8)


def test_the_interval_is_students() -> None:
    x = np.random.default_rng(3).exponential(size=12)
    difference = paired_difference(dict(enumerate(x)), dict.fromkeys(range(12), 0.0), "zero")
    assert difference is not None
    expected = stats.ttest_1samp(np.round(x, 9), 0).confidence_interval()
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))


def test_one_pair_has_a_difference_but_neither_interval_nor_significance() -> None:
    difference = paired_difference({0: 1.0}, {0: 3.0}, "b")
    assert difference is not None
    assert (difference.mean, difference.low, difference.high, difference.n, difference.p) == (-2, None, None, 1, 1)


def test_equal_differences_have_no_interval_despite_rounding() -> None:
    # 0.3 - 0.2 and 0.2 - 0.1 are different floats
    difference = paired_difference({0: 0.3, 1: 0.2, 2: 7.4}, {0: 0.2, 1: 0.1, 2: 7.3}, "b")
    assert difference is not None
    assert difference.mean == pytest.approx(0.1)
    assert (difference.low, difference.high) == (None, None)
    assert difference.p == 2 / 2**3


def test_no_difference_is_beyond_a_hundred_points() -> None:
    difference = paired_difference({0: 99.0, 1: 60.0}, {0: 0.0, 1: 0.0}, "b")
    assert difference is not None
    assert difference.high == 100


def test_differences_pair_the_subsets_that_both_have() -> None:
    difference = paired_difference({0: 1.0, 1: 2.0, 5: 9.0}, {1: 1.0, 0: 0.5, 7: 3.0}, "b")
    assert difference is not None
    assert (difference.baseline, difference.n) == ("b", 2)
    assert difference.mean == pytest.approx(0.75)
    assert paired_difference({0: 1.0}, {1: 1.0}, "b") is None


def test_better_counts_the_pairs_in_which_the_contender_is_below_the_baseline() -> None:
    # one pair is lower, one equal (0.3 - 0.1 and 0.2 are different floats), one higher; seed 9 has no pair
    errors, baseline = {0: 1.0, 1: 0.3 - 0.1, 2: 5.0, 9: 0.0}, {0: 2.0, 1: 0.2, 2: 3.0}
    difference = paired_difference(errors, baseline, "b")
    assert difference is not None
    assert (difference.n, difference.better) == (3, 1)
    reverse = paired_difference(baseline, errors, "a")
    assert reverse is not None
    assert (reverse.n, reverse.better, reverse.mean) == (3, 1, -difference.mean)


def test_a_single_difference_is_not_corrected() -> None:
    difference = paired_difference(dict.fromkeys(range(8), 1.0), {s: 2.0 + s for s in range(8)}, "b")
    assert difference is not None
    assert difference.p_holm == difference.p == 2 / 2**8


@settings(deadline=None, max_examples=50)
@given(ERRORS)
def test_a_contender_does_not_differ_from_itself(errors: list[float]) -> None:
    by_seed = dict(enumerate(errors))
    difference = paired_difference(by_seed, by_seed, "itself")
    assert difference is not None
    assert (difference.mean, difference.low, difference.high, difference.p) == (0, None, None, 1)
    assert difference.better == 0


@settings(deadline=None, max_examples=50)
@given(ERRORS, st.randoms())
def test_the_interval_contains_the_mean_whatever_the_order_of_subsets(errors: list[float], rng: random.Random) -> None:
    by_seed = dict(enumerate(errors))
    zero = dict.fromkeys(by_seed, 0.0)
    shuffled = list(by_seed.items())
    rng.shuffle(shuffled)
    difference = paired_difference(by_seed, zero, "zero")
    assert difference == paired_difference(dict(shuffled), zero, "zero")
    assert difference is not None
    assert (difference.low is None) == (len(set(errors)) == 1)
    if difference.low is not None and difference.high is not None:
        assert difference.low - 1e-9 <= difference.mean <= difference.high + 1e-9
