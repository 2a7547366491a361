"""Sentences that documents make of rows are true of the rows."""

from docs.tables import overtakings
from ssl_irmae.protocols.statistics.summary import summarise


def _said(make_row, differences: list[float]) -> list[str]:
    rows = [make_row("learner", seed, 20.0) for seed in range(len(differences))]
    rows += [make_row("frozen", seed, 20.0 + d) for seed, d in enumerate(differences)]
    return overtakings(summarise(rows, reference="learner"), "learner", ["frozen"])


def test_a_learner_is_said_to_be_below_where_frozen_codes_err_more(make_row) -> None:
    (line,) = _said(make_row, [1.0, 2.0, 1.5, 0.5, 1.0, 2.0])
    assert "`learner` beside `frozen`: mean error below it at 100 labels" in line
    (line,) = _said(make_row, [-1.0, -2.0, -1.5, -0.5, -1.0, -2.0])
    assert "above it at 100 labels" in line


def test_nothing_is_claimed_of_differences_around_zero(make_row) -> None:
    assert _said(make_row, [1.0, -1.0, 0.5, -0.5, 1.0, -1.0]) == []


def test_of_five_pairs_the_means_are_told_and_that_nothing_can_be_tested(make_row) -> None:
    (line,) = _said(make_row, [1.0, 2.0, 1.5, 0.5, 1.0])
    assert line == "- At 100 labels (5 pairs) nothing can be tested; the mean of `learner` is below that of `frozen`."
    (line,) = _said(make_row, [-1.0, -2.0, -1.5, -0.5, -1.0])
    assert "above that of `frozen`" in line
