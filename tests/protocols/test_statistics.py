"""Statistics agree with hand-computed cases and with scipy."""

import math

import pytest
from scipy import stats

from ssl_irmae.protocols.results import Row
from ssl_irmae.protocols.statistics import mean_and_standard_error, paired_difference, scoring_error, summarise


def make_row(contender: str, seed: int, error: float, budget: int = 100) -> Row:
    """Build a row of which only these fields matter."""
    return Row(
        contender=contender,
        budget=budget,
        seed=seed,
        error=error,
        n_scored=1000,
        scored_on="test",
        rule="balanced",
        subset="s",
        predictions="p",
        dataset="digits",
        data_fingerprint="d",
        scored_fingerprint="t",
        encoder=None,
        encoder_hash=None,
        reads="images",
        readout="none",
        settings={},
        precision="fp32",
        device="cpu",
        computed_with="nothing",
    )


def test_standard_error_by_hand() -> None:
    mean, error = mean_and_standard_error([2.0, 4.0, 9.0])
    assert mean == 5
    assert error == pytest.approx(math.sqrt((9 + 1 + 16) / 2 / 3))


def test_one_value_has_no_standard_error() -> None:
    assert mean_and_standard_error([3.0]) == (3.0, None)


def test_the_paired_interval_is_scipys() -> None:
    a = dict(enumerate([3.1, 2.7, 4.0, 3.3]))
    b = dict(enumerate([4.0, 3.9, 4.1, 5.2]))
    difference = paired_difference(a, b, "b")
    interval = stats.ttest_rel(list(a.values()), list(b.values())).confidence_interval(0.95)
    assert difference is not None
    assert (difference.low, difference.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_differences_pair_the_subsets_that_both_have() -> None:
    difference = paired_difference({0: 1.0, 1: 2.0, 5: 9.0}, {1: 1.0, 0: 0.5, 7: 3.0}, "b")
    assert difference is not None
    assert difference.n == 2
    assert difference.mean == pytest.approx(0.75)
    assert paired_difference({0: 1.0}, {1: 1.0}, "b") is None


def test_a_summary_a_contender_and_budget_with_differences_to_the_reference() -> None:
    rows = [
        make_row(c, s, e + s, budget) for budget in (10, 100) for c, e in (("a", 1.0), ("b", 3.0)) for s in (0, 1, 2)
    ]
    summaries = summarise(rows, reference="b")
    assert [(s.budget, s.contender, s.mean, s.n) for s in summaries] == [
        (10, "a", 2.0, 3),
        (10, "b", 4.0, 3),
        (100, "a", 2.0, 3),
        (100, "b", 4.0, 3),
    ]
    assert summaries[1].difference is None
    difference = summaries[0].difference
    assert difference is not None
    # the subsets differ, the difference between contenders does not: pairing removes the spread
    assert (difference.mean, difference.low, difference.high) == (-2.0, -2.0, -2.0)


def test_the_binomial_error_of_ten_thousand_images_at_two_percent() -> None:
    assert scoring_error(2.0, 10_000) == pytest.approx(0.14)


def test_at_the_full_set_a_single_result_stands_beside_every_run() -> None:
    rows = [make_row("linear", 0, 4.0), *(make_row("supervised", s, e) for s, e in enumerate((1.0, 2.0, 3.0)))]
    full = [row.model_copy(update={"rule": "full"}) for row in rows]
    difference = summarise(full, reference="supervised")[0].difference
    assert difference is not None
    assert (difference.mean, difference.n) == (2.0, 3)
    partial = summarise(rows, reference="supervised")[0].difference
    assert partial is not None
    assert partial.n == 1
