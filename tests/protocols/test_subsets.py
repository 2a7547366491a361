"""Labelled subsets: balanced, nested, repeatable, and drawn from their own stream."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.subsets import Rule, draw_subset

LABELS = np.random.default_rng(0).integers(0, 10, 1000)


def _draw(budget: int, seed: int = 0, rule: Rule = "balanced", fingerprint: str = "f") -> list[int]:
    return draw_subset(LABELS, fingerprint=fingerprint, budget=budget, seed=seed, rule=rule).indices.tolist()


@given(budget=st.integers(10, 500), seed=st.integers(0, 50))
@settings(max_examples=50, deadline=None)
def test_balanced_counts_differ_by_at_most_one(budget: int, seed: int) -> None:
    counts = np.bincount(LABELS[_draw(budget, seed)], minlength=10)
    assert counts.sum() == budget
    assert counts.max() - counts.min() <= 1


@given(small=st.integers(10, 300), large=st.integers(10, 500), rule=st.sampled_from(["balanced", "uniform"]))
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


def test_numpys_global_generator_is_not_involved() -> None:
    np.random.seed(0)  # noqa: NPY002  # the global generator is what this is about
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    _draw(50)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_uniform_draws_are_uniform() -> None:
    counts = np.zeros(1000)
    for seed in range(200):
        counts[_draw(100, seed, "uniform")] += 1
    # each image is drawn Binomial(200, 0.1) times: variance 18
    assert abs(counts.var() - 18) < 3


def test_the_full_set_is_full_under_either_rule() -> None:
    for rule in ("balanced", "uniform"):
        subset = draw_subset(LABELS, fingerprint="f", budget=1000, seed=4, rule=rule)
        assert subset.rule == "full"
        assert subset.indices.tolist() == list(range(1000))


@pytest.mark.parametrize(
    ("budget", "words"), [(0, "1 to 1000"), (1001, "1 to 1000"), (9, "10 classes"), (999, "rarest class")]
)
def test_impossible_budgets_are_explained(budget: int, words: str) -> None:
    with pytest.raises(UserError, match=words):
        _draw(budget)
