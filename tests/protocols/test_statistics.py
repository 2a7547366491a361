"""Summaries and comparisons agree with hand-computed cases and with scipy."""

import dataclasses
import math
import random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.statistics.anova import crossed_standard_error
from ssl_irmae.protocols.statistics.error_matrix import error_matrices
from ssl_irmae.protocols.statistics.finite_test_set import binomial_test_set_error, scored_images_error, shares_wrong
from ssl_irmae.protocols.statistics.summary import compare, mean_and_standard_error, summarise
from ssl_irmae.protocols.storage.rows import Row
from tests.protocols.conftest import MakeRow


def crossed_rows(make_row: MakeRow, contender: str, errors: list[list[float]], **fields: object) -> list[Row]:
    """Build a row per error: one list per subset, with an error per pretraining seed."""
    return [
        make_row(contender, seed, error, pretrain_seed=p, **fields)
        for seed, line in enumerate(errors)
        for p, error in enumerate(line)
    ]


def pack(wrong: npt.NDArray[np.bool_]) -> bytes:
    return np.packbits(wrong).tobytes()


def test_standard_error_by_hand() -> None:
    mean, error = mean_and_standard_error([2.0, 4.0, 9.0])
    assert mean == 5
    assert error == pytest.approx(math.sqrt((9 + 1 + 16) / 2 / 3))


def test_the_tail_by_hand(make_row: MakeRow) -> None:
    errors = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 40.0, 20.0]
    (s,) = summarise([make_row("a", seed, error) for seed, error in enumerate(errors)], baseline="a")
    assert (s.median, s.worst, s.worst_tenth) == (6, 40, 30)  # two of eleven are the worst tenth


def test_one_value_has_no_standard_error() -> None:
    assert mean_and_standard_error([3.0]) == (3.0, None)


def test_a_summary_has_scipys_t_interval(make_row: MakeRow) -> None:
    x = [3.1, 2.7, 4.0, 3.3, 9.9]
    (summary,) = summarise([make_row("a", s, e) for s, e in enumerate(x)], baseline="a")
    interval = stats.ttest_1samp(x, 0).confidence_interval(0.95)
    assert (summary.low, summary.high) == pytest.approx((interval.low, interval.high))
    assert summary.standard_deviation == pytest.approx(np.std(x, ddof=1))
    assert summary.standard_error == pytest.approx(stats.sem(x))
    assert (summary.n, summary.over) == (5, "subsets")


def test_one_row_has_a_mean_and_nothing_more(make_row: MakeRow) -> None:
    (summary,) = summarise([make_row("a", 0, 3.0)], baseline="a")
    assert (summary.mean, summary.n) == (3, 1)
    assert (summary.standard_error, summary.standard_deviation, summary.low, summary.high) == (None,) * 4


def test_every_contender_has_a_summary_per_budget_with_its_difference_from_the_baseline(make_row: MakeRow) -> None:
    rows = [
        make_row(c, s, e + s, budget=budget)
        for budget in (10, 100)
        for c, e in (("a", 1.0), ("b", 3.0))
        for s in (0, 1, 2)
    ]
    summaries = summarise(rows, baseline="b")
    assert [(s.budget, s.contender, s.mean, s.n) for s in summaries] == [
        (10, "a", 2.0, 3),
        (10, "b", 4.0, 3),
        (100, "a", 2.0, 3),
        (100, "b", 4.0, 3),
    ]
    assert summaries[1].difference is None
    difference = summaries[0].difference
    assert difference is not None
    assert (difference.baseline, difference.n, difference.better) == ("b", 3, 3)
    # the subsets differ, the difference between contenders does not: pairing removes the spread
    assert (difference.mean, difference.low, difference.high) == (-2.0, None, None)


def test_there_are_no_differences_where_the_baseline_was_not_run(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 1.0, budget=b) for b in (10, 100) for s in range(2)]
    rows += [make_row("b", s, 2.0) for s in range(2)]
    found = {(s.budget, s.contender): s.difference for s in summarise(rows, baseline="b")}
    assert found[10, "a"] is None
    assert found[100, "a"] is not None


def test_holm_counts_the_contenders_of_one_budget_transductive_ones_too(make_row: MakeRow) -> None:
    rows = [make_row("base", s, 10.0, budget=b) for b in (10, 100) for s in range(8)]
    rows += [make_row("better", s, 9.0 - s / 10, budget=b) for b in (10, 100) for s in range(8)]
    rows += [make_row("transductive", s, 8.0 - s / 10, budget=10, transductive=True) for s in range(8)]
    rows += [make_row("same", s, 10.0, budget=10) for s in range(8)]
    found = {(s.budget, s.contender): s.difference for s in summarise(rows, baseline="base") if s.difference}
    assert {key: d.p for key, d in found.items()} == {
        (10, "better"): 2 / 2**8,
        (100, "better"): 2 / 2**8,
        (10, "transductive"): 2 / 2**8,
        (10, "same"): 1,
    }
    assert {key: d.p_holm for key, d in found.items()} == {
        (10, "better"): pytest.approx(3 * 2 / 2**8),
        (100, "better"): 2 / 2**8,
        (10, "transductive"): pytest.approx(3 * 2 / 2**8),
        (10, "same"): 1,
    }


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.integers(0, 3)),
        st.lists(st.integers(0, 999).map(lambda wrong: wrong / 10), min_size=2, max_size=2),
        min_size=1,
    ),
    st.randoms(),
)
def test_the_order_of_rows_does_not_matter(
    make_row: MakeRow, errors: dict[tuple[str, int], list[float]], rng: random.Random
) -> None:
    rows = [make_row(c, seed, e, pretrain_seed=p) for (c, seed), both in errors.items() for p, e in enumerate(both)]
    by_name = {s.contender: s for s in summarise(rows, baseline="a")}
    assert by_name == {s.contender: s for s in summarise(rng.sample(rows, len(rows)), baseline="a")}
    for summary in by_name.values():
        if summary.difference:
            assert summary.difference.p <= summary.difference.p_holm <= 1
            assert 0 <= summary.difference.better <= summary.difference.n


def test_errors_are_a_matrix_of_subsets_by_pretraining_seeds(make_row: MakeRow) -> None:
    rows = crossed_rows(make_row, "a", [[1.0, 3.0], [2.0, 6.0], [90.0]])
    rows += [make_row("b", s, 5.0 + s, budget=60_000, rule="full") for s in (7, 4)]
    matrices = error_matrices(rows)
    assert list(matrices) == [(100, "a"), (60_000, "b")]
    a, b = matrices.values()
    assert (a.seeds, a.pretrain_seeds, a.left_out) == ((0, 1), (0, 1), (2,))
    assert a.errors.tolist() == [[1.0, 3.0], [2.0, 6.0]]
    assert (a.one_subset, a.deterministic) == (False, False)
    assert (b.seeds, b.pretrain_seeds, b.left_out) == ((4, 7), (None,), ())
    assert b.errors.tolist() == [[9.0], [12.0]]
    assert (b.one_subset, b.deterministic) == (True, False)


def test_the_binomial_error_of_ten_thousand_images_at_two_percent() -> None:
    assert binomial_test_set_error(2.0, 10_000) == pytest.approx(0.14)


def test_the_test_set_error_of_one_trial_each_is_that_of_mcnemars_difference() -> None:
    a, b = np.random.default_rng(0).random((2, 1003)) < [[0.1], [0.2]]
    only_a, only_b = (a & ~b).sum(), (b & ~a).sum()
    # variance of a mean of n values of -1, 0 and 1
    expected = ((only_a + only_b) - (only_a - only_b) ** 2 / 1003) / 1002 / 1003
    found = scored_images_error(shares_wrong([pack(a)], 1003) - shares_wrong([pack(b)], 1003))
    assert found == pytest.approx((100 * math.sqrt(expected), 1002))


def test_the_test_set_error_of_equal_mistakes_is_zero() -> None:
    wrong = np.random.default_rng(0).random(20_000) < 0.1
    one, three = (shares_wrong([pack(wrong)] * trials, 20_000) for trials in (1, 3))
    assert scored_images_error(one - three).points == 0


@pytest.mark.parametrize("error", [0.0, 100.0])
def test_no_wrong_image_or_every_one_is_no_certainty(error: float) -> None:
    low, high = stats.binomtest(round(error * 2), 200).proportion_ci(method="wilson")
    assert binomial_test_set_error(error, 200) == pytest.approx(100 * (high - low) / (2 * 1.96), rel=1e-4)


def test_the_test_set_error_of_independent_mistakes_is_that_of_two_binomials() -> None:
    a, b = np.random.default_rng(0).random((2, 20_000)) < 0.1
    error, _ = scored_images_error(shares_wrong([pack(a)], 20_000) - shares_wrong([pack(b)], 20_000))
    assert error == pytest.approx(math.sqrt(2) * binomial_test_set_error(10, 20_000), rel=0.03)


@pytest.mark.parametrize("rule", ["full", "first"])
def test_a_result_that_every_run_repeats_counts_once(make_row: MakeRow, rule: str) -> None:
    rows = [
        make_row(name, seed, error, rule=rule, deterministic_at_full_set=True)
        for name, error in (("a", 4.0), ("b", 9.0))
        for seed in range(10)  # as a cluster writes it that runs each seed by itself
    ]
    a, b = summarise(rows, baseline="b")
    assert (a.n, b.n, a.standard_error) == (1, 1, None)
    assert a.difference is not None
    assert (a.difference.mean, a.difference.n, a.difference.p) == (-5.0, 1, 1.0)


def test_a_typical_subset_that_several_seeds_chose_counts_once(make_row: MakeRow) -> None:
    chosen = "xyxyxz"
    rows = [
        make_row(name, seed, error + "xyz".index(chosen[seed]), rule="typical", subset=chosen[seed])
        for name, error, seeds in (("a", 4.0, range(6)), ("b", 9.0, range(2, 6)))
        for seed in seeds
    ]
    a, b = summarise(rows, baseline="b")
    assert (a.n, b.n, a.mean, b.mean) == (3, 3, 5.0, 10.0)
    assert a.difference is not None
    assert a.difference.n == 3, "the first seed of a subset may be another for each contender"
    drawn = [row.model_copy(update={"rule": "balanced"}) for row in rows]
    assert summarise(drawn, baseline="b")[0].n == 6, "what is drawn at random may fall alike"


def test_at_the_full_set_a_deterministic_readout_is_paired_with_every_run(make_row: MakeRow) -> None:
    linear_row = make_row("linear", 0, 4.0, deterministic_at_full_set=True)
    rows = [linear_row, *(make_row("supervised", s, e) for s, e in enumerate((1.0, 2.0, 3.0)))]
    full = [row.model_copy(update={"rule": "full"}) for row in rows]
    linear, supervised = summarise(full, baseline="supervised")
    assert linear.difference is not None
    assert (linear.difference.mean, linear.difference.n) == (2.0, 3)
    assert (linear.n, linear.standard_error) == (1, None)
    assert (supervised.n, supervised.over) == (3, "training seeds")
    partial = summarise(rows, baseline="supervised")[0].difference
    assert partial is not None
    assert partial.n == 1


def test_at_the_full_set_every_run_is_paired_with_a_deterministic_baseline(make_row: MakeRow) -> None:
    rows = [make_row("linear", 0, 4.0, rule="full", deterministic_at_full_set=True)]
    rows += [make_row("supervised", s, e, rule="full") for s, e in enumerate((1.0, 2.0, 6.0))]
    _, supervised = summarise(rows, baseline="linear")
    assert supervised.difference is not None
    assert (supervised.difference.mean, supervised.difference.n, supervised.difference.better) == (-1.0, 3, 2)


def test_one_run_of_a_random_learner_is_not_repeated_at_the_full_set(make_row: MakeRow) -> None:
    baseline = [make_row("r", s, 2.0 + s / 10, rule="full") for s in range(3)]
    (alone, _) = summarise([make_row("a", 7, 1.0, rule="full"), *baseline], baseline="r")
    assert alone.difference is None, "no training seed is shared"
    certain = make_row("a", 0, 1.0, rule="full", deterministic_at_full_set=True)
    (paired, _) = summarise([certain, *baseline], baseline="r")
    assert paired.difference is not None
    assert paired.difference.n == 3


def test_the_first_images_are_one_subset_whatever_the_seed(make_row: MakeRow) -> None:
    (summary,) = summarise([make_row("a", s, 3.0 + s, rule="first") for s in range(3)], baseline="a")
    assert (summary.over, summary.n) == ("training seeds", 3)


def test_several_pretraining_seeds_are_averaged_within_each_subset(make_row: MakeRow) -> None:
    errors = [[1.0, 3.0], [2.0, 6.0], [6.0, 6.0]]
    rows = [*crossed_rows(make_row, "a", errors), *(make_row("b", s, 1.0) for s in range(3))]
    a, b = summarise(rows, baseline="b")
    assert (a.mean, a.n, a.over) == (4, 3, "subsets x pretraining seeds")
    assert a.standard_deviation == pytest.approx(2)  # of the subset means 2, 4, 6
    error, freedom = crossed_standard_error(np.array(errors))
    assert a.standard_error == pytest.approx(error)
    margin = stats.t.ppf(0.975, freedom) * error
    assert (a.low, a.high) == pytest.approx((0, 4 + margin)), "no error is below 0"
    assert (b.over, b.n) == ("subsets", 3)
    assert a.difference is not None
    assert (a.difference.mean, a.difference.n) == (3, 3)  # 1, 3 and 5: three pairs, not six
    assert a.difference.p == 2 / 2**3


def test_one_subset_has_no_standard_error_however_many_encoders(make_row: MakeRow) -> None:
    (a,) = summarise(crossed_rows(make_row, "a", [[1.0, 3.0, 8.0]]), baseline="a")
    assert (a.mean, a.n, a.standard_error) == (4, 1, None)


def test_at_the_full_set_the_error_is_over_the_encoders_if_there_are_several(make_row: MakeRow) -> None:
    rows = crossed_rows(make_row, "a", [[1.0, 3.0, 8.0], [3.0, 3.0, 6.0]], rule="full")
    (a,) = summarise(rows, baseline="a")
    assert (a.mean, a.n, a.over) == (4, 3, "pretraining seeds")
    assert a.standard_error == pytest.approx(stats.sem([2.0, 3.0, 7.0]))


def test_a_subset_that_lacks_an_encoder_is_left_out(make_row: MakeRow) -> None:
    rows = crossed_rows(make_row, "a", [[1.0, 3.0], [2.0, 6.0], [90.0]])
    (a,) = summarise(rows, baseline="a")
    assert (a.mean, a.n) == (3, 2)
    with pytest.raises(UserError, match="no subset of a at 100 labels was run with every one of its pretraining seeds"):
        summarise([make_row("a", 0, 1.0, pretrain_seed=0), make_row("a", 1, 1.0, pretrain_seed=1)], baseline="a")


def test_contradictory_rows_are_rejected(make_row: MakeRow) -> None:
    with pytest.raises(UserError, match="two rows give a at 100 labels, seed 0, different errors"):
        summarise([make_row("a", 0, 1.0), make_row("a", 0, 2.0)], baseline="a")
    assert summarise([make_row("a", 0, 1.0)] * 2, baseline="a")[0].n == 1


def test_declared_comparisons_are_corrected_for_their_own_number_alone(make_row: MakeRow) -> None:
    errors = {"a": 1.0, "b": 3.0, "c": 7.0, "d": 2.0}
    wiggle = {"a": 0.1, "b": -0.1, "c": 0.05, "d": 0.3}
    rows = [make_row(c, s, e + s * wiggle[c], budget=b) for b in (10, 100) for c, e in errors.items() for s in range(8)]
    found = compare(rows, [("a", "b"), ("c", "d"), ("a", "nobody")])
    assert [(c.budget, c.contender, c.difference.baseline) for c in found] == [
        (10, "a", "b"),
        (10, "c", "d"),
        (100, "a", "b"),
        (100, "c", "d"),
    ]
    # all eight differences have one sign: 2 of 2^8 flips, times three comparisons, one of which was not run
    assert [c.difference.p_holm for c in found] == pytest.approx([3 * 2 / 2**8] * 4)
    assert [c.difference.better for c in found] == [8, 0, 8, 0]
    assert found[0].difference.mean == pytest.approx(np.mean([1.0 - 3.0 + 0.2 * s for s in range(8)]))
    alone = summarise([row for row in rows if row.budget == 10 and row.contender in "ab"], baseline="b")
    assert alone[0].difference is not None
    assert (alone[0].difference.low, alone[0].difference.high) == (found[0].difference.low, found[0].difference.high)


def test_the_interval_for_the_method_adds_what_the_scored_images_do(make_row: MakeRow) -> None:
    wrong = np.random.default_rng(0).random((2, 4, 1000)) < [[[0.1]], [[0.3]]]
    rows = [
        make_row(name, s, 100 * wrong[i, s].mean(), predictions=f"{name}{s}")
        for i, name in enumerate("ab")
        for s in range(4)
        if (name, s) != ("b", 3)
    ]
    known = {f"{name}{s}": pack(wrong[i, s]) for i, name in enumerate("ab") for s in range(4)}
    (found,) = compare(rows, [("a", "b")], known)
    per_image = (wrong[0, :3].astype(float) - wrong[1, :3]).mean(axis=0)  # the fourth subset has no pair
    assert found.difference.mean == pytest.approx(100 * per_image.mean())
    of_runs = stats.sem(100 * (wrong[0, :3].mean(axis=1) - wrong[1, :3].mean(axis=1)))
    of_images = 100 * per_image.std(ddof=1) / math.sqrt(1000)
    margin = math.hypot(stats.t.ppf(0.975, 2) * of_runs, stats.t.ppf(0.975, 999) * of_images)
    mean = found.difference.mean
    assert (found.difference.method_low, found.difference.method_high) == pytest.approx((mean - margin, mean + margin))
    (incomplete,) = compare(rows, [("a", "b")], {k: v for k, v in known.items() if k != "a0"})
    assert incomplete.difference == dataclasses.replace(found.difference, method_low=None, method_high=None)


def test_the_interval_for_the_method_covers_the_pretraining_seeds(make_row: MakeRow) -> None:
    # encoders differ by 10 points, subsets hardly; the same images are wrong for both contenders on average
    errors = [[20.0 + 10 * p + s / 100 for p in range(3)] for s in range(10)]
    rows = crossed_rows(make_row, "a", errors) + [make_row("b", s, 30.0) for s in range(10)]
    nothing = pack(np.zeros(1000, dtype=bool))
    known = {row.predictions: nothing for row in rows}
    a, _ = summarise(rows, baseline="b", wrong=known)
    assert a.difference is not None
    assert None not in (a.difference.low, a.difference.method_low)
    very_encoders, method = (
        (a.difference.high or 0) - (a.difference.low or 0),
        (a.difference.method_high or 0) - (a.difference.method_low or 0),
    )
    assert very_encoders < 0.1
    # three encoders with a standard deviation of 10 points: t of 2 degrees of freedom
    assert method == pytest.approx(2 * stats.t.ppf(0.975, 2) * 10 / math.sqrt(3), rel=0.01)


def test_contenders_of_other_pretraining_seeds_have_no_interval_for_the_method(make_row: MakeRow) -> None:
    # an encoder's luck moves both by as much; subtracted from that of another seed it would look like a difference
    every = [[20.0 + 6 * p + s / 100 for p in range(4)] for s in range(10)]
    a = [row for row in crossed_rows(make_row, "a", every) if row.pretrain_seed != 3]
    b = [row for row in crossed_rows(make_row, "b", every) if row.pretrain_seed != 0]
    known = {row.predictions: pack(np.zeros(1000, dtype=bool)) for row in (*a, *b)}
    found, _ = summarise([*a, *b], baseline="b", wrong=known)
    assert found.difference is not None
    assert found.difference.method_low is None


def test_crossed_runs_without_a_spread_are_no_certainty(make_row: MakeRow) -> None:
    (found,) = summarise(crossed_rows(make_row, "a", [[12.3] * 3] * 10), baseline="a")
    assert (found.low, found.high) == (None, None)


def test_at_the_full_set_readouts_without_randomness_leave_the_scored_images_in_doubt(make_row: MakeRow) -> None:
    wrong = np.random.default_rng(0).random((2, 1000)) < [[0.1], [0.2]]
    rows = [
        make_row(name, 0, 100 * wrong[i].mean(), rule="full", deterministic_at_full_set=True, predictions=name)
        for i, name in enumerate("ab")
    ]
    a, _ = summarise(rows, baseline="b", wrong={name: pack(wrong[i]) for i, name in enumerate("ab")})
    assert a.difference is not None
    assert (a.low, a.difference.low) == (None, None)
    assert (a.method_low, a.method_high) == pytest.approx((a.mean - 1.86, a.mean + 1.86), abs=0.1)  # binomial
    assert a.difference.method_high is not None


def test_a_single_run_has_no_interval_for_the_method(make_row: MakeRow) -> None:
    rows = [make_row("a", 0, 1.0), make_row("b", 0, 2.0)]
    (a, _) = summarise(rows, baseline="b", wrong={row.predictions: pack(np.zeros(1000, dtype=bool)) for row in rows})
    assert a.method_low is None
    assert a.difference is not None
    assert a.difference.method_low is None


def test_one_scored_image_has_no_interval_for_the_method(make_row: MakeRow) -> None:
    rows = [make_row(name, s, error, n_scored=1) for name, error in (("a", 0.0), ("b", 100.0)) for s in range(5)]
    (a, _) = summarise(rows, baseline="b", wrong={row.predictions: pack(np.array([row.error > 0])) for row in rows})
    assert a.method_low is None
    assert a.difference is not None
    assert a.difference.method_low is None


@pytest.mark.parametrize("error", [0.0, 100.0])
def test_no_image_ever_wrong_or_every_one_leaves_wilsons_interval_to_the_method(
    make_row: MakeRow, error: float
) -> None:
    rows = [make_row("a", s, error) for s in range(5)]
    wrong = pack(np.full(1000, error > 0))
    (a,) = summarise(rows, baseline="a", wrong={row.predictions: wrong for row in rows})
    assert (a.low, a.high) == (None, None), "no spread is no certainty"
    low, high = stats.binomtest(round(error * 10), 1000).proportion_ci(method="wilson")
    assert (a.method_low, a.method_high) == pytest.approx((100 * low, 100 * high), rel=1e-4, abs=1e-9)


def test_two_contenders_without_an_error_may_differ_on_other_images(make_row: MakeRow) -> None:
    rows = [make_row(name, s, 0.0) for name in "ab" for s in range(5)]
    a, _ = summarise(rows, baseline="b", wrong={row.predictions: pack(np.zeros(1000, dtype=bool)) for row in rows})
    assert a.difference is not None
    assert (a.difference.low, a.difference.high) == (None, None)
    most = 100 * stats.binomtest(0, 1000).proportion_ci(method="wilson").high
    assert (a.difference.method_low, a.difference.method_high) == pytest.approx((-most, most), rel=1e-4)


def test_intervals_of_errors_stay_between_none_and_all(make_row: MakeRow) -> None:
    wrong = np.random.default_rng(0).random((2, 3, 1000)) < [[[0.0], [0.0], [0.01]], [[1.0], [1.0], [0.99]]]
    rows = [
        make_row(name, s, 100 * float(wrong[i, s].mean()), predictions=f"{name}{s}")
        for i, name in enumerate("ab")
        for s in range(3)
    ]
    known = {f"{name}{s}": pack(wrong[i, s]) for i, name in enumerate("ab") for s in range(3)}
    a, b = summarise(rows, baseline="b", wrong=known)
    assert (a.low, a.method_low, b.high, b.method_high) == (0, 0, 100, 100)
    assert a.difference is not None
    assert (a.difference.low, a.difference.method_low) == (-100, -100)


def test_at_the_full_set_the_method_covers_the_runs_of_a_baseline_without_an_encoder(make_row: MakeRow) -> None:
    rng = np.random.default_rng(0)
    wrong = {f"a{p}": rng.random(100_000) < 0.1 + p / 1000 for p in range(3)}
    wrong |= {f"b{s}": rng.random(100_000) < 0.2 + s / 50 for s in range(3)}
    full = {"rule": "full", "subset": "full", "n_scored": 100_000}
    errors = {name: 100 * float(each.mean()) for name, each in wrong.items()}
    its = [make_row("a", 0, errors[f"a{p}"], pretrain_seed=p, predictions=f"a{p}", **full) for p in range(3)]
    its = [row.model_copy(update={"deterministic_at_full_set": True}) for row in its]
    baseline = [make_row("b", s, errors[f"b{s}"], predictions=f"b{s}", **full) for s in range(3)]
    known = {name: pack(each) for name, each in wrong.items()}
    for rows, name, sign in (((*its, *baseline), "b", 1), ((*baseline, *its), "a", -1)):
        difference = summarise(rows, baseline=name, wrong=known)[0].difference
        assert difference is not None
        assert difference.method_low is not None
        assert difference.method_high is not None
        of_each = [stats.sem([errors[f"{who}{i}"] for i in range(3)]) for who in "ab"]
        expected = stats.t.ppf(0.975, 2) * math.hypot(*of_each)
        assert (difference.method_high - difference.method_low) / 2 == pytest.approx(expected, rel=0.02)
        assert difference.mean * sign < 0
    (alone, *_) = summarise([*its, baseline[0]], baseline="b", wrong=known)
    assert alone.difference is not None
    assert alone.difference.method_low is None, "another run of the baseline would give something else"


def test_a_deterministic_readout_at_the_full_set_is_compared_image_by_image_with_every_run(make_row: MakeRow) -> None:
    wrong = np.random.default_rng(0).random((4, 1000)) < 0.2
    rows = [
        make_row("k", 7, 100 * wrong[3].mean(), rule="full", deterministic_at_full_set=True, predictions="3"),
        *(make_row("r", s, 100 * wrong[s].mean(), rule="full", predictions=f"{s}") for s in range(3)),
    ]
    (found,) = compare(rows, [("k", "r")], {f"{i}": pack(each) for i, each in enumerate(wrong)})
    per_image = wrong[3] - wrong[:3].mean(axis=0)
    assert found.difference.mean == pytest.approx(100 * per_image.mean())
    assert (found.difference.n, found.difference.method_low is None) == (3, False)
