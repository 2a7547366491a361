"""Labelled subsets: balanced, nested, repeatable, and drawn from their own stream."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssl_irmae.datasets.image_set import UNLABELLED
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.subsets import Rule, Subset, draw_subset

LABELS = np.random.default_rng(0).integers(0, 10, 1000)


def _subset(budget: int, seed: int = 0, rule: Rule = "balanced", fingerprint: str = "f") -> Subset:
    return draw_subset(LABELS, fingerprint=fingerprint, budget=budget, seed=seed, rule=rule)


def _draw(budget: int, seed: int = 0, rule: Rule = "balanced", fingerprint: str = "f") -> list[int]:
    return [int(i) for i in _subset(budget, seed, rule, fingerprint).indices]


@given(budget=st.integers(10, 500), seed=st.integers(0, 50))
@settings(max_examples=50, deadline=None)
def test_balanced_counts_differ_by_at_most_one(budget: int, seed: int) -> None:
    counts = np.bincount(LABELS[_draw(budget, seed)], minlength=10)
    assert counts.sum() == budget
    assert counts.max() - counts.min() <= 1


@given(
    small=st.integers(10, 300), large=st.integers(10, 500), rule=st.sampled_from(["balanced", "stratified", "uniform"])
)
@settings(max_examples=50, deadline=None)
def test_small_budgets_are_subsets_of_large_ones(small: int, large: int, rule: Rule) -> None:
    small, large = sorted((small, large))
    drawn = _draw(large, rule=rule)
    assert len(set(drawn)) == large
    assert drawn[:small] == _draw(small, rule=rule)


def test_a_draw_is_a_function_of_fingerprint_seed_and_rule() -> None:
    assert _draw(50) == _draw(50)
    others = [_draw(50, seed=1), _draw(50, fingerprint="g"), _draw(50, rule="uniform")]
    assert all(set(_draw(50)) != set(other) for other in others)


def test_the_hash_is_of_the_indices_in_order() -> None:
    assert _subset(50).hash == _subset(50).hash
    assert len({_subset(50).hash, _subset(50, seed=1).hash, _subset(51).hash}) == 3
    subset = _subset(50)
    assert Subset(subset.indices[::-1].copy(), subset.seed, subset.rule).hash != subset.hash


def test_numpys_global_generator_is_left_alone() -> None:
    before = repr(np.random.get_state())  # noqa: NPY002
    _draw(50)
    _draw(50, rule="uniform")
    _draw(50, rule="stratified")
    assert repr(np.random.get_state()) == before  # noqa: NPY002


@given(budget=st.integers(1, 103), seed=st.integers(0, 20))
@settings(max_examples=50, deadline=None)
def test_stratified_counts_are_within_one_of_each_classs_share(budget: int, seed: int) -> None:
    labels = np.repeat([0, 1, 2, UNLABELLED], [60, 40, 4, 30])
    indices = draw_subset(labels, fingerprint="f", budget=budget, seed=seed, rule="stratified").indices
    counts = np.bincount(labels[indices], minlength=3)
    assert counts.sum() == budget
    assert np.abs(counts - np.array([60, 40, 4]) * budget / 104).max() < 1


def test_which_of_two_equally_common_classes_comes_first_is_a_matter_of_chance() -> None:
    labels = np.arange(20) % 2
    drawn = [draw_subset(labels, fingerprint="f", budget=1, seed=s, rule="stratified") for s in range(20)]
    assert {int(labels[subset.indices[0]]) for subset in drawn} == {0, 1}


def test_uniform_draws_are_uniform() -> None:
    counts = np.zeros(1000)
    for seed in range(200):
        counts[_draw(100, seed, "uniform")] += 1
    # each image is drawn Binomial(200, 0.1) times: variance 18
    assert abs(counts.var() - 18) < 3


@pytest.mark.parametrize("rule", ["balanced", "stratified", "uniform", "first"])
def test_the_full_set_is_full_under_every_rule(rule: Rule) -> None:
    subset = _subset(1000, seed=4, rule=rule)
    assert (subset.rule, subset.seed) == ("full", 4)
    assert subset.indices.tolist() == list(range(1000))


def test_the_first_images_are_taken_as_they_come() -> None:
    subset = _subset(7, seed=4, rule="first")
    assert (subset.rule, subset.indices.tolist()) == ("first", list(range(7)))


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (0, r"`budgets`: 0 labels .* use 1 to 1000"),
        (1001, r"`budgets`: 1001 labels .* use 1 to 1000"),
        (9, r"`budgets`: 9 labels .* over 10 classes; use 10 or more, or `rule` stratified or uniform"),
        (
            999,
            r"`budgets`: 999 labels .* rarest class has \d+ labels; use at most \d+, 'all', or `rule` strat",
        ),
    ],
)
def test_impossible_budgets_are_explained(budget: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        _draw(budget)


def test_the_largest_balanced_budget_is_the_one_that_the_error_names() -> None:
    scarcest = int(np.bincount(LABELS).min())
    assert len(_draw(10 * scarcest)) == 10 * scarcest
    with pytest.raises(UserError, match=f"use at most {10 * scarcest},"):
        _draw(10 * scarcest + 1)
