"""Paired differences and their bootstrap interval."""

import random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from ssl_irmae.protocols.statistics.paired import bca_interval, paired_difference

ERRORS = st.lists(st.integers(0, 1000).map(lambda wrong: wrong / 10), min_size=2, max_size=8)


def bca_by_hand(x: npt.NDArray[np.float64], *, resamples: int, seed: int) -> list[float]:
    """Compute Efron's interval (1987) independently, from other resamples."""
    rng = np.random.default_rng(seed)
    means = x[rng.integers(0, len(x), (resamples, len(x)))].mean(axis=1)
    bias = ndtri(((means < x.mean()).mean() + (means <= x.mean()).mean()) / 2)
    left_out = np.array([np.delete(x, i).mean() for i in range(len(x))])
    u = left_out.mean() - left_out
    acceleration = (u**3).sum() / (6 * (u**2).sum() ** 1.5)
    levels = [ndtr(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in (ndtri(0.025), ndtri(0.975))]
    return [float(end) for end in np.quantile(means, levels)]


@pytest.mark.parametrize("skewed", [False, True])
def test_the_interval_is_efrons(skewed: bool) -> None:
    rng = np.random.default_rng(3)
    x = rng.exponential(size=12) if skewed else rng.normal(size=12)
    found = bca_interval(x)
    assert found is not None
    low, high = bca_by_hand(x, resamples=400_000, seed=4)
    # 9,999 resamples leave the ends uncertain by some hundredths of the width
    assert found == pytest.approx((low, high), abs=0.03 * (high - low))


def test_the_interval_follows_skew_where_a_t_interval_is_symmetric() -> None:
    x = np.array([0.1, 0.0, 0.2, 0.1, 0.0, 0.3, 0.1, 5.0])
    interval = bca_interval(x)
    assert interval is not None
    assert interval[1] - x.mean() > 2 * (x.mean() - interval[0])


def test_the_interval_shifts_and_mirrors_with_the_differences() -> None:
    x = np.random.default_rng(0).normal(size=9)
    interval, moved, mirrored = bca_interval(x), bca_interval(x + 10), bca_interval(-2 * x)
    assert interval is not None
    low, high = interval
    assert moved == pytest.approx((low + 10, high + 10))
    assert mirrored == pytest.approx((-2 * high, -2 * low))


def test_the_interval_is_the_same_every_time_and_leaves_the_global_generator_alone() -> None:
    x = [1.0, 2.0, 4.0, 8.0]
    before = repr(np.random.get_state())  # noqa: NPY002
    assert bca_interval(x) == bca_interval(x)
    assert repr(np.random.get_state()) == before  # noqa: NPY002


def test_fewer_than_two_differences_have_no_interval() -> None:
    assert bca_interval([]) is None
    assert bca_interval([1.0]) is None


def test_one_pair_has_a_difference_but_neither_interval_nor_significance() -> None:
    difference = paired_difference({0: 1.0}, {0: 3.0}, "b")
    assert difference is not None
    assert (difference.mean, difference.low, difference.high, difference.n, difference.p) == (-2, None, None, 1, 1)


def test_equal_differences_have_a_degenerate_interval_despite_rounding() -> None:
    # 0.3 - 0.2 and 0.2 - 0.1 are different floats
    difference = paired_difference({0: 0.3, 1: 0.2, 2: 7.4}, {0: 0.2, 1: 0.1, 2: 7.3}, "b")
    assert difference is not None
    assert (difference.mean, difference.low, difference.high) == pytest.approx((0.1,) * 3)
    assert difference.low == difference.high
    assert difference.p == 2 / 2**3


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
    assert (difference.mean, difference.low, difference.high, difference.p) == (0, 0, 0, 1)
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
    assert difference.low is not None
    assert difference.high is not None
    assert min(errors) - 1e-9 <= difference.low <= difference.mean + 1e-9
    assert difference.mean - 1e-9 <= difference.high <= max(errors) + 1e-9
