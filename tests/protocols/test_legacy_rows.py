"""Rows from before version 0.1 are read as rows of today: their facts are those of the registry of contenders."""

import json
from pathlib import Path
from typing import Any

import pytest

from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.published import PUBLISHED_PROTOCOL
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.representations.floors import FLOOR_SOFTWARE, FLOORS
from ssl_irmae.protocols.storage.legacy import read_row
from ssl_irmae.protocols.storage.rows import Pretraining, Row

OLD_ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "old_rows.json").read_text())
KNOWN: dict[str, Contender] = {**CONTENDERS, **PUBLISHED_PROTOCOL}

every_old_row = pytest.mark.parametrize("old", OLD_ROWS, ids=[row["contender"] for row in OLD_ROWS])


def versions_of(computed_with: str) -> dict[str, str]:
    return dict(package.rsplit(" ", 1) for package in computed_with.split(", ")[:-1])


@every_old_row
def test_facts_agree_with_the_registry(old: dict[str, Any]) -> None:
    row = read_row(old)
    contender = KNOWN[row.contender]
    facts = ["readout", "reads", "family", "deterministic_at_full_set", "cross_validated", "settings_from"]
    facts += ["transductive", "test_peeks", "representation"]
    assert {name: getattr(row, name) for name in facts} == {name: getattr(contender, name) for name in facts}
    floor = FLOOR_SOFTWARE.get(row.representation or "", ())
    assert set(row.software) == {*contender.software, *floor}
    other_steps = not contender.frozen and row.settings["steps"] != contender.settings["steps"]
    assert row.given == (("steps",) if other_steps else ())
    assert row.revision == 1
    assert row.precision == ("fp32" if contender.frozen else old["precision"])
    assert (row.encoder_hash is None) == (contender.representation in {None, *FLOORS})


@every_old_row
def test_everything_else_stays_as_it_was(old: dict[str, Any]) -> None:
    row = read_row(old)
    same = set(old) & set(Row.model_fields) - {"contender", "encoder_hash", "pretraining", "precision"}
    assert {"error", "predictions", "subset", "settings", "pretrain_seed", "quick", "classes_predicted"} < same
    assert {name: getattr(row, name) for name in same} == {name: old[name] for name in same}
    assert (row.pretraining and str(row.pretraining)) == old["pretraining"]
    assert row.threads == int(old["computed_with"].split(", ")[-1].removesuffix(" threads"))
    assert list(row.software.items()) == [
        (name, version) for name, version in versions_of(old["computed_with"]).items() if name in row.software
    ]


def test_every_readout_of_old_rows_is_covered() -> None:
    assert len({row["readout"] for row in OLD_ROWS}) == 21


def test_a_readout_of_the_users_own_has_the_facts_of_a_contender_that_does_not_say() -> None:
    row = read_row({**old_row("irmae-linear"), "contender": "irmae-mine", "readout": "mine"})
    contender = Contender("mine", lambda _: None, "code", {})
    assert (row.contender, row.readout) == ("irmae-mine", "mine")
    facts = ["family", "deterministic_at_full_set", "cross_validated", "settings_from"]
    assert {name: getattr(row, name) for name in facts} == {name: getattr(contender, name) for name in facts}
    assert set(row.software) == set(contender.software)


def test_what_is_no_row_is_named() -> None:
    with pytest.raises(ValueError, match="later: "):
        read_row({**read_row(OLD_ROWS[0]).model_dump(), "later": 1})
    with pytest.raises(ValueError, match="encoder: missing"):
        read_row({name: value for name, value in OLD_ROWS[0].items() if name != "encoder"})


@pytest.mark.parametrize(
    ("old", "new"),
    [("irmae-best-of-50-looks", "irmae-published-best"), ("vae-last-look", "vae-published-last")],
)
def test_contenders_of_the_published_protocol_have_their_new_names(old: str, new: str) -> None:
    (row,) = [row for row in OLD_ROWS if row["contender"] == old]
    assert read_row(row).contender == new


@every_old_row
def test_a_completed_row_is_read_back_as_it_is(old: dict[str, Any]) -> None:
    row = read_row(old)
    assert read_row(row.model_dump(mode="json")) == row


def old_row(contender: str, **fields: object) -> dict[str, Any]:
    (row,) = [row for row in OLD_ROWS if row["contender"] == contender]
    return {**row, **fields}


_IRMAE = Pretraining(
    method="irmae", depth=8, steps=187_500, batch_size=32, learning_rate=1e-4, precision="bf16", other_data=None
)


@pytest.mark.parametrize(
    ("words", "pretraining"),
    [
        (None, None),
        ("irmae of depth 8, 187,500 steps of 32 images, learning rate 0.0001, bf16", _IRMAE),
        (
            "irmae of depth 8, 187,500 steps of 32 images, learning rate 0.0001, bf16; its card names other data "
            "(0123456789ab)",
            _IRMAE.model_copy(update={"other_data": "0123456789ab"}),
        ),
        (
            "irmae of depth 8, 187,500 steps of 32 images, learning rate 0.0001, bf16; its card does not name its data",
            _IRMAE.model_copy(update={"other_data": ""}),
        ),
        (
            "vae, 600 steps of 32 images, learning rate 1e-05, fp32",
            Pretraining(method="vae", steps=600, batch_size=32, learning_rate=1e-5, precision="fp32"),
        ),
        ("its card does not name its data", Pretraining(method="unknown", other_data="")),
        ("its card names other data (0123456789ab)", Pretraining(method="unknown", other_data="0123456789ab")),
    ],
)
def test_pretraining_is_read_from_words(words: str | None, pretraining: Pretraining | None) -> None:
    assert read_row(old_row("irmae-linear", pretraining=words)).pretraining == pretraining


def test_a_metric_loss_was_asked_for_and_counts_its_package() -> None:
    old = old_row("irmae-joint")
    plain, with_loss = read_row(old), read_row({**old, "settings": {**old["settings"], "metric_loss": "supcon"}})
    assert with_loss.given == ("metric_loss",)
    assert with_loss.software == {**plain.software, "pytorch-metric-learning": "2.9.0"}


def test_rows_from_before_pretraining_and_peeks_were_recorded_are_read() -> None:
    old = old_row("ae-knn")
    for later in ("pretraining", "looks", "pretrain_seed", "quick", "classes_predicted", "transductive"):
        del old[later]
    row = read_row(old)
    assert (row.pretraining, row.test_peeks, row.pretrain_seed, row.classes_predicted) == (None, 1, None, None)


def test_packages_that_cannot_change_a_bit_do_not_make_another_trial() -> None:
    old = old_row("irmae-poisson-prior")
    newer = old["computed_with"].replace("graphlearning 1.7.5", "graphlearning 1.8.0").replace("0.29.1", "0.30.0")
    assert newer != old["computed_with"]
    assert read_row({**old, "computed_with": newer}).key == read_row(old).key
    other_scipy = old["computed_with"].replace("scipy 1.17.1", "scipy 1.18.0")
    assert read_row({**old, "computed_with": other_scipy}).key != read_row(old).key
    assert read_row({**old, "computed_with": old["computed_with"].replace("2 threads", "1 threads")}).key != (
        read_row(old).key
    )


@pytest.mark.parametrize("computed_with", ["", "torch 2.9.0", "torch, 1 threads", 1, None, [1]])
def test_an_old_row_without_versions_and_threads_is_no_row(computed_with: object) -> None:
    with pytest.raises(ValueError, match=r"computed_with|none of an earlier version"):
        read_row({**old_row("irmae-linear"), "computed_with": computed_with})
