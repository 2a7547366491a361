"""Provenance: who saw what, and when, from the rows alone."""

import dataclasses

from ssl_irmae.protocols.report.provenance import provenance_notes
from ssl_irmae.protocols.storage.rows import FinishedTrial, Pretraining
from tests.protocols.report.conftest import changed

PRETRAINING = Pretraining(
    method="irmae", depth=8, steps=600, batch_size=32, learning_rate=1e-4, precision="bf16", other_data="0123456789ab"
)


def text_of(trials: list[FinishedTrial]) -> str:
    return "\n".join(note.text for note in provenance_notes(trials))


def test_scored_labels_are_with_the_scorer_alone(trials: list[FinishedTrial]) -> None:
    text = text_of(trials)
    assert "The labels of the 1,000 scored images (fingerprint t) were with the scorer alone" in text
    assert f"first at {min(t.finished for t in trials)}, last at {max(t.finished for t in trials)}" in text


def test_unknown_times_are_counted(trials: list[FinishedTrial]) -> None:
    unknown = [dataclasses.replace(trial, finished="") for trial in trials]
    assert "at times that were not recorded here" in text_of(unknown)
    assert "(3 at times that were not recorded)" in text_of([*unknown[:3], *trials[3:]])


def test_transductive_contenders_are_named(trials: list[FinishedTrial]) -> None:
    (text,) = [note.text for note in provenance_notes(trials) if note.text.startswith("Transductive")]
    assert "irmae-poisson-transductive" in text
    inductive = [trial for trial in trials if not trial.row.transductive]
    assert "Transductive" not in text_of(inductive)


def test_settings_say_who_chose_them(trials: list[FinishedTrial]) -> None:
    script, code = "those of the public reference script", "chosen on held-out MNIST training images"
    plain = text_of(trials)
    assert (script in plain, code in plain) == (False, True)
    published = changed(trials, settings_from="published script")
    assert (script in text_of(published), code in text_of(published)) == (True, False)
    assert (script in text_of([*published[:1], *trials]), code in text_of([*published[:1], *trials])) == (True, True)
    assert "given with the command instead" not in plain
    assert "given with the command instead: C 0.1" in text_of(changed(trials, given=("C",)))
    assert "cross-validation" not in plain
    assert "; C by cross-validation inside the labelled subset" in text_of(changed(trials, cross_validated=("C",)))


def test_encoders_are_named_with_their_weights_and_pretraining(trials: list[FinishedTrial]) -> None:
    irmae = [trial for trial in trials if trial.row.representation == "irmae"]
    text = text_of(changed(irmae, pretraining=PRETRAINING, encoder_hash="abcdef" * 8))
    assert "irmae (abcdefabcdef; irmae of depth 8, 600 steps of 32 images, learning rate 0.0001, bf16; " in text
    assert "its card names other data (0123456789ab))" in text
    scratch = [trial for trial in trials if trial.row.encoder_hash is None]
    assert "No pretrained encoder took part." in text_of(scratch)


def test_subsets_are_counted_and_hashed_together(trials: list[FinishedTrial]) -> None:
    (text,) = [note.text for note in provenance_notes(trials) if note.text.startswith("Labelled subsets")]
    assert "rule balanced, full" in text
    assert "15 in all" in text  # seven at each of two budgets, and the full set
    other = changed(trials[:1], subset="another")
    assert text not in text_of([*other, *trials[1:]])


def test_software_precision_and_device_are_listed(trials: list[FinishedTrial]) -> None:
    assert "Computed with torch 2.9.0, 1 threads, fp32, cpu." in text_of(trials)
    both = text_of([*changed(trials[:1], precision="bf16", threads=2), *trials[1:]])
    assert "torch 2.9.0, 1 threads, fp32, cpu; torch 2.9.0, 2 threads, bf16, cpu" in both
