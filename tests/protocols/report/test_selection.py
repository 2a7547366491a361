"""Trials out of files, and never two protocols, two encoders or two versions in one table."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.report.selection import keep_newest, select_protocol
from ssl_irmae.protocols.report.tables.export import environments_json, mistakes_npz, rows_csv
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.rows import FinishedTrial
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.subsets import Subset


def changed(trials: list[FinishedTrial], **fields: object) -> list[FinishedTrial]:
    return [dataclasses.replace(kept, row=kept.row.model_copy(update=fields)) for kept in trials]


def rows(trials: list[FinishedTrial]) -> list[object]:
    return [kept.row for kept in trials]


def test_a_store_a_csv_and_a_json_document_give_the_same_rows(trials, tmp_path: Path) -> None:
    assert mistakes_npz(trials) is None
    trials = [dataclasses.replace(kept, wrong=bytes([i % 256] * 125)) for i, kept in enumerate(trials)]
    store = Store(tmp_path / "any-name")
    for i, kept in enumerate(trials):
        store.add(str(i), kept, Subset(np.arange(3), kept.row.seed, "balanced"))
    (tmp_path / "rows.csv").write_text(rows_csv(trials))
    assert not read_trials(tmp_path / "rows.csv")[0].environment
    (tmp_path / "environments.json").write_text(environments_json(trials))
    assert not read_trials(tmp_path / "rows.csv")[0].wrong
    (tmp_path / "mistakes.npz").write_bytes(mistakes_npz(trials) or b"")
    document = {"rows": [kept.row.model_dump(mode="json") for kept in trials], "environments": [trials[0].environment]}
    (tmp_path / "evaluate.json").write_text(json.dumps(document))
    oldest_first = sorted(trials, key=lambda k: k.finished)
    assert oldest_first != trials
    assert read_trials(tmp_path / "any-name") == oldest_first
    assert read_trials(tmp_path / "rows.csv") == oldest_first
    assert rows(read_trials(tmp_path / "evaluate.json")) == rows(trials), "it tells no times"
    assert read_trials(tmp_path / "evaluate.json")[0].environment == trials[0].environment


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", "{"), ("a.json", "[1]"), ("a.json", '{"rows": [{"contender": "x"}]}'), ("a.csv", "a,b\n1,2\n")],
)
def test_another_file_is_refused_in_a_sentence(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match="cannot be read as a store"):
        read_trials(tmp_path / name)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        read_trials(tmp_path / "typo.sqlite")
    assert not list(tmp_path.iterdir())


def test_reading_a_store_does_not_change_it(trials, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Store(path).add("key", trials[0], Subset(np.arange(3), 0, "balanced"))
    before = path.read_bytes()
    assert len(read_trials(path)) == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize("change", [{"error": 150.0}, {"error": math.nan}, {"n_scored": 0}, {"budget": 0}])
def test_a_row_that_cannot_be_is_refused(trials, tmp_path: Path, change: dict[str, float]) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"rows": [trials[0].row.model_dump() | change]}))
    with pytest.raises(UserError, match="cannot be read"):
        read_trials(path)


def test_environments_that_are_none_are_refused(trials, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(rows_csv(trials))
    (tmp_path / "environments.json").write_text("[]")
    with pytest.raises(UserError, match=r"environments\.json holds no object"):
        read_trials(tmp_path / "rows.csv")


def test_mistakes_that_are_none_are_refused(trials, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(rows_csv(trials))
    (tmp_path / "mistakes.npz").write_text("[]")
    with pytest.raises(UserError, match=r"rows\.csv cannot be read"):
        read_trials(tmp_path / "rows.csv")


def test_an_empty_store_is_said_to_be_empty(tmp_path: Path) -> None:
    Store(tmp_path / "s")
    with pytest.raises(UserError, match="no finished trial"):
        read_trials(tmp_path / "s")


@pytest.mark.parametrize(
    ("field", "other", "option", "choice"),
    [
        ("dataset", "mnist", "--dataset", {"dataset": "mnist"}),
        ("data_fingerprint", "abcdef012", "--dataset", {"dataset": "abcdef"}),
        ("scored_on", "development", "--scored-on", {"scored_on": "development"}),
        ("rule", "uniform", "--rule", {"rule": "uniform"}),
    ],
)
def test_several_protocols_are_listed_and_one_can_be_chosen(trials, field, other, option, choice) -> None:
    few = [kept for kept in trials if kept.row.budget == 10]
    both = few + changed(few, **{field: other})
    with pytest.raises(UserError, match=f"choose one with {option}") as caught:
        select_protocol(both)
    assert str(caught.value).count("(42 trials)") == 2
    assert rows(select_protocol(both, **choice)) == rows(changed(few, **{field: other}))


def test_the_full_set_belongs_to_both_rules(trials) -> None:
    assert select_protocol(trials, rule="balanced") == trials
    assert {kept.row.rule for kept in select_protocol(trials, rule="uniform")} == {"full"}


def test_a_choice_that_fits_nothing_lists_what_there_is(trials) -> None:
    with pytest.raises(UserError, match=r"no trial fits --dataset mnist: there are digits scored on test"):
        select_protocol(trials, dataset="mnist")


def test_a_retrained_encoder_replaces_the_older_one_everywhere(trials) -> None:
    again = changed([k for k in trials if k.row.contender == "irmae-linear" and k.row.seed < 3], encoder_hash="newer")
    kept, notes = keep_newest([*trials, *again])
    assert {k.row.encoder_hash for k in kept if k.row.encoder == "irmae"} == {"newer"}
    assert [k for k in kept if k.row.encoder == "irmae"] == again
    # 2 x 7 + 1 of the linear readout, 3 x 7 of each of the two others
    assert notes == [
        "Left out: 57 trials of an older encoder of the same name "
        "(irmae-linear 15, irmae-knn 21, irmae-poisson-transductive 21)."
    ]


def test_encoders_of_other_pretraining_seeds_stand_beside_each_other(trials) -> None:
    second = changed([k for k in trials if k.row.encoder == "irmae"], encoder_hash="second", pretrain_seed=1)
    kept, notes = keep_newest([*trials, *second])
    assert kept == [*trials, *second]
    assert notes == []


def test_trials_from_before_rows_told_the_pretraining_seed_join_the_others_of_their_encoder(trials) -> None:
    of_one = [k for k in trials if k.row.contender == "irmae-knn"]
    older = changed([k for k in of_one if k.row.seed < 2], pretrain_seed=None)
    kept, notes = keep_newest([*older, *(k for k in of_one if k.row.seed >= 2)])
    assert {k.row.pretrain_seed for k in kept} == {0}
    assert len(kept) == len(of_one)
    assert notes == []


def test_encoders_that_were_pretrained_in_another_way_are_not_averaged_with_the_newest(trials) -> None:
    irmae = [k for k in trials if k.row.encoder == "irmae"]
    older = [
        k
        for seed in (0, 1, 2)
        for k in changed(irmae, encoder_hash=f"quick-{seed}", pretrain_seed=seed, pretraining="600 steps", quick=True)
    ]
    newer = changed(irmae, pretraining="22,500 steps")
    kept, notes = keep_newest([*older, *newer])
    assert kept == newer
    assert sum(row_count(note) for note in notes) == len(older)


def row_count(note: str) -> int:
    return int(note.split(" trials")[0].removeprefix("Left out: "))


@pytest.mark.parametrize("field", ["settings", "precision", "device", "computed_with", "readout", "reads"])
def test_a_mean_is_over_one_version(trials, field: str) -> None:
    other = {"C": 9.0} if field == "settings" else "other"
    again = changed([k for k in trials if (k.row.contender, k.row.budget) == ("supervised", 10)][:4], **{field: other})
    kept, notes = keep_newest([*trials, *again])
    here = [k for k in kept if (k.row.contender, k.row.budget) == ("supervised", 10)]
    assert here == again
    assert len(kept) == len(trials) - 7 + 4
    assert "Left out: 7 trials of older settings, precision, device or software (supervised 7)." in notes
    assert any("not all contenders" in n.lower() for n in notes) == (field in ("computed_with", "precision", "device"))


def test_the_same_trial_twice_counts_once(trials) -> None:
    kept, notes = keep_newest([*trials, *changed(trials[:2])])
    assert sorted(map(str, rows(kept))) == sorted(map(str, rows(trials)))
    assert len(notes) == 1
    assert "2 trials that are there twice" in notes[0]
