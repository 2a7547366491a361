"""The answer in words is computed from the rows, and claims no more than they support."""

import re
from collections.abc import Sequence

import pytest

from ssl_irmae.protocols.report.report import make_report
from ssl_irmae.protocols.storage.rows import Row
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import finished

TEN = range(10)


def answer(rows: Sequence[Row], *, baseline: str = "supervised") -> list[str]:
    return make_report(finished(rows), baseline=baseline).answer


@pytest.fixture
def ten_subsets(make_row: MakeRow) -> list[Row]:
    """Mean errors of 7.6 % and 21.4 %, whose difference is never the same twice."""
    best = [make_row("irmae-linear", s, 7.6 + 0.2 * (s - 4.5)) for s in TEN]
    return [*best, *(make_row("supervised", s, 21.4 - 0.1 * (s - 4.5)) for s in TEN)]


def test_the_best_contender_beats_the_baseline_on_every_subset(ten_subsets: list[Row]) -> None:
    assert answer(ten_subsets) == [
        "With 100 labels, `irmae-linear` makes 7.6 % errors, 13.8 points fewer than `supervised`, and is better on "
        "every one of 10 subsets."
    ]


def test_it_is_better_on_some_subsets(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 10.0 if s else 22.0) for s in TEN] + [make_row("supervised", s, 20.0 + s) for s in TEN]
    (sentence,) = answer(rows)
    assert sentence.endswith(" and is better on 9 of 10 subsets.")


def test_the_baseline_itself_is_the_best(make_row: MakeRow) -> None:
    errors = {"a": 9.0, "b": 30.0, "supervised": 4.0}
    rows = [make_row(name, s, error) for name, error in errors.items() for s in TEN]
    assert answer(rows) == [
        "With 100 labels, `supervised` makes 4.0 % errors, the fewest of 3 contenders, and is the baseline itself; the "
        "next, `a`, makes 5.0 points more, and is better on none of 10 subsets."
    ]


def test_how_sure_the_lead_of_the_baseline_is(make_row: MakeRow) -> None:
    supervised = [make_row("supervised", s, 9.0) for s in TEN]
    (sentence,) = answer([*supervised, *(make_row("a", s, 8.0 if s < 4 else 11.0) for s in TEN)])
    assert "`a`, makes 0.8 points more (95 % interval -0.3 to +1.9), and is better on 4 of 10 subsets" in sentence
    assert "which chance could explain (p = 0." in sentence
    (sentence,) = answer([*supervised[:3], *(make_row("a", s, 11.0 + s) for s in range(3))])
    assert sentence.endswith("and is better on none of 3 subsets; too few to rule out chance.")
    (sentence,) = answer([supervised[0], make_row("a", 0, 11.0)])
    assert sentence.endswith("makes 2.0 points more, on a single subset, so chance cannot be ruled out.")


def test_who_is_ahead_is_said_by_the_subsets_that_both_were_run_on(make_row: MakeRow) -> None:
    supervised = [make_row("supervised", s, 10.0 if s < 10 else 1.0) for s in range(20)]
    first, second = answer([*supervised, *(make_row("a", s, 8.0) for s in TEN)])
    assert "`a` makes 8.0 % errors, 2.0 points fewer than `supervised`, and is better on every one of 10" in first
    assert second == "The mean of `supervised` is lower, but not on the subsets shared with `a`."


def test_a_contender_of_the_easy_subsets_alone_does_not_come_first(make_row: MakeRow) -> None:
    hard = {s: 3.0 + 20 * (s < 7) for s in TEN}
    rows = [make_row(name, s, hard[s] + more) for name, more in (("good", 0), ("supervised", 10)) for s in TEN]
    rows += [make_row("easy", s, hard[s] + 1) for s in (7, 8, 9)]
    first, *others = answer(rows)
    assert first.startswith("With 100 labels, `good` makes 17.0 % errors")
    assert "The mean of `easy` is lower, but not on the subsets shared with `good`." in others


def test_a_single_contender_is_compared_with_nothing(make_row: MakeRow) -> None:
    rows = [make_row("irmae-linear", s, 7.6) for s in TEN]
    assert answer(rows, baseline="irmae-linear") == ["With 100 labels, `irmae-linear` makes 7.6 % errors."]


def test_one_label_is_one_label(make_row: MakeRow) -> None:
    (sentence,) = answer([make_row("a", s, 80.0, budget=1) for s in TEN], baseline="a")
    assert sentence.startswith("With 1 label, ")


def test_thousands_are_separated(make_row: MakeRow) -> None:
    (sentence,) = answer([make_row("a", s, 80.0, budget=60_000) for s in TEN], baseline="a")
    assert sentence.startswith("With 60,000 labels, ")


def test_one_pair_cannot_rule_out_chance(make_row: MakeRow) -> None:
    (sentence,) = answer([make_row("a", 0, 5.0), make_row("supervised", 0, 9.0)])
    assert "4.0 points fewer than `supervised`, on a single subset, so chance cannot be ruled out." in sentence
    assert "better on" not in sentence


@pytest.mark.parametrize("n", [2, 5])
def test_too_few_pairs_cannot_rule_out_chance(ten_subsets: list[Row], n: int) -> None:
    (sentence,) = answer([row for row in ten_subsets if row.seed < n])
    assert sentence.endswith(f"and is better on every one of {n} subsets; too few to rule out chance.")


def test_six_pairs_of_one_sign_are_enough_for_one_comparison(ten_subsets: list[Row]) -> None:
    (sentence,) = answer([row for row in ten_subsets if row.seed < 6])
    assert sentence.endswith("and is better on every one of 6 subsets.")


def test_ten_pairs_are_too_few_for_thirty_comparisons(ten_subsets: list[Row], make_row: MakeRow) -> None:
    others = [make_row(f"c{i}", s, 30.0 + i + s % 3) for i in range(30) for s in TEN]
    assert "too few to rule out chance among 31 contenders" in answer([*ten_subsets, *others])[0]


@pytest.mark.parametrize("mark", [{"transductive": True}, {"test_peeks": 50}])
def test_contenders_that_are_not_considered_count_in_what_the_pairs_allow(
    ten_subsets: list[Row], make_row: MakeRow, mark: dict[str, object]
) -> None:
    marked = [make_row("too-good", s, 1.0, **mark) for s in range(6)]
    report = make_report(finished([*(row for row in ten_subsets if row.seed < 6), *marked]), baseline="supervised")
    assert report.answer[0].endswith("6 subsets; too few to rule out chance among 2 contenders.")
    few = next(finding.result.details for finding in report.checks if "Holm" in finding.result.details)
    assert "Holm's correction for 2 contenders" in few


def test_chance_could_explain_a_difference_of_both_signs(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 10.0) for s in TEN]
    rows += [make_row("supervised", s, 11.0 if s < 6 else 9.0) for s in TEN]
    (sentence,) = answer(rows)
    assert "and is better on 6 of 10 subsets, which chance could explain (p = 0." in sentence


def test_a_contender_with_fewer_pairs_is_not_denied_its_significance(make_row: MakeRow) -> None:
    pairs = {"supervised": 12, "few": 6, "many": 12, "more": 12}
    errors = {"supervised": 20.0, "few": 1.0, "many": 20.5, "more": 21.0}
    rows = [make_row(name, s, errors[name] + s % 3 / 7) for name, n in pairs.items() for s in range(n)]
    report = make_report(finished(rows))
    (few,) = [s.difference for s in report.summaries if s.contender == "few"]
    assert few is not None
    assert few.p_holm < 0.05
    assert report.answer[0].endswith("and is better on every one of 6 subsets.")


def test_a_tie_with_the_baseline_is_not_fewer_errors(make_row: MakeRow) -> None:
    rows = [make_row(name, s, 10.0) for name in ("irmae-linear", "supervised") for s in TEN]
    assert answer(rows) == [
        "With 100 labels, `irmae-linear` makes 10.0 % errors, as many as `supervised` on the same 10 subsets."
    ]


def test_without_a_shared_subset_nothing_is_compared(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 5.0) for s in range(5)] + [make_row("supervised", s, 9.0) for s in range(5, 10)]
    assert answer(rows) == [
        "With 100 labels, `a` makes 5.0 % errors.",
        "No subset is shared with `supervised`, so it is not compared.",
    ]
    assert answer(rows, baseline="a") == answer(rows)


def test_what_comes_next_what_is_worse_and_what_is_not_shown_to_be_better(make_row: MakeRow) -> None:
    errors = {"best": 5.0, "next": 6.0, "same": 20.0, "worse": 25.0, "supervised": 20.0}
    rows = [make_row(name, s, error + (s % 2) * (name == "same")) for name, error in errors.items() for s in TEN]
    _, *others = answer(rows)
    assert others == [
        "Next is `next` with 6.0 %.",
        "Worse than `supervised`: `worse`.",
        "Not shown to be better than `supervised`: `same`.",
    ]


def test_many_contenders_that_are_worse_are_counted(make_row: MakeRow) -> None:
    errors = {"best": 5.0, "supervised": 20.0} | {f"c{i}": 25.0 for i in range(5)}
    rows = [make_row(name, s, error) for name, error in errors.items() for s in TEN]
    assert answer(rows)[-1] == "Worse than `supervised`: 5 contenders."


@pytest.mark.parametrize("mark", [{"transductive": True}, {"test_peeks": 50}])
def test_leaky_and_transductive_contenders_are_left_out(
    ten_subsets: list[Row], make_row: MakeRow, mark: dict[str, object]
) -> None:
    marked = [make_row("too-good", s, 1.0, **mark) for s in TEN]
    assert answer([*ten_subsets, *marked]) == answer(ten_subsets)
    first, only = answer(marked, baseline="too-good")
    assert first.startswith(f"Every contender is {'leaky' if 'test_peeks' in mark else 'transductive'} (it")
    assert only == "With 100 labels, `too-good` makes 1.0 % errors.", "there is nothing else"


def test_where_every_name_says_that_it_is_transductive_the_answer_need_not(make_row: MakeRow) -> None:
    fields = {"transductive": True, "representation": "pixels"}
    rows = [make_row("pixels-poisson-transductive", s, 1.0, **fields) for s in TEN]
    assert len(answer(rows, baseline="pixels-poisson-transductive")) == 1
    leaky = [make_row("best", s, 2.0, test_peeks=50) for s in TEN]
    assert answer([*rows, *leaky], baseline="best")[0].startswith("Every contender is transductive (")
    assert " or leaky (" in answer([*rows, *leaky], baseline="best")[0]


def test_of_several_budgets_the_smallest_and_the_largest_are_described(make_row: MakeRow) -> None:
    rows = [
        make_row(name, s, error / budget + s % 3 / 100, budget=budget)
        for budget in (1000, 10, 100)
        for name, error in (("a", 400.0), ("supervised", 800.0))
        for s in TEN
    ]
    worth, first, second, third = answer(rows)
    assert worth.startswith("10 labels with `a` are worth about 20 of `supervised` [")
    assert first.startswith("With 10 labels, `a` makes 40.0 % errors, 40.0 points fewer than `supervised`")
    assert second.startswith("With 1,000 labels, `a` makes 0.4 % errors, 0.4 points fewer than `supervised`")
    assert third == "`a` has the lowest mean error at all 3 budgets."


def test_beyond_the_baselines_curve_labels_are_not_counted(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 0.1, budget=10) for s in TEN]
    rows += [make_row("supervised", s, 600.0 / budget, budget=budget) for budget in (10, 1000) for s in TEN]
    assert answer(rows)[0] == "10 labels with `a` are worth more than 1,000 of `supervised`."


def test_an_interval_that_reaches_back_into_the_curve_is_printed(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 0.4 + s / 10, budget=10) for s in TEN]
    rows += [make_row("supervised", s, 1000.0 / budget, budget=budget) for budget in (10, 1000) for s in TEN]
    assert re.search(r"worth more than 1,000 of `supervised` \[\d+ to > 1,000\]", answer(rows)[0])


def test_another_contender_may_be_the_best_where_labels_are_many(make_row: MakeRow) -> None:
    errors: dict[int, dict[str, float]] = {
        10: {"a": 20, "supervised": 60},
        100: {"a": 10, "supervised": 9},
        1000: {"a": 8, "supervised": 1},
    }
    rows = [
        make_row(name, s, error, budget=budget)
        for budget, of_contenders in errors.items()
        for name, error in of_contenders.items()
        for s in TEN
    ]
    worth, first, second = answer(rows)
    assert worth == "10 labels with `a` are worth about 38 of `supervised`.", "of equal subsets there is no interval"
    assert "`a` makes 20.0 % errors" in first
    assert second == (
        "With 1,000 labels, `supervised` makes 1.0 % errors, the fewest of 2 contenders, and is the baseline itself; "
        "the next, `a`, makes 7.0 points more, and is better on none of 10 subsets."
    )


def test_at_the_full_set_pairs_are_training_runs(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 1.0 + s / 10, budget=1000, rule="full") for s in range(3)]
    rows += [make_row("supervised", s, 2.0 + s / 9, budget=1000, rule="full") for s in range(3)]
    (sentence,) = answer(rows)
    assert sentence.endswith("better on every one of 3 training runs; too few to rule out chance.")


def with_floors(make_row: MakeRow, errors: dict[int, dict[str, float]]) -> list[str]:
    """Return the sentences about floors, for mean errors by number of labels and contender."""

    def row(name: str, seed: int, error: float, budget: int) -> Row:
        representation = None if name == "supervised" else name.partition("-")[0]
        reads = "images" if name.endswith(("supervised", "joint")) else "code"
        return make_row(name, seed, error + seed % 3, budget=budget, representation=representation, reads=reads)

    rows = [row(name, s, error, budget) for budget, of in errors.items() for name, error in of.items() for s in TEN]
    return [sentence for sentence in answer(rows, baseline=next(iter(errors[100]))) if "pretraining" in sentence]


def test_a_floor_that_is_ahead_of_every_pretrained_contender_is_named_once_with_all_its_budgets(
    make_row: MakeRow,
) -> None:
    worse = {"supervised": 9.0, "irmae-linear": 41.0, "mine-joint": 30.0, "pixels-linear": 23.0, "pixels-knn": 22.0}
    better = {**worse, "irmae-linear": 5.0}
    assert with_floors(make_row, {10: worse, 100: worse, 1000: better}) == [
        "With 10 and 100 labels, `pixels-knn` needs no pretraining and has a lower mean error than every contender "
        "with a pretrained encoder."
    ]


def test_a_floor_is_compared_with_encoders_that_have_the_same_readout(make_row: MakeRow) -> None:
    errors = {"irmae-poisson-prior": 3.0, "irmae-linear": 20.0, "mine-linear": 19.0, "mine-features-linear": 18.0}
    ahead = {"pixels-poisson-prior": 4.0, "pixels-linear": 17.0}
    assert with_floors(make_row, {100: errors | ahead}) == [
        "With 100 labels, `pixels-linear` needs no pretraining and has a lower mean error than every pretrained "
        "encoder with `linear`."
    ]
    assert with_floors(make_row, {100: errors | {"pixels-linear": 18.5}}) == [], "one encoder is ahead of it"


def test_without_a_floor_or_without_an_encoder_nothing_is_said_of_either(make_row: MakeRow) -> None:
    assert with_floors(make_row, {100: {"irmae-linear": 41.0, "supervised": 22.0}}) == []
    assert with_floors(make_row, {100: {"pixels-linear": 22.0, "supervised": 41.0}}) == []


def test_many_floors_that_are_ahead_are_counted(make_row: MakeRow) -> None:
    readouts = {"linear": 20.0, "knn": 30.0, "mlp": 40.0, "centroid": 50.0}
    errors = {f"pixels-{name}": error for name, error in readouts.items()}
    errors |= {f"irmae-{name}": error + 1 for name, error in readouts.items()} | {"irmae-joint": 5.0}
    first, second = with_floors(make_row, {100: errors})
    assert "every pretrained encoder with" in first
    assert "every pretrained encoder with" in second
    means = [make_row(n, s, e, representation=n.split("-")[0], reads="code") for n, e in errors.items() for s in TEN]
    assert answer(means, baseline="irmae-joint")[-1] == "The tables show 2 more such cases."
