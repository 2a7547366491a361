"""The sign-flip test agrees with scipy, Holm's correction with the textbook, and the sentence about n is true."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ssl_irmae.protocols.statistics.significance import holm, sign_flip_test, what_n_allows

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_the_sign_flip_test_by_hand() -> None:
    # of the 8 flips of 1, 2, 4 (sums 7, 5, 3, 1 and their mirror images), those of 1, 2, -4 reach |-1|: all of them
    assert sign_flip_test([1.0, 2.0, -4.0]) == 1
    assert sign_flip_test([-1.0, 2.0, 4.0]) == 4 / 8
    assert sign_flip_test([1.0, 2.0, 4.0]) == 2 / 8


@pytest.mark.parametrize("n", [2, 5, 10, 13])
def test_the_exact_test_agrees_with_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    for x in (rng.normal(0.5, 1, size=n), rng.integers(-3, 5, size=n) / 100):  # the second has many ties
        peer = stats.permutation_test((x,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True)
        assert sign_flip_test(x) == pytest.approx(peer.pvalue)


@pytest.mark.parametrize(("n", "shift"), [(17, 0.3), (30, 0.5), (30, 0.0)])
def test_random_flips_approximate_the_exact_p_of_many_pairs(n: int, shift: float) -> None:
    x = np.round(np.random.default_rng(n).normal(shift, 1, size=n), 1)
    tenths = np.round(10 * x).astype(int)
    # the distribution of the sum of random signs times integers, by convolution
    reach = int(np.abs(tenths).sum())
    exact = np.zeros(2 * reach + 1)
    exact[reach] = 1
    for d in tenths:
        exact = (np.roll(exact, d) + np.roll(exact, -d)) / 2
    p = exact[np.abs(np.arange(-reach, reach + 1)) >= abs(tenths.sum())].sum()
    assert sign_flip_test(x) == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 99_999) + 1e-5)


def test_random_flips_never_give_zero_and_are_the_same_every_time() -> None:
    x = np.ones(40)
    assert sign_flip_test(x) == 1e-5
    assert sign_flip_test(x) == sign_flip_test(list(x))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-50, 50).map(lambda d: d / 10), min_size=1, max_size=9))
def test_p_is_a_probability_that_depends_on_neither_sign_nor_order(x: list[float]) -> None:
    p = sign_flip_test(x)
    assert 2 / 2 ** len(x) <= p <= 1
    assert p == sign_flip_test([-d for d in x]) == sign_flip_test(x[::-1])


def test_holm_by_hand() -> None:
    # m = 4: 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04 * 1, which must not be below the one before it
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([0.02]) == [0.02]


@settings(deadline=None, max_examples=50)
@given(PROBABILITIES)
def test_holm_keeps_the_order_and_never_lowers_p(p: list[float]) -> None:
    corrected = holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, corrected, strict=True))
    for (p1, c1), (p2, c2) in itertools.combinations(zip(p, corrected, strict=True), 2):
        assert c1 <= c2 if p1 < p2 else c1 >= c2
    assert max(corrected) <= min(1, max(p) * len(p))


@pytest.mark.parametrize("contenders", [1, 2, 7, 25, 26, 60])
@pytest.mark.parametrize("n", range(1, 14))
def test_the_sentence_about_n_is_true_of_the_test_itself(n: int, contenders: int) -> None:
    def best_case(pairs: int) -> float:
        return min(holm([sign_flip_test(np.ones(pairs))] * contenders))

    sentence = what_n_allows(n, contenders=contenders)
    assert (sentence is not None) == (best_case(n) >= 0.05)
    if sentence is not None:
        takes = re.search(r"takes (\d+) pairs", sentence)
        assert takes is not None
        needed = int(takes[1])
        assert best_case(needed) < 0.05 <= best_case(needed - 1)
        assert ("Holm" in sentence) == (contenders > 1)


def test_six_pairs_are_the_fewest_that_can_reach_five_percent() -> None:
    assert what_n_allows(6) is None
    sentence = what_n_allows(5)
    assert sentence is not None
    assert "2/2^5" in sentence
    assert "takes 6 pairs" in sentence


def test_what_is_counted_has_the_name_that_the_caller_gives() -> None:
    sentence = what_n_allows(5, contenders=7, noun="comparisons")
    assert sentence is not None
    assert "correction for 7 comparisons)" in sentence
    assert "contenders" not in sentence
