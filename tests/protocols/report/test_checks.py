"""Numbered checks: a result without flaws passes all of them, each flaw is found, what is not known is no pass."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.candidates import SEARCHED
from ssl_irmae.protocols.contenders.registry import CONTENDERS, setting_group
from ssl_irmae.protocols.duplicates import Duplicates
from ssl_irmae.protocols.report.checks.finding import Finding, counted, detailed
from ssl_irmae.protocols.report.checks.registry import CHECKS
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.report.text import report_text
from ssl_irmae.protocols.storage.rows import FinishedTrial, Pretraining, Row
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import finished

UNIQUE = Duplicates(1000, 0, 0, 0)
WAY = Pretraining(method="irmae", depth=8, steps=600, batch_size=32, learning_rate=1e-4, precision="fp32")
NETWORK = {"steps": 600, "batch_size": 64, "learning_rate": 2e-3}
Which = Callable[[Row], bool]


class Flaw(NamedTuple):
    """What is wrong with an otherwise good result.

    Args:
        fields: Fields of rows that are changed.
        which: The rows they are changed of.
        only: The rows there are.
        duplicates: Which images occur more than once.
    """

    fields: Mapping[str, Any] = MappingProxyType({})
    which: Which = lambda _: True
    only: Which = lambda _: True
    duplicates: Duplicates | None = UNIQUE


def of(contender: str, **fields: object) -> Which:
    """Return a function that picks the rows of a contender with these fields."""
    return lambda row: row.contender == contender and all(getattr(row, f) == value for f, value in fields.items())


NO_FLAW = Flaw()
FLAWS = {
    "SSI001": Flaw({"test_peeks": 50}, of("irmae-linear")),
    "SSI002": Flaw(duplicates=Duplicates(1000, 5, 0, 0)),
    "SSI003": Flaw(duplicates=Duplicates(1000, 0, 0, 2)),
    "SSI004": Flaw({"classes_labelled": 1, "rule": "uniform"}, lambda row: (row.budget, row.seed) == (10, 3)),
    "SSI005": Flaw({"scored_on": "folds"}),
    "SSI006": Flaw({"pretraining": WAY.model_copy(update={"other_data": "0123456789ab"})}, of("irmae-linear")),
    "SSI007": Flaw({"quick": True}, of("irmae-linear")),
    "SSI008": Flaw(only=lambda row: row.pretrain_seed != 1),
    "SSI009": Flaw({"dataset": "fashion-mnist"}),
    "SSI010": Flaw({"settings": {**NETWORK, "learning_rate": 4e-3}}, of("supervised")),
    "SSI011": Flaw({"settings": {**NETWORK, "steps": 3000}}, of("supervised-augment", budget=10)),
    "SSI012": Flaw({"classes_predicted": 1}, of("supervised-augment", budget=10, seed=0)),
    "SSI013": Flaw({"error": 49.0}, of("supervised")),
    "SSI014": Flaw({"error": 45.0}, of("supervised-augment", budget=100)),
    "SSI015": Flaw(only=lambda row: row.seed < 5),
}
NOT_KNOWN = {
    "SSI002": Flaw(duplicates=None),
    "SSI003": Flaw(duplicates=None),
    "SSI004": Flaw({"classes_labelled": None, "rule": "uniform"}),
    "SSI005": Flaw({"pretraining": None}, of("irmae-linear")),
    "SSI006": Flaw({"pretraining": WAY.model_copy(update={"other_data": ""})}, of("irmae-linear")),
    "SSI009": Flaw({"contender": "my-own"}, of("supervised-augment")),
    "SSI010": Flaw({"settings_from": "published script"}, of("supervised-augment")),
    "SSI011": Flaw({"settings": {"learning_rate": 2e-3}}, of("supervised-augment")),
    "SSI012": Flaw({"classes_predicted": None}, of("supervised-augment")),
    "SSI013": Flaw({"constant_error": None}),
    "SSI014": Flaw(only=lambda row: row.budget == 10),
}


@pytest.fixture(scope="module")
def good(make_row: MakeRow) -> list[Row]:
    """A result on ten subsets at two budgets, with two pretrainings of the encoder, without a flaw."""
    everywhere = {
        "dataset": "mnist",
        "classes_predicted": 2,
        "classes_labelled": 2,
        "scored_classes": {"even": 500, "odd": 500},
        "constant_error": 50.0,
    }

    def rows(name: str, error: float, **fields: object) -> list[Row]:
        return [
            make_row(
                name, s, 10 * error / budget**0.5 + s % 4, budget=budget, subset=f"{budget}-{s}", **everywhere | fields
            )
            for budget in (10, 100)
            for s in range(10)
        ]

    encoder = {
        "reads": "code",
        "representation": "irmae",
        "settings": {"C": 0.01, "max_iter": 1000},
        "pretraining": WAY,
    }
    return [
        *rows("irmae-linear", 5.0, **encoder, encoder_hash="a", pretrain_seed=0),
        *rows("irmae-linear", 5.1, **encoder, encoder_hash="b", pretrain_seed=1),
        *rows("supervised", 10.0, settings=NETWORK),
        *rows("supervised-augment", 8.0, settings=NETWORK),
    ]


def report_of(rows: Sequence[Row], flaw: Flaw = NO_FLAW, **how: Any) -> Report:
    """Report rows with a flaw."""
    changed = [row.model_copy(update=flaw.fields) if flaw.which(row) else row for row in rows if flaw.only(row)]
    return make_report(finished(changed), duplicates=flaw.duplicates, **how)


def outcomes(report: Report) -> dict[str, str]:
    return {finding.code: finding.outcome for finding in report.checks}


def finding_of(code: str, rows: Sequence[Row], flaw: Flaw = NO_FLAW, **how: Any) -> Finding:
    """Return what one check found."""
    return next(finding for finding in report_of(rows, flaw, **how).checks if finding.code == code)


def test_a_result_without_flaws_passes_every_check(good: list[Row]) -> None:
    assert outcomes(report_of(good)) == dict.fromkeys(CHECKS, "passed")


@pytest.mark.parametrize("code", CHECKS)
def test_a_flaw_is_found_by_its_check_alone_and_said_in_one_short_sentence(good: list[Row], code: str) -> None:
    report = report_of(good, FLAWS[code])
    # folds of MNIST hold the images that its settings were chosen on
    expected = ["SSI001", "SSI005"] if code == "SSI005" else [code]
    assert [finding.code for finding in report.checks if finding.outcome == "failed"] == expected
    sentence = next(finding for finding in report.checks if finding.code == code).result.sentence
    assert sentence.endswith(".")
    assert len(sentence) < 150
    text = " ".join(report_text(report, width=80).split())
    assert f"{code} {sentence}" in text.partition("Not passed: ")[2]


@pytest.mark.parametrize("code", NOT_KNOWN)
def test_what_cannot_be_told_does_not_count_as_passed(good: list[Row], code: str) -> None:
    report = report_of(good, NOT_KNOWN[code])
    found = outcomes(report)
    assert found[code] == "unknown"
    assert "failed" not in found.values()
    passed = list(found.values()).count("passed")
    assert f"{passed} of {len(CHECKS)} passed; {len(CHECKS) - passed} could not be made" in counted(report.checks)


def test_ignored_checks_are_named_and_count_neither_way(good: list[Row]) -> None:
    report = report_of(good, FLAWS["SSI012"], ignore=["SSI012", "SSI002"])
    assert outcomes(report) == dict.fromkeys(CHECKS, "passed") | {"SSI012": "ignored", "SSI002": "ignored"}
    printed = " ".join(report_text(report, width=80).split())
    assert f"{len(CHECKS) - 2} of {len(CHECKS)} passed; ignored: SSI002, SSI012." in printed
    assert "Not passed" not in printed
    assert any(line.startswith("SSI012 collapsed training: ignored.") for line in detailed(report.checks))


@pytest.mark.parametrize("unknown", ["SSI999", "ssi001", "collapsed training", ""])
def test_an_unknown_code_is_an_error_that_lists_the_codes(good: list[Row], unknown: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"unknown check {unknown!r}: known are {', '.join(CHECKS)}")):
        report_of(good, ignore=unknown)


def test_details_say_why_a_flaw_matters_and_what_to_do(good: list[Row]) -> None:
    first, *_, passed = detailed(report_of(good, FLAWS["SSI012"]).checks)
    check = CHECKS["SSI012"]
    assert first.startswith(
        "SSI012 collapsed training: One class was predicted for every image: supervised-augment at 10"
    )
    for text in (check.why, check.remedy):
        assert text[1:] in first
    assert passed.startswith("Passed: SSI001 ")
    assert "SSI012" not in passed


@pytest.mark.parametrize("code", CHECKS)
def test_codes_are_numbered_and_every_check_explains_itself(code: str) -> None:
    assert re.fullmatch(r"SSI\d{3}", code)
    check = CHECKS[code]
    for text in (check.looks_for, check.why, check.remedy):
        assert text.endswith(".")
        assert not re.search(r"(?<!\S)--[a-z]", text), "notes are read in Python too: no options"
    assert len({check.name for check in CHECKS.values()}) == len(CHECKS)


def test_settings_in_force_on_the_scored_development_images_were_chosen_on_them(good: list[Row]) -> None:
    development = Flaw({"scored_on": "development"})
    assert "chosen on these very images" in finding_of("SSI001", good, development).result.sentence
    folds = Flaw({"scored_on": "folds"})
    assert "chosen on a sixth of these very images" in finding_of("SSI001", good, folds).result.sentence
    other = Flaw({"scored_on": "development", "dataset": "digits"})
    assert finding_of("SSI001", good, other).outcome == "passed"


def test_copies_are_counted_with_those_that_have_another_class(good: list[Row]) -> None:
    def details(code: str, *counts: int) -> str:
        return finding_of(code, good, Flaw(duplicates=Duplicates(*counts))).result.details

    assert details("SSI002", 100, 100, 5, 0) == "100 of 100 scored images are also training images."
    assert details("SSI003", 100, 100, 5, 0) == "5 scored images have an identical training image of another class."
    both = "1 labelled training image has and 5 scored images have an identical training image of another class."
    assert details("SSI003", 100, 5, 5, 1) == both


def test_subsets_of_one_class_are_said_to_teach_nothing(good: list[Row]) -> None:
    flaw = Flaw({"classes_labelled": 1, "classes_predicted": 1}, lambda row: row.seed < 3)
    found = finding_of("SSI004", good, flaw)
    assert found.result.sentence == "3 of 10 subsets at 10 labels; 3 of 10 subsets at 100 labels lack a class."
    assert "3 of them hold one class of 2, so that nothing can be learned" in found.result.details
    assert finding_of("SSI012", good, flaw).outcome == "passed", "its subsets explain it"


def test_one_label_can_only_be_answered_by_one_class(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 50.0, budget=1, classes_predicted=1) for s in range(3)]
    assert finding_of("SSI012", rows).outcome == "passed"
    assert finding_of("SSI012", [row.model_copy(update={"budget": 2}) for row in rows]).outcome == "failed"


def test_of_a_handful_of_images_one_class_is_no_wonder_and_nothing_is_known(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 50.0, classes_predicted=1, n_scored=5) for s in range(3)]
    assert finding_of("SSI012", rows).outcome == "unknown"


def test_small_folds_are_judged_together(make_row: MakeRow) -> None:
    def found(*predicted: int) -> Finding:
        sizes = {"folds": 5, "n_scored": 8, "scored_on": "folds", "rule": "full"}
        rows = [
            make_row("a", seed, 50.0, fold=fold, classes_predicted=predicted[fold] if seed == 0 else 2, **sizes)
            for seed in range(3)
            for fold in range(5)
        ]
        return finding_of("SSI012", rows)

    assert found(1, 1, 1, 1, 1).result.sentence.endswith("a in 1 of 3 divisions.")
    assert found(1, 1, 1, 1, 2).outcome == "passed"


def test_a_large_fold_is_judged_alone(make_row: MakeRow) -> None:
    rows = [
        make_row("a", 0, 50.0, fold=fold, folds=2, n_scored=20, scored_on="folds", classes_predicted=1 + fold)
        for fold in range(2)
    ]
    assert finding_of("SSI012", rows).result.sentence.endswith("a in 1 of 2 trials.")


def test_subsets_of_older_rows_hold_every_class_where_their_rule_says_so(good: list[Row]) -> None:
    older = {"classes_labelled": None, "scored_classes": None}
    assert finding_of("SSI004", good, Flaw(older)).outcome == "passed"
    assert finding_of("SSI004", good, Flaw({**older, "rule": "first"})).outcome == "unknown"


def test_an_encoder_of_other_pictures_is_named_with_how_much_worse_it_reconstructs(good: list[Row]) -> None:
    kind = WAY.model_copy(update={"other_data": "0123456789ab", "times_worse": 15.4})
    found = finding_of("SSI006", good, Flaw({"pretraining": kind}, of("irmae-linear")))
    assert "irmae reconstructs these 15 times worse" in found.result.sentence
    assert "its card names other data (0123456789ab)" in found.result.details


def test_a_brief_pretraining_is_named_with_its_steps(good: list[Row]) -> None:
    assert finding_of("SSI007", good, FLAWS["SSI007"]).result.sentence.startswith(
        "irmae: pretrained for only 600 steps"
    )


def test_the_untrained_encoder_is_one_initialisation(good: list[Row]) -> None:
    random = {"representation": "random", "encoder_hash": None, "pretrain_seed": None, "contender": "random-linear"}
    found = finding_of("SSI008", good, Flaw(random, of("supervised-augment")))
    assert found.result.sentence.startswith("One initialisation of random: ")
    named_so = {"contender": "random-linear", "representation": "random"}
    own = Flaw(named_so, of("irmae-linear"))
    assert finding_of("SSI008", good, own).outcome == "passed", "a user's encoder of that name, with two seeds"


@pytest.mark.parametrize("name", CONTENDERS)
def test_the_settings_in_force_are_inside_their_search_or_named_as_an_edge(make_row: MakeRow, name: str) -> None:
    contender = CONTENDERS[name]
    row = make_row(name, 0, 5.0, settings=dict(contender.settings), representation=contender.representation)
    found = finding_of("SSI010", [row])
    group = setting_group(name, contender.representation)
    if group not in SEARCHED:
        assert found.outcome == "unknown", "set by hand"
        return
    edges = [
        setting
        for setting, tried in SEARCHED[group].items()
        if contender.settings[setting] in (min(tried), max(tried))
        and (setting, contender.settings[setting]) != ("k", 1)
    ]
    assert found.outcome == ("failed" if edges else "passed")
    assert all(setting.replace("_", " ") in found.result.details for setting in edges)


def test_contenders_of_a_users_encoder_have_our_settings(make_row: MakeRow) -> None:
    def outcome(slack: float) -> str:
        row = make_row("mine-poisson-prior", 0, 5.0, settings={"k": 10, "slack": slack}, representation="mine")
        return finding_of("SSI010", [row]).outcome

    assert (outcome(0.1), outcome(0.15)) == ("failed", "passed")


def test_settings_given_with_the_command_were_not_searched_here(good: list[Row]) -> None:
    given = Flaw({"given": ("learning_rate",), "settings": {**NETWORK, "learning_rate": 4e-3}}, of("supervised"))
    assert finding_of("SSI010", good, given).outcome == "passed"


def test_the_second_of_a_declared_pair_is_a_baseline_too(good: list[Row]) -> None:
    more = Flaw({"settings": {**NETWORK, "steps": 3000}}, of("supervised"))
    assert finding_of("SSI011", good, more).outcome == "passed", "the baseline may take more steps"
    declared = [("supervised", "supervised-augment")]
    found = finding_of("SSI011", good, more, comparisons=declared)
    assert "supervised-augment 600, supervised 3,000 at 10 labels" in found.result.details


def test_steps_of_heads_on_frozen_codes_do_not_count(good: list[Row]) -> None:
    head = Flaw({"settings": {"steps": 5000}, "reads": "code"}, of("supervised-augment"))
    assert finding_of("SSI011", good, head).outcome == "passed"


def test_many_trials_that_collapsed_are_counted_by_contender_and_listed_by_budget(good: list[Row]) -> None:
    found = finding_of("SSI012", good, Flaw({"classes_predicted": 1}, lambda row: row.seed == 0))
    sentence = "irmae-linear in 4 of 40 trials, supervised in 2 of 20 trials and 1 more."
    assert found.result.sentence.endswith(sentence)
    assert "supervised-augment at 100 labels, 1 of 10 trials" in found.result.details


def test_an_error_just_below_a_guess_is_no_better_than_it_where_few_images_are_scored(good: list[Row]) -> None:
    def outcome(error: float, n_scored: int) -> str:
        flaw = Flaw({"error": error, "n_scored": n_scored})
        return finding_of("SSI013", good, flaw).outcome

    # two binomial standard errors: 3.2 points of 1,000 images, 32 of ten
    assert (outcome(45.0, 1000), outcome(48.0, 1000), outcome(45.0, 10), outcome(10.0, 10)) == (
        "passed",
        "failed",
        "failed",
        "passed",
    )


def test_a_rise_within_the_noise_is_none(good: list[Row]) -> None:
    # one of ten subsets is 5 points worse: a mean of +0.5 with a standard error of 0.5
    flaw = Flaw({"error": 31.3}, of("supervised-augment", budget=100, seed=0))
    level = Flaw({"error": 26.3}, of("supervised-augment"))
    flat = [row.model_copy(update=level.fields) if level.which(row) else row for row in good]
    assert finding_of("SSI014", flat, flaw).outcome == "passed"


def test_a_readout_without_randomness_is_compared_by_the_images_it_got_wrong(make_row: MakeRow) -> None:
    def outcome(more: int, known: bool = True) -> str:
        # of 1,000 images 50 are wrong at both budgets, and at the full set some more
        trials = []
        for budget, wrong, seeds in ((10, 50, 10), (100, 50 + more, 1)):
            mistakes = np.packbits(np.arange(1000) < wrong).tobytes()
            for s in range(seeds):
                fields = {"rule": "full" if budget == 100 else "balanced", "predictions": f"{budget}"}
                row = make_row("a", s, wrong / 10, budget=budget, deterministic_at_full_set=True, **fields)
                trials.append(FinishedTrial(row, 1.0, "", {}, mistakes if known else b""))
        return next(f.outcome for f in make_report(trials).checks if f.code == "SSI014")

    # McNemar's standard error of m more mistakes is about their root, in images: 16 are four of them, 4 are two
    assert (outcome(16), outcome(4)) == ("failed", "passed")
    assert outcome(16, known=False) == "passed", "as if others were wrong: the root of 50 + 66 images"


def test_one_run_of_a_learner_cannot_be_told_from_luck(good: list[Row]) -> None:
    one = Flaw({"error": 45.0}, lambda row: row.budget == 100, only=lambda row: row.budget == 10 or row.seed == 0)
    assert finding_of("SSI014", [row for row in good if row.contender == "supervised"], one).outcome == "unknown"


def test_n_below_six_is_explained_and_so_is_what_it_allows(good: list[Row]) -> None:
    found = finding_of("SSI015", good, FLAWS["SSI015"])
    assert "† n below 6: too few" in found.result.details
    assert "with 5 pairs the smallest possible p is 2/2^5" in found.result.details.lower()
    assert "too few pairs for p < 0.05 among all contenders" in found.result.sentence


def test_pairs_below_six_count_too(make_row: MakeRow) -> None:
    rows = [make_row("a", s, 1.0 + s) for s in range(10)] + [make_row("supervised", s, 2.0) for s in range(5, 15)]
    assert "ewer than 6 runs (†)" in finding_of("SSI015", rows).result.sentence


def test_the_one_result_of_a_readout_without_randomness_is_not_too_few(make_row: MakeRow) -> None:
    once = {"rule": "full", "deterministic_at_full_set": True}

    def found(*pairs: tuple[str, str], several: int) -> Finding:
        rows = [make_row(name, 0, error, **once) for name, error in (("a", 1.0), ("b", 2.0))]
        rows += [make_row("supervised", s, 3.0 + s, rule="full") for s in range(several)]
        return finding_of("SSI015", rows, baseline="supervised" if several else "a", comparisons=pairs)

    assert found(("a", "b"), several=0).outcome == "passed"
    assert found(several=12).outcome == "passed"
    # its pairs are the runs of the other
    assert found(several=4).result.sentence.startswith("Fewer than 6 runs")
    assert found(("a", "supervised"), several=4).outcome == "failed"


def test_encoders_are_counted_where_readouts_have_no_randomness(make_row: MakeRow) -> None:
    once = {"rule": "full", "deterministic_at_full_set": True, "representation": "irmae"}
    rows = [make_row("a", 0, 1.0 + p, pretrain_seed=p, encoder_hash=f"{p}", **once) for p in range(3)]
    assert finding_of("SSI015", rows).result.sentence.startswith("Fewer than 6 runs")


def test_budgets_with_too_few_pairs_are_named(make_row: MakeRow) -> None:
    rows = [
        make_row(name, s, 10.0 + s, budget=budget)
        for budget, n in ((10, 10), (1000, 4), (10_000, 4))
        for name in ("a", "supervised")
        for s in range(n)
    ]
    details = finding_of("SSI015", rows).result.details
    assert "At 1,000 and 10,000 labels: with 4 pairs" in details
    assert "10 pairs" not in details


def test_many_contenders_need_more_pairs(make_row: MakeRow) -> None:
    names = [f"c{i}" for i in range(30)]
    rows = [make_row(name, s, 10.0 + s) for name in [*names, "supervised"] for s in range(10)]
    found = finding_of("SSI015", rows)
    assert found.result.sentence == "Too few pairs for p < 0.05 among all contenders."
    assert "(0.059 after Holm's correction for 30 contenders)" in found.result.details
    assert "that takes 11 pairs" in found.result.details


def test_a_contender_with_fewer_pairs_is_not_multiplied_by_those_that_have_more(make_row: MakeRow) -> None:
    pairs = {"supervised": 12, "few": 6, "many": 12, "more": 12}
    rows = [make_row(name, s, i + s / 10) for i, (name, n) in enumerate(pairs.items()) for s in range(n)]
    report = report_of(rows)
    corrected = {s.contender: s.difference.p_holm for s in report.summaries if s.difference}
    assert corrected["few"] == 2 / 2**6  # below 0.05, so no check may deny it
    assert outcomes(report)["SSI015"] == "passed"


def test_what_n_allows_counts_the_comparisons_with_as_few_pairs(make_row: MakeRow) -> None:
    few = [make_row(name, s, e) for name, e in (("a", 1.0), ("b", 2.0)) for s in range(8)]
    many = [make_row(name, s, e) for name, e in (("c", 1.0), ("d", 2.0)) for s in range(10)]
    never_run = [("x", f"y{i}") for i in range(6)]

    def found(pairs: list[tuple[str, str]], declared: int) -> Finding:
        return finding_of("SSI015", [*few, *many], baseline="c", comparisons=[*pairs, *never_run][:declared])

    # six comparisons with 8 pairs at most: 6 * 2 / 2^8 = 0.047
    assert found([("a", "b"), ("c", "d")], 7).outcome == "passed"
    alone = found([("a", "b")], 7)
    assert alone.result.sentence == "Too few pairs for p < 0.05 in declared comparisons."
    assert "7 comparisons" in alone.result.details
