"""The number of pairs agrees with textbooks where differences are normal, and is larger where they are not."""

import numpy as np
import pytest
from scipy import stats

from ssl_irmae.protocols.forecast.stored_errors import nearest_pairs, shipped_errors
from ssl_irmae.protocols.statistics.power import pairs_needed, t_test_power
from ssl_irmae.protocols.statistics.significance import sign_flip_test


def normal(n: int, deviation: float = 1.0) -> list[float]:
    """Spread values as the quantiles of a normal distribution, with that standard deviation."""
    x = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return list(deviation * x / x.std(ddof=1))


# Cohen (1988), table 2.4.1, and Faul et al., G*Power 3 (2007): pairs for a paired t test at 0.05, two-sided
@pytest.mark.parametrize(
    ("effect", "power", "pairs"), [(0.2, 0.8, 199), (0.5, 0.8, 34), (0.8, 0.8, 15), (0.5, 0.9, 44), (0.5, 0.95, 54)]
)
def test_the_formula_agrees_with_published_tables(effect: float, power: float, pairs: int) -> None:
    needed = pairs_needed(normal(200), detect=effect, power=power)
    assert needed.by_formula == pairs
    assert (
        t_test_power(pairs, detect=effect, deviation=1) >= power > t_test_power(pairs - 1, detect=effect, deviation=1)
    )


def test_without_a_difference_the_power_is_the_level() -> None:
    assert t_test_power(17, detect=0, deviation=2) == pytest.approx(0.05)


def test_power_is_a_number_that_rises_with_pairs_and_with_the_difference() -> None:
    # scipy's noncentral t distribution is NaN at thousands of these
    pairs, effects = range(2, 60), np.geomspace(0.01, 30, 80)
    power = np.array([[t_test_power(n, detect=float(effect), deviation=1.0) for effect in effects] for n in pairs])
    assert (np.diff(power, axis=0) > -1e-9).all()
    assert (np.diff(power, axis=1) > -1e-9).all()
    assert ((power > 0.05) & (power <= 1)).all()


def test_power_is_how_often_the_test_finds_the_difference() -> None:
    x = np.random.default_rng(0).normal(0.6, 1, size=(4000, 25))
    found = (stats.ttest_1samp(x, 0, axis=1).pvalue < 0.05).mean()
    assert t_test_power(25, detect=0.6, deviation=1) == pytest.approx(found, abs=4 * np.sqrt(0.25 / 4000))


def test_normal_differences_need_what_the_formula_says_and_the_unit_does_not_matter() -> None:
    needed = pairs_needed(normal(200), detect=0.5, power=0.8)
    assert needed.n == needed.by_formula == 34
    wider = pairs_needed(normal(200, 10), detect=5, power=0.8)
    assert (wider.n, wider.low, wider.high) == (needed.n, needed.low, needed.high)


def test_few_pairs_that_cannot_reach_the_level_are_not_enough() -> None:
    # 2 / 2^5 is above 0.05
    needed = pairs_needed([0.1, 0.2, 0.1, 0.2], detect=5, power=0.8)
    assert needed.by_formula < 6
    assert (needed.low, needed.n, needed.high) == (6, 6, 6)


def test_equal_differences_say_nothing_of_others() -> None:
    with pytest.raises(ValueError, match="do not show how others would vary"):
        pairs_needed([0.5, 0.5, 0.5], detect=1, power=0.8)


@pytest.mark.parametrize("detect", [1e-10, 1e-300])
def test_a_difference_that_nobody_can_find_takes_more_pairs_than_anybody_has(detect: float) -> None:
    assert pairs_needed([1.0, 2.0, 3.5], detect=detect, power=0.8).n >= 10**9


def test_differences_with_a_heavy_tail_need_more_than_the_formula_says_and_get_that_power() -> None:
    stored = [-0.06, 0.11, -0.01, -0.84, -0.09, -0.08, -0.28, 0.03, -0.09, -0.14]
    needed = pairs_needed(stored, detect=0.2, power=0.8)
    assert needed.n > needed.by_formula
    x = np.array(stored)
    centred = (x - x.mean()) * np.sqrt(10 / 9)
    rng = np.random.default_rng(5)
    for shift in (0.2, -0.2):
        drawn = rng.choice(centred, size=(400, needed.n)) + shift
        found = np.mean([sign_flip_test(sample) < 0.05 for sample in drawn])
        assert found > 0.8 - 3 * np.sqrt(0.16 / 400)


@pytest.mark.parametrize("m", [10, 30])
def test_the_range_is_for_the_interval_of_the_standard_deviation(m: int) -> None:
    # many pairs are needed here, and their number grows as the variance
    needed = pairs_needed(normal(m), detect=0.05, power=0.8)
    widest, narrowest = ((m - 1) / stats.chi2.ppf(tail, m - 1) for tail in (0.1, 0.9))
    assert needed.low / needed.n == pytest.approx(narrowest, rel=0.01)
    assert needed.high / needed.n == pytest.approx(widest, rel=0.01)


def test_a_known_number_from_the_stored_results() -> None:
    # (1.96 + 0.84)^2 s^2 / 0.1^2 is 56 pairs at 10 labels and 18 at 100; the t distribution adds about two
    for budget, pairs in ((10, 56), (100, 18)):
        stored = nearest_pairs(
            shipped_errors(),
            ("irmae-propagate-prior", "irmae-propagate"),
            dataset="mnist",
            scored_on="test",
            budget=budget,
            steps={},
        )
        needed = pairs_needed(stored.differences, detect=0.1, power=0.8)
        assert pairs < needed.by_formula <= pairs + 3
        assert needed.low < needed.by_formula <= needed.n < needed.high
