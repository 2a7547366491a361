"""Finished trials in a store, a rows.csv or a JSON document are the same trials."""

import contextlib
import csv
import dataclasses
import gzip
import io
import json
import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.report.document import document_json
from ssl_irmae.protocols.report.report import make_report
from ssl_irmae.protocols.storage.files import csv_text, environments_json, mistakes_npz, read_trials, rows_csv
from ssl_irmae.protocols.storage.rows import FinishedTrial, Pretraining
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.subsets import Subset
from tests.protocols.report.conftest import changed, rows_of

PRETRAINING = Pretraining(method="irmae", depth=8, steps=600, batch_size=32, learning_rate=1e-5, precision="bf16")


@pytest.fixture
def every_field(trials: list[FinishedTrial]) -> list[FinishedTrial]:
    """Trials of which some have every field that may be empty."""
    some = changed(
        trials[:10],
        given=("C", "loss"),
        cross_validated=("C",),
        settings_from="published script",
        pretraining=PRETRAINING.model_copy(update={"other_data": ""}),
        test_peeks=50,
        revision=2,
        quick=True,
        classes_predicted=1,
        software={"torch": "2.9.0+cu130", "scikit-learn": "1.9.1"},
    )
    others = changed(trials[10:], pretraining=None, classes_predicted=None)
    return [dataclasses.replace(trial, wrong=bytes([i % 256] * 125)) for i, trial in enumerate([*some, *others])]


def test_a_store_a_csv_and_a_json_document_hold_the_same_rows(
    every_field: list[FinishedTrial], trials: list[FinishedTrial], tmp_path: Path
) -> None:
    assert mistakes_npz(trials) is None
    store = Store(tmp_path / "any-name")
    for trial in every_field:
        assert store.add(trial, Subset(np.arange(3), trial.row.seed, "balanced"))
    (tmp_path / "rows.csv").write_text(rows_csv(every_field))
    assert not read_trials(tmp_path / "rows.csv")[0].environment
    (tmp_path / "environments.json").write_text(environments_json(every_field))
    assert not read_trials(tmp_path / "rows.csv")[0].wrong
    (tmp_path / "mistakes.npz").write_bytes(mistakes_npz(every_field) or b"")
    oldest_first = sorted(every_field, key=lambda trial: trial.finished)
    assert oldest_first != every_field
    assert read_trials(tmp_path / "any-name") == oldest_first
    assert read_trials(tmp_path / "rows.csv") == oldest_first
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(rows_csv(every_field).encode()))
    assert read_trials(tmp_path / "rows.csv.gz") == oldest_first


def test_a_report_as_json_holds_its_rows(trials: list[FinishedTrial], tmp_path: Path) -> None:
    report = make_report(trials)
    (tmp_path / "report.json").write_text(document_json(report))
    read = read_trials(tmp_path / "report.json")
    assert rows_of(read) == report.rows()
    assert all(math.isnan(trial.seconds) and not trial.finished for trial in read), "a document has no times"
    assert read[0].environment == trials[0].environment


def test_rows_of_a_document_with_several_environments_name_all_of_them(
    trials: list[FinishedTrial], tmp_path: Path
) -> None:
    environments: list[dict[str, object]] = [{"python": "3.11.7"}, {"python": "3.12.1"}]
    rows = [trial.row.model_dump(mode="json") for trial in trials]
    (tmp_path / "a.json").write_text(json.dumps({"rows": rows, "environments": environments}))
    assert read_trials(tmp_path / "a.json")[0].environment == {"one of": environments}


def test_rows_csv_names_every_trial_by_its_key(every_field: list[FinishedTrial], tmp_path: Path) -> None:
    text = rows_csv(every_field)
    (tmp_path / "rows.csv").write_text(text)
    written = {line["key"] for line in csv.DictReader(io.StringIO(text))}
    assert len(written) == len(every_field)
    assert written == {row.key for row in rows_of(read_trials(tmp_path / "rows.csv"))}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "{"),
        ("a.json", "[1]"),
        ("a.json", '{"rows": [{"contender": "x"}]}'),
        ("a.json", '{"rows": [1]}'),
        ("a.json", '{"rows": [], "environments": [1]}'),
        ("a.csv", "a,b\n1,2\n"),
        ("a.csv", "key;contender;budget\n1;2;3\n"),
    ],
)
def test_other_files_are_rejected_in_one_sentence(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match="cannot be read as a store"):
        read_trials(tmp_path / name)


@pytest.mark.parametrize(
    ("cell", "value", "named"),
    [
        ("seconds", "inf", "seconds: inf"),
        ("seconds", "-3", "seconds: -3"),
        ("budget", "9" * 30, "budget"),
        ("balanced_error", "nan", "balanced_error"),
        ("settings", '{"C": NaN}', "settings"),
        ("class_errors", "[1.0, 2.0, 3.0]", "class_errors: 3 for 0 classes"),
        ("fold", "0", "fold: 0 is not one of None folds"),
    ],
)
def test_a_cell_that_cannot_be_is_named(
    trials: list[FinishedTrial], tmp_path: Path, cell: str, value: str, named: str
) -> None:
    lines = list(csv.DictReader(io.StringIO(rows_csv(trials[:3]))))
    lines[1][cell] = value
    (tmp_path / "a.csv").write_text(csv_text([dict(line) for line in lines]))
    with pytest.raises(UserError, match="cannot be read as a store") as caught:
        read_trials(tmp_path / "a.csv")
    assert named in str(caught.value)


def test_a_store_with_a_duration_that_cannot_be_is_damaged(trials: list[FinishedTrial], tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.add(trials[0], Subset(np.arange(3), 0, "balanced"))
    with contextlib.closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE trials SET seconds = 9e999")
    with pytest.raises(UserError, match="is damaged"):
        store.trials()


@pytest.mark.parametrize("change", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")])
def test_what_a_spreadsheet_makes_of_a_file_is_read(
    trials: list[FinishedTrial], tmp_path: Path, change: Callable[[str], str]
) -> None:
    text = change(rows_csv(trials))
    for name, content in {
        "a.csv": text.encode(),
        "B.CSV": text.encode(),
        "a.csv.gz": gzip.compress(text.encode()),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert len(read_trials(tmp_path / name)) == len(trials)


def test_a_column_that_is_there_twice_is_refused(trials: list[FinishedTrial], tmp_path: Path) -> None:
    head, *lines = rows_csv(trials).splitlines()
    (tmp_path / "a.csv").write_text("\n".join([f"{head},budget", *(f"{line},7" for line in lines)]))
    with pytest.raises(UserError, match="several columns budget"):
        read_trials(tmp_path / "a.csv")


@pytest.mark.parametrize("damage", [lambda packed: packed[:-20], lambda packed: b"key" + packed, lambda _: b""])
def test_a_damaged_gzipped_file_is_rejected_in_one_sentence(
    trials: list[FinishedTrial], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "rows.csv.gz").write_bytes(damage(gzip.compress(rows_csv(trials).encode())))
    with pytest.raises(UserError, match=r"rows\.csv\.gz (cannot be read as a store|holds no finished trial)"):
        read_trials(tmp_path / "rows.csv.gz")


def test_a_missing_store_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        read_trials(tmp_path / "typo.sqlite")
    assert not list(tmp_path.iterdir())


def test_reading_a_store_does_not_change_it(trials: list[FinishedTrial], tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Store(path).add(trials[0], Subset(np.arange(3), 0, "balanced"))
    before = path.read_bytes()
    assert len(read_trials(path)) == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        {"error": 150.0},
        {"error": math.nan},
        {"n_scored": 0},
        {"budget": 0},
        {"balanced_error": 900.0},
        {"constant_error": math.nan},
        {"class_errors": [math.inf, 1.0]},
    ],
)
def test_impossible_rows_are_rejected(trials: list[FinishedTrial], tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"rows": [trials[0].row.model_dump() | change]}))
    with pytest.raises(UserError, match="cannot be read"):
        read_trials(path)


def test_a_damaged_environments_file_is_rejected(trials: list[FinishedTrial], tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(rows_csv(trials))
    (tmp_path / "environments.json").write_text("[]")
    with pytest.raises(UserError, match=r"environments\.json holds no object"):
        read_trials(tmp_path / "rows.csv")


@pytest.mark.parametrize("content", ["[]", ""])
def test_a_damaged_mistakes_file_is_rejected(trials: list[FinishedTrial], tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.csv").write_text(rows_csv(trials))
    (tmp_path / "mistakes.npz").write_text(content)
    with pytest.raises(UserError, match=r"mistakes\.npz cannot be read"):
        read_trials(tmp_path / "rows.csv")


def test_an_empty_store_has_no_finished_trial(tmp_path: Path) -> None:
    Store(tmp_path / "s")
    with pytest.raises(UserError, match="no finished trial"):
        read_trials(tmp_path / "s")


def test_a_row_that_was_changed_by_hand_is_named(trials: list[FinishedTrial], tmp_path: Path) -> None:
    lines = list(csv.DictReader(io.StringIO(rows_csv(trials))))
    document = json.loads(document_json(make_report(trials)))
    for line in (lines[2], document["rows"][2]):
        line["seed"] = 77
    (tmp_path / "rows.csv").write_text(csv_text(lines))
    (tmp_path / "report.json").write_text(json.dumps(document))
    for name in ("rows.csv", "report.json"):
        with pytest.raises(
            UserError, match=rf"{name}: row 3 \(irmae-linear at 10 labels, seed 77\) was changed after it was written"
        ):
            read_trials(tmp_path / name)
    unkeyed = [{name: cell for name, cell in line.items() if name != "key"} for line in lines]
    (tmp_path / "rows.csv").write_text(csv_text(unkeyed))
    assert {trial.row.seed for trial in read_trials(tmp_path / "rows.csv")} >= {77}, "without keys nothing is known"
