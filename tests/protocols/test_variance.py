"""Components of variance and standard errors of crossed tables: by hand, and recovered from simulated tables."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from ssl_irmae.protocols.statistics.anova import crossed_standard_error, mean_squares
from ssl_irmae.protocols.statistics.variance import VarianceComponents, variance_components
from tests.protocols.conftest import MakeRow

Floats = npt.NDArray[np.float64]

# Row means 2, 4, 6; column means 3, 5; mean 4. MS of rows 2 (4 + 0 + 4) / 2 = 8, of columns 3 (1 + 1) / 1 = 6; the
# residuals are 0, 0, -1, 1, 1, -1: MS 4 / 2 = 2.
TABLE = np.array([[1.0, 3.0], [2.0, 6.0], [6.0, 6.0]])


def components(make_row: MakeRow, errors: Floats, **fields: object) -> VarianceComponents:
    rows = [
        make_row("a", seed, float(error), pretrain_seed=p, **fields)
        for seed, line in enumerate(errors)
        for p, error in enumerate(line)
    ]
    (found,) = variance_components(rows)
    return found


def simulated(rng: np.random.Generator, s: int, p: int, sd: tuple[float, float, float]) -> Floats:
    """Draw a table from the two-way random-effects model."""
    rows, columns, rest = (rng.normal(size=shape) for shape in ((s, 1), (1, p), (s, p)))
    return 20 + sd[0] * rows + sd[1] * columns + sd[2] * rest


def test_a_table_by_hand(make_row: MakeRow) -> None:
    m = mean_squares(TABLE)
    assert (m.subset, m.pretraining, m.residual) == pytest.approx((8, 6, 2))
    found = components(make_row, TABLE)
    assert (found.subsets, found.pretraining_seeds, found.why) == (3, 2, None)
    assert found.subset is not None
    assert found.pretraining is not None
    assert found.residual is not None
    assert found.subset.variance == pytest.approx((8 - 2) / 2)
    assert found.pretraining.variance == pytest.approx((6 - 2) / 3)
    assert found.residual.variance == pytest.approx(2)
    assert found.subset.points == pytest.approx(math.sqrt(3))


def test_a_negative_estimate_counts_as_zero_and_is_reported(make_row: MakeRow) -> None:
    found = components(make_row, np.array([[1.0, 3.0], [3.0, 1.0]]))  # no row or column stands out; residual MS 4
    for component in (found.subset, found.pretraining):
        assert component is not None
        assert (component.variance, component.points) == (0, 0)
        assert component.raw == pytest.approx(-2)
    assert found.residual is not None
    assert found.residual.variance == pytest.approx(4)


def test_the_full_set_has_no_subset(make_row: MakeRow) -> None:
    # pretraining means 3 and 5, within them variances 7 and 3: between (2 - 5 / 3) = 1/3, residual 5
    found = components(make_row, TABLE, rule="full")
    assert found.subset is None
    assert found.pretraining is not None
    assert found.residual is not None
    assert found.pretraining.variance == pytest.approx(2 - 5 / 3)
    assert found.residual.variance == pytest.approx(5)
    assert found.why is not None


@pytest.mark.parametrize(
    ("errors", "rule", "reason"),
    [
        (TABLE[:, :1], "balanced", "one pretraining seed"),
        (TABLE[:1], "balanced", "one subset"),
        (TABLE[:1], "full", "one run of each encoder"),
    ],
)
def test_components_that_cannot_be_separated_are_in_the_residual_with_the_reason(
    make_row: MakeRow, errors: Floats, rule: str, reason: str
) -> None:
    found = components(make_row, errors, rule=rule)
    assert found.subset is None
    assert found.pretraining is None
    assert found.residual is not None
    assert found.residual.variance == pytest.approx(np.var(errors, ddof=1))
    assert found.why is not None
    assert reason in found.why


def test_one_row_has_no_components(make_row: MakeRow) -> None:
    found = components(make_row, TABLE[:1, :1])
    assert (found.subset, found.pretraining, found.residual) == (None, None, None)
    assert found.why == "one run"


def test_known_components_are_recovered_from_a_large_table(make_row: MakeRow) -> None:
    found = components(make_row, simulated(np.random.default_rng(0), 100, 100, (2.0, 1.0, 0.5)))
    for component, points in ((found.subset, 2.0), (found.pretraining, 1.0), (found.residual, 0.5)):
        assert component is not None
        assert component.points == pytest.approx(points, rel=0.2)


def test_estimates_are_unbiased_over_small_tables(make_row: MakeRow) -> None:
    rng = np.random.default_rng(1)
    raw = []
    for _ in range(1000):
        c = components(make_row, simulated(rng, 5, 3, (1.0, 0.5, 1.0)))
        assert c.subset is not None
        assert c.pretraining is not None
        assert c.residual is not None
        raw.append((c.subset.raw, c.pretraining.raw, c.residual.raw))
    errors = 4 * np.std(raw, axis=0) / math.sqrt(len(raw))
    assert (np.abs(np.mean(raw, axis=0) - (1.0, 0.25, 1.0)) < errors).all()


def test_the_standard_error_of_crossed_rows_by_hand() -> None:
    error, freedom = crossed_standard_error(TABLE)
    assert error == pytest.approx(math.sqrt(3 / 3 + (4 / 3) / 2 + 2 / 6))
    assert freedom == pytest.approx((8 + 6 - 2) ** 2 / (8**2 / 2 + 6**2 / 1 + 2**2 / 2))
    # where neither component shows, the residual alone remains: 4 / 4
    error, freedom = crossed_standard_error(np.array([[1.0, 3.0], [3.0, 1.0]]))
    assert error == pytest.approx(1)
    assert freedom == 1
    # a constant table has no error, and nothing is divided by zero
    assert crossed_standard_error(np.full((3, 4), 5.0)) == (0, 2)


def test_the_crossed_standard_error_is_never_below_that_of_the_subset_means_or_of_the_encoder_means() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        y = simulated(rng, 4, 3, (0.5, 0.5, 1.0))
        error, freedom = crossed_standard_error(y)
        assert error >= stats.sem(y.mean(axis=1)) - 1e-12
        assert error >= stats.sem(y.mean(axis=0)) - 1e-12
        assert freedom >= 2


def test_the_crossed_interval_covers_the_mean_of_the_method_and_that_of_the_subset_means_does_not() -> None:
    rng = np.random.default_rng(3)
    crossed, subsets_alone = 0, 0
    for _ in range(1000):
        y = simulated(rng, 10, 5, (1.0, 1.0, 0.5))
        error, freedom = crossed_standard_error(y)
        off = abs(y.mean() - 20)
        crossed += off <= stats.t.ppf(0.975, freedom) * error
        subsets_alone += off <= stats.t.ppf(0.975, 9) * stats.sem(y.mean(axis=1))
    assert 920 < crossed < 980
    assert subsets_alone < 850
