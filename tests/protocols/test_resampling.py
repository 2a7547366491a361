"""Intervals from resampled subsets."""

import math

import numpy as np
import pytest
from scipy import stats

from ssl_irmae.protocols.statistics.resampling import expanded_interval


@pytest.mark.parametrize("n", [5, 10, 30])
def test_expanded_percentiles_of_a_mean_are_the_t_interval(n: int) -> None:
    variance = 4.0  # of n values, with n - 1 in the denominator
    shares = (np.arange(400_000) + 0.5) / 400_000
    # resampling sees a variance with n in the denominator
    resampled = stats.norm.ppf(shares, loc=7.0, scale=math.sqrt(variance * (n - 1) / n / n))
    half = stats.t.ppf(0.975, n - 1) * math.sqrt(variance / n)
    assert expanded_interval(resampled, n) == pytest.approx((7.0 - half, 7.0 + half), abs=0.02 * half)


def test_many_subsets_need_no_expansion() -> None:
    assert expanded_interval(np.arange(1.0, 10_001.0), 10_000) == pytest.approx((250, 9750), abs=3)


def test_resamples_beyond_the_ends_of_a_curve_are_the_ends_of_the_interval() -> None:
    assert expanded_interval(np.array([0.0] * 50 + [100.0] * 900 + [math.inf] * 50), 20) == (0.0, math.inf)


@pytest.mark.parametrize("n", [None, 1])
def test_a_single_subset_has_no_interval(n: int | None) -> None:
    assert expanded_interval(np.arange(100.0), n) == (None, None)


def test_where_no_resample_differs_nothing_is_certain() -> None:
    assert expanded_interval(np.array([38.0] * 100), 10) == (None, None)
    assert expanded_interval(np.array([38.0, 38.0 + 1e-13] * 50), 10) == (None, None), "rounding is no spread"
    assert expanded_interval(np.array([38.0] * 50 + [39.0] * 50), 10) == (38.0, 39.0)


@pytest.mark.parametrize("beyond", [0.0, math.inf])
def test_an_interval_beyond_the_end_of_a_curve_says_so(beyond: float) -> None:
    assert expanded_interval(np.array([beyond] * 100), 10) == (beyond, beyond)
