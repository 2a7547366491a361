"""Paired differences and their bootstrap interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from ssl_irmae.protocols.statistics.paired import bca_interval, paired_difference

ERRORS = st.lists(st.integers(0, 1000).map(lambda wrong: wrong / 10), min_size=2, max_size=8)


def bca_by_hand(x: np.ndarray, *, resamples: int, seed: int) -> list[float]:
    """Efron (1987) typed again, from resamples of our own."""
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
    assert found == (pytest.approx(low, abs=0.03 * (high - low)), pytest.approx(high, abs=0.03 * (high - low)))


def test_the_interval_follows_skew_where_that_of_student_is_symmetric() -> None:
    x = np.array([0.1, 0.0, 0.2, 0.1, 0.0, 0.3, 0.1, 5.0])
    interval = bca_interval(x)
    assert interval is not None
    assert interval[1] - x.mean() > 2 * (x.mean() - interval[0])


def test_the_interval_moves_and_mirrors_with_the_differences() -> None:
    x = np.random.default_rng(0).normal(size=9)
    interval, moved, mirrored = bca_interval(x), bca_interval(x + 10), bca_interval(-2 * x)
    assert interval is not None
    low, high = interval
    assert moved == (pytest.approx(low + 10), pytest.approx(high + 10))
    assert mirrored == (pytest.approx(-2 * high), pytest.approx(-2 * low))


def test_the_interval_is_the_same_every_time_and_leaves_the_global_generator_alone() -> None:
    x = [1.0, 2.0, 4.0, 8.0]
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    assert bca_interval(x) == bca_interval(x)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


def test_one_pair_has_a_difference_but_no_interval_and_tests_nothing() -> None:
    difference = paired_difference({0: 1.0}, {0: 3.0}, "b")
    assert difference is not None
    assert (difference.mean, difference.low, difference.high, difference.n, difference.p) == (-2, None, None, 1, 1)


def test_equal_differences_have_a_degenerate_interval_whatever_rounding_does() -> None:
    # 0.3 - 0.2 and 0.2 - 0.1 are different floats
    difference = paired_difference({0: 0.3, 1: 0.2, 2: 7.4}, {0: 0.2, 1: 0.1, 2: 7.3}, "b")
    assert difference is not None
    assert (difference.mean, difference.low, difference.high) == (pytest.approx(0.1),) * 3
    assert difference.low == difference.high
    assert difference.p == 2 / 2**3


def test_differences_pair_the_subsets_that_both_have() -> None:
    difference = paired_difference({0: 1.0, 1: 2.0, 5: 9.0}, {1: 1.0, 0: 0.5, 7: 3.0}, "b")
    assert difference is not None
    assert difference.n == 2
    assert difference.mean == pytest.approx(0.75)
    assert paired_difference({0: 1.0}, {1: 1.0}, "b") is None


@settings(deadline=None, max_examples=50)
@given(ERRORS)
def test_a_difference_to_itself_is_nothing(errors: list[float]) -> None:
    by_seed = dict(enumerate(errors))
    difference = paired_difference(by_seed, by_seed, "itself")
    assert difference is not None
    assert (difference.mean, difference.low, difference.high, difference.p) == (0, 0, 0, 1)


@settings(deadline=None, max_examples=50)
@given(ERRORS, st.randoms())
def test_the_order_of_the_subsets_does_not_matter_and_the_interval_holds_the_mean(errors: list[float], random) -> None:
    by_seed = dict(enumerate(errors))
    zero = dict.fromkeys(by_seed, 0.0)
    shuffled = list(by_seed.items())
    random.shuffle(shuffled)
    difference = paired_difference(by_seed, zero, "zero")
    assert difference == paired_difference(dict(shuffled), zero, "zero")
    assert difference is not None
    assert difference.low is not None
    assert difference.high is not None
    assert min(errors) - 1e-9 <= difference.low <= difference.mean + 1e-9
    assert difference.mean - 1e-9 <= difference.high <= max(errors) + 1e-9
