"""Standard deviations of crossed sources, and their intervals."""

import numpy as np
import pytest
from scipy import stats

from ssl_irmae.protocols.statistics.spreads import Spread, crossed_spreads, spread_within


def _simulated(rng: np.random.Generator, subset: float, pretraining: float, rest: float, s: int, p: int) -> np.ndarray:
    rows, columns = rng.normal(0, subset, (s, 1)), rng.normal(0, pretraining, (1, p))
    return 20 + rows + columns + rng.normal(0, rest, (s, p))


def test_intervals_hold_what_was_simulated_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    truth = (1.0, 0.5, 0.3)
    held = np.zeros(3)
    for _ in range(400):
        found = crossed_spreads(_simulated(rng, *truth, 10, 8))
        held += [each.low <= true <= each.high for each, true in zip(found, truth, strict=True)]
    # 95 % of 400, within four standard errors of a proportion
    assert np.abs(held / 400 - 0.95).max() < 4 * (0.95 * 0.05 / 400) ** 0.5


def test_a_source_that_adds_nothing_has_an_interval_from_zero() -> None:
    found = crossed_spreads(_simulated(np.random.default_rng(1), 2.0, 0.0, 1.0, 12, 6))
    assert found.pretraining.low == 0
    assert found.subset.low > 0


def test_the_spread_within_encoders_does_not_count_the_difference_between_them() -> None:
    runs = np.random.default_rng(2).normal(size=(6, 2))
    apart = spread_within(runs + np.array([0, 100]))
    assert apart == pytest.approx(spread_within(runs))
    alone = runs[:, :1]
    low, high = (5 * alone.var(ddof=1) / stats.chi2.ppf(q, 5) for q in (0.975, 0.025))
    assert spread_within(alone) == pytest.approx(Spread(float(alone.std(ddof=1)), low**0.5, high**0.5))
