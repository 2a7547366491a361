"""Sentences that documents derive from rows are true of the rows."""

import pytest

from docs.tables import overtakings
from ssl_irmae.protocols.statistics.summary import summarise
from tests.protocols.conftest import MakeRow


def claims(make_row: MakeRow, differences: list[float]) -> list[str]:
    """What documents say of a learner beside a frozen readout with that many points more, subset by subset."""
    rows = [make_row("learner", seed, 20.0) for seed in range(len(differences))]
    rows += [make_row("frozen", seed, 20.0 + d) for seed, d in enumerate(differences)]
    return overtakings(summarise(rows, baseline="learner"), "learner", ["frozen"])


@pytest.mark.parametrize(("sign", "word"), [(1, "below"), (-1, "above")])
def test_a_learner_is_below_frozen_codes_that_make_more_errors(make_row: MakeRow, sign: int, word: str) -> None:
    (line,) = claims(make_row, [sign * d for d in (1.0, 2.0, 1.5, 0.5, 1.0, 2.0)])
    assert f"`learner` beside `frozen`: mean error {word} it at 100 labels" in line


def test_nothing_is_claimed_about_differences_around_zero(make_row: MakeRow) -> None:
    assert claims(make_row, [1.0, -1.0, 0.5, -0.5, 1.0, -1.0]) == []


@pytest.mark.parametrize(("sign", "word"), [(1, "below"), (-1, "above")])
def test_for_five_pairs_only_the_means_are_compared(make_row: MakeRow, sign: int, word: str) -> None:
    (line,) = claims(make_row, [sign * d for d in (1.0, 2.0, 1.5, 0.5, 1.0)])
    assert line == f"At 100 labels (5 pairs) nothing can be tested; the mean of `learner` is {word} that of `frozen`."
