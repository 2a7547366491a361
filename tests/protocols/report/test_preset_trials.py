"""Of a preset only the trials that it declared are summarised, and what is missing is counted."""

import dataclasses

import pytest

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.presets import Preset
from ssl_irmae.protocols.report.preset_trials import trials_of_preset
from ssl_irmae.protocols.storage.rows import FinishedTrial
from tests.protocols.report.conftest import CONTENDERS, SEEDS, changed, texts

PART = Part(contenders=tuple(CONTENDERS), budgets=(10, 100, None), seeds=tuple(SEEDS))
PRESET = Preset("digits", "supervised", (PART,))


def with_part(**fields: object) -> Preset:
    return PRESET._replace(parts=(PART.model_copy(update=fields),))


def test_trials_that_a_preset_declares_are_all_kept(trials: list[FinishedTrial]) -> None:
    assert trials_of_preset(PRESET, trials) == (trials, [])


@pytest.mark.parametrize(
    "change", [{"dataset": "mnist"}, {"scored_on": "development"}, {"rule": "uniform"}, {"seed": 99}, {"budget": 11}]
)
def test_trials_that_a_preset_would_not_have_run_are_left_out(
    trials: list[FinishedTrial], change: dict[str, object]
) -> None:
    odd = changed(trials[:1], **change)
    kept, notes = trials_of_preset(PRESET, [*trials, *odd])
    assert kept == trials
    (text,) = texts(notes, "left out")
    assert text == "Left out: 1 trials that the protocol does not have (irmae-linear)."
    with pytest.raises(UserError, match="none of these trials belongs to this `preset`"):
        trials_of_preset(PRESET, odd)


def test_networks_trained_for_other_steps_are_left_out(trials: list[FinishedTrial]) -> None:
    preset = with_part(steps=600)
    trained = [t for t in trials if t.row.reads == "images"]
    frozen = [t for t in trials if t.row.reads != "images"]
    right, wrong = (changed(trained, settings={"steps": steps}) for steps in (600, 100))
    assert trials_of_preset(preset, [*frozen, *right])[0] == [*frozen, *right]
    assert trials_of_preset(preset, [*frozen, *wrong])[0] == frozen


def test_missing_trials_are_counted(trials: list[FinishedTrial]) -> None:
    row = trials[0].row
    preset = with_part(contenders=(row.contender,), budgets=(row.budget,), seeds=(row.seed, 77, 78))
    ((text,), (brief,)) = zip(*((n.text, n.brief) for n in trials_of_preset(preset, trials[:1])[1]), strict=True)
    assert "2 of the protocol's 3 trials, of 1 contenders" in text
    assert "2 of 3 planned trials" in brief
    complete = with_part(contenders=(row.contender,), budgets=(row.budget,), seeds=(row.seed,))
    assert trials_of_preset(complete, trials[:1])[1] == []


def test_a_readout_without_randomness_is_due_once_at_the_full_set(trials: list[FinishedTrial]) -> None:
    preset = with_part(contenders=("irmae-linear", "supervised"), budgets=(None,))
    full = [t for t in trials if t.row.rule == "full" and t.row.contender in ("irmae-linear", "supervised")]
    assert len(full) == 1 + len(SEEDS)
    assert trials_of_preset(preset, full) == (full, [])
    (text,) = texts(trials_of_preset(preset, full[1:])[1], "not run")
    assert "1 of the protocol's 8 trials" in text


def test_networks_in_another_precision_are_named_and_never_mixed_in(trials: list[FinishedTrial]) -> None:
    preset = PRESET._replace(precision="bf16")
    kept, notes = trials_of_preset(preset, trials)
    assert kept == trials
    assert texts(notes, "software") == ["Networks in fp32, where the protocol declares bf16."]
    frozen = [t for t in trials if t.row.reads != "images"]
    trained = [t for t in trials if t.row.reads == "images"]
    exact = changed(trained[:5], precision="bf16")
    kept, notes = trials_of_preset(preset, [*frozen, *trained[5:], *exact])
    assert kept == [*frozen, *exact], "frozen codes are read in single precision, whatever a preset declares"
    assert texts(notes, "software") == []
    assert f"{len(trained) - 5} trials" in texts(notes, "left out")[0]


def test_the_order_of_trials_is_kept(trials: list[FinishedTrial]) -> None:
    backwards = [dataclasses.replace(t, finished="") for t in reversed(trials)]
    assert trials_of_preset(PRESET, backwards)[0] == backwards
