"""Never two protocols, two encoders or two versions in one table."""

import pytest

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.report.report import make_report
from ssl_irmae.protocols.report.selection import keep_crossed, keep_newest, select_protocol
from ssl_irmae.protocols.storage.rows import FinishedTrial, Pretraining, Row
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import changed, finished, rows_of, texts

SHORT = Pretraining(method="irmae", depth=8, steps=600, batch_size=32, learning_rate=1e-3, precision="fp32")
LONG = SHORT.model_copy(update={"steps": 22_500})


def of_irmae(trials: list[FinishedTrial]) -> list[FinishedTrial]:
    return [trial for trial in trials if trial.row.representation == "irmae"]


@pytest.mark.parametrize(
    ("field", "other", "argument", "choice"),
    [
        ("dataset", "mnist", "`dataset`", {"dataset": "mnist"}),
        ("data_fingerprint", "abcdef012", "`dataset`", {"dataset": "abcdef"}),
        ("scored_on", "development", "`scored_on`", {"scored_on": "development"}),
        ("rule", "uniform", "`rule`", {"rule": "uniform"}),
    ],
)
def test_several_protocols_are_listed_and_one_can_be_chosen(
    trials: list[FinishedTrial], field: str, other: str, argument: str, choice: dict[str, str]
) -> None:
    few = [trial for trial in trials if trial.row.budget == 10]
    both = few + changed(few, **{field: other})
    with pytest.raises(UserError, match=f"choose one with {argument}") as caught:
        select_protocol(both)
    assert str(caught.value).count("(42 trials)") == 2
    assert select_protocol(both, **choice) == changed(few, **{field: other})


def test_the_full_set_belongs_to_every_rule(trials: list[FinishedTrial]) -> None:
    assert select_protocol(trials, rule="balanced") == trials
    assert {trial.row.rule for trial in select_protocol(trials, rule="uniform")} == {"full"}


def test_a_rule_that_does_not_exist_does_not_leave_the_full_set_alone(trials: list[FinishedTrial]) -> None:
    with pytest.raises(UserError, match=r"unknown rule 'balancd'.*did you mean 'balanced'"):
        select_protocol(trials, rule="balancd")


def test_a_choice_without_trials_lists_what_there_is(trials: list[FinishedTrial]) -> None:
    with pytest.raises(UserError, match=r"no trial fits `dataset` mnist: there are digits scored on test"):
        select_protocol(trials, dataset="mnist")


def test_a_retrained_encoder_replaces_the_older_one_everywhere(trials: list[FinishedTrial]) -> None:
    linear = [t for t in trials if t.row.contender == "irmae-linear" and t.row.seed < 3]
    again = changed(linear, encoder_hash="newer")
    kept, notes = keep_newest([*trials, *again])
    assert {trial.row.encoder_hash for trial in of_irmae(kept)} == {"newer"}
    assert of_irmae(kept) == again
    # 2 x 7 + 1 of the linear readout, 3 x 7 of each of the two others
    (note,) = notes
    assert note.kind == "left out"
    assert "57 trials of an older encoder of the same name" in note.text
    assert "irmae-linear 15, irmae-knn 21, irmae-poisson-transductive 21" in note.text
    assert "57 trials" in note.brief
    assert "irmae-knn" not in note.brief


def test_encoders_of_other_pretraining_seeds_stand_beside_each_other(trials: list[FinishedTrial]) -> None:
    second = changed(of_irmae(trials), encoder_hash="second", pretrain_seed=1)
    kept, notes = keep_newest([*trials, *second])
    assert kept == [*trials, *second]
    assert notes == []


@pytest.mark.parametrize(("field", "value"), [("pretrain_seed", 0), ("pretraining", LONG)])
def test_trials_from_before_pretraining_was_recorded_join_the_others_of_their_encoder(
    trials: list[FinishedTrial], field: str, value: object
) -> None:
    newer = changed([t for t in trials if t.row.contender == "irmae-knn"], **{field: value})
    older = changed([t for t in newer if t.row.seed < 2], **{field: None})
    kept, notes = keep_newest([*older, *(t for t in newer if t.row.seed >= 2)])
    assert {getattr(trial.row, field) for trial in kept} == {value}
    assert len(kept) == len(newer)
    assert notes == []


def test_encoders_pretrained_in_another_way_are_not_averaged_with_the_newest(trials: list[FinishedTrial]) -> None:
    older = [
        trial
        for seed in (0, 1, 2)
        for trial in changed(
            of_irmae(trials), encoder_hash=f"quick-{seed}", pretrain_seed=seed, pretraining=SHORT, quick=True
        )
    ]
    newer = changed(of_irmae(trials), pretraining=LONG)
    kept, notes = keep_newest([*older, *newer])
    assert kept == newer
    (text,) = texts(notes, "left out")
    assert f"{len(older)} trials" in text


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("settings", {"C": 9.0}),
        ("precision", "bf16"),
        ("device", "cuda"),
        ("software", {"torch": "2.10.0"}),
        ("threads", 2),
        ("readout", "other"),
        ("reads", "code"),
        ("revision", 2),
        ("network", "residual"),
    ],
)
def test_a_mean_is_over_one_version(trials: list[FinishedTrial], field: str, other: object) -> None:
    older = [t for t in trials if (t.row.contender, t.row.budget) == ("supervised", 10)]
    again = changed(older[:4], **{field: other})
    kept, notes = keep_newest([*trials, *again])
    assert [t for t in kept if (t.row.contender, t.row.budget) == ("supervised", 10)] == again
    assert len(kept) == len(trials) - 7 + 4
    (text,) = texts(notes, "left out")
    assert "7 trials of older settings, code, precision, device or software (supervised 7)" in text
    computed = texts(notes, "software")
    assert len(computed) == (field in ("software", "threads", "precision", "device"))
    if computed:
        assert f"{'torch 2.10.0' if field == 'software' else f'{field} {other}'} (4 trials)" in computed[0]


def test_contenders_may_differ_in_what_computes_them(trials: list[FinishedTrial]) -> None:
    linear = [t for t in trials if t.row.contender == "irmae-linear"]
    others = [t for t in trials if t.row.contender != "irmae-linear"]
    _, notes = keep_newest([*others, *changed(linear, software={"torch": "2.9.0", "scikit-learn": "1.9.1"})])
    assert notes == []


def test_several_commits_are_counted(trials: list[FinishedTrial]) -> None:
    with_commit = [
        FinishedTrial(t.row, t.seconds, t.finished, {"commit": "a" * 40 if i < 5 else "b" * 40})
        for i, t in enumerate(trials)
    ]
    (text,) = texts(keep_newest(with_commit)[1], "commits")
    assert f"{'a' * 12} (5 trials)" in text
    assert f"{'b' * 12} ({len(trials) - 5} trials)" in text
    assert keep_newest(with_commit[:5])[1] == []


def test_the_same_trial_twice_counts_once(trials: list[FinishedTrial]) -> None:
    kept, notes = keep_newest([*trials, *changed(trials[:2])])
    assert sorted(map(str, rows_of(kept))) == sorted(map(str, rows_of(trials)))
    (text,) = texts(notes, "left out")
    assert "2 trials that are there twice" in text
    assert len(notes) == 1


def test_a_trial_with_two_errors_is_refused_and_both_are_named(trials: list[FinishedTrial]) -> None:
    newest = max(trials, key=lambda trial: trial.finished)
    (edited,) = changed([newest], error=newest.row.error + 7, predictions="of another machine")
    with pytest.raises(UserError) as caught:
        keep_newest([*trials, edited])
    message = str(caught.value)
    assert f"{newest.row.contender} at {newest.row.budget} labels, seed {newest.row.seed}" in message
    assert f"{newest.row.error:g} % (predictions {newest.row.predictions[:12]}" in message
    assert f"{edited.row.error:g} % (predictions of another" in message
    # the same images were wrong, but no rounding makes one number of the other
    with pytest.raises(UserError, match=r"12.34 % .* and 12.67 % .*a trial has one result"):
        keep_newest([*changed([newest], error=12.34), *changed([newest], error=12.67)])


def test_of_an_encoder_that_is_replaced_rows_may_contradict_each_other(trials: list[FinishedTrial]) -> None:
    linear = [t for t in trials if t.row.contender == "irmae-linear"]
    older = changed(linear, encoder_hash="older")
    contradiction = changed(older, error=99.0, predictions="other")
    assert keep_newest([*older, *contradiction, *linear])[0] == linear


@pytest.mark.parametrize("digits", [0, 1, 2])
def test_a_trial_whose_error_was_rounded_is_the_same_trial(trials: list[FinishedTrial], digits: int) -> None:
    exact = changed(trials[:7], error=12.3456)
    rounded = changed(exact, error=round(12.3456, digits))
    kept, notes = keep_newest([*exact, *rounded])
    assert len(kept) == 7
    assert "7 trials that are there twice" in texts(notes, "left out")[0]
    with pytest.raises(UserError, match="different errors"):
        keep_newest([*exact, *changed(rounded, predictions="other")])


@pytest.mark.parametrize(
    ("runs", "kept"),
    [
        ({0: [0, 1, 2], 1: [3, 4]}, {0: [0, 1, 2]}),
        ({0: [0], 1: [1]}, {0: [0]}),
        ({0: [0, 1], 1: [0, 1], 2: [2]}, {0: [0, 1], 1: [0, 1]}),
        ({0: [0, 1], 1: [1, 2]}, {0: [0, 1], 1: [1, 2]}),
        ({None: [0, 1], 0: [2]}, {None: [0, 1]}),
    ],
)
def test_pretraining_seeds_without_a_common_subset_are_left_out_and_the_report_is_made(
    make_row: MakeRow, runs: dict[int | None, list[int]], kept: dict[int | None, list[int]]
) -> None:
    def rows(runs: dict[int | None, list[int]]) -> list[Row]:
        fields = {"representation": "irmae", "encoder_hash": "h"}
        return [
            make_row("irmae-linear", s, 5.0 + s, pretrain_seed=p, **fields) for p, seeds in runs.items() for s in seeds
        ]

    others = [make_row("supervised", s, 9.0) for s in range(5)]
    trials, notes = keep_crossed(finished([*others, *rows(runs)]))
    assert rows_of(trials) == [*others, *rows(kept)]
    left_out = sum(map(len, runs.values())) - sum(map(len, kept.values()))
    assert len(notes) == (left_out > 0)
    if left_out:
        assert f"{left_out} trial" in notes[0].text
        assert (
            f"share no subset with the others and so have no mean with them (irmae-linear {left_out})" in notes[0].text
        )
    assert {s.contender for s in make_report(trials).summaries} == {"supervised", "irmae-linear"}


def test_a_contender_without_any_complete_division_into_folds_is_left_out(make_row: MakeRow) -> None:
    def rows(name: str, folds: range) -> list[Row]:
        return [make_row(name, s, 5.0, fold=fold, folds=3, scored_on="folds") for s in range(2) for fold in folds]

    whole, stopped = rows("a", range(3)), rows("b", range(2))
    trials, notes = keep_crossed(finished([*whole, *stopped]))
    assert rows_of(trials) == whole
    assert "4 trials of which no seed was run on every fold (b 4)" in notes[0].text
    with pytest.raises(UserError, match="no seed of any contender was run on all 3 folds: run the missing trials"):
        keep_crossed(finished(stopped))
