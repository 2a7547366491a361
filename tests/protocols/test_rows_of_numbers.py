"""Rows of numbers in protocols: frozen codes and standardised columns are compared; what is for pictures says so."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ssl_irmae._support.home import home
from ssl_irmae._support.progress import Event, Message, Pretrained, TrialDone
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.pretrain import pretrain
from ssl_irmae.protocols.evaluation import evaluate
from ssl_irmae.protocols.export import export
from ssl_irmae.protocols.forecast.forecast import plan
from ssl_irmae.protocols.labelling.classify import classify
from ssl_irmae.protocols.labelling.suggest import suggest
from ssl_irmae.protocols.report.document import document
from ssl_irmae.protocols.report.tables.markdown import markdown
from ssl_irmae.protocols.report.text import report_text
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.request import make_plan
from tests.command_line import check_mistake


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


Table = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]


def table(units: float = 1.0) -> Table:
    """Return rows of two classes, with a test split: one column tells them apart, the other has larger numbers."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    rows = np.stack([rng.normal(size=60) + 8 * labels, 1e6 * rng.normal(size=60)], 1) * [units, 1]
    return rows[:40], labels[:40], rows[40:], labels[40:]


def test_pixels_of_rows_are_their_standardised_columns() -> None:
    rows = torch.from_numpy(table()[0])[:, :, None, None]
    codes = FLOORS["pixels"].fit(rows, torch.device("cpu"))(rows, "code")
    torch.testing.assert_close(codes.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(codes.var(0, correction=0), torch.ones(2))


def test_readouts_of_an_encoder_and_of_the_columns_are_compared() -> None:
    train, labels, *_ = table()
    pretrain(dataset=(train, labels), out="runs/mine", method="ae", max_steps=200)
    contenders = ["mine-linear", "mine-knn", "pixels-linear", "pca-linear", "random-linear"]
    report = evaluate(budgets=8, seeds=2, dataset=table(), encoders="runs/mine", contenders=contenders, jobs=1)
    errors = {row.contender: row.error for row in report.rows()}
    assert errors.keys() == set(contenders)
    assert errors["pixels-linear"] == 0
    assert errors["mine-linear"] <= 10
    other_units = evaluate(budgets=8, seeds=2, dataset=table(1e-3), contenders="pixels-linear", jobs=1)
    assert {row.error for row in other_units.rows()} == {0}


def test_by_default_no_network_is_trained_on_rows() -> None:
    plan = make_plan(dataset=table(), encoders=["mine"])
    assert all(contender.frozen for contender in plan.contenders.values())
    assert {"irmae-linear", "mine-linear", "pixels-linear"} <= plan.contenders.keys()
    assert {"supervised", "mine-joint"} <= make_plan(dataset="digits", encoders=["mine"]).contenders.keys()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"contenders": "supervised"}, "`contenders`: supervised trains a network on pictures, and the data are rows"),
        ({"contenders": "pixels-linear", "baseline": "vib"}, "`baseline`: vib trains a network on pictures"),
        ({"preset": "published"}, "`preset`: published trains a network on pictures"),
        ({"network": "conv"}, "`network`: conv reads pictures, and rows of numbers have mlp"),
        ({"encoders": "mnist-ae"}, "arrays has 2 columns of numbers, and the encoders read pictures"),
    ],
)
def test_what_needs_pictures_is_refused_in_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        evaluate(**{"dataset": table(), **given})


@pytest.mark.parametrize("ask", [evaluate, plan])
def test_an_encoder_of_rows_reads_as_many_columns_as_in_its_pretraining_and_no_pictures(
    ask: Callable[..., object],
) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3))
    pretrain(dataset=rows, out="runs/mine", max_steps=2)
    with pytest.raises(
        UserError, match="arrays has 2 columns of numbers, and the encoders read rows of 3 columns: give"
    ):
        ask(budgets=4, dataset=table(), encoders="runs/mine", contenders="mine-linear")
    with pytest.raises(
        UserError, match="digits has pictures, and the encoders read rows of 3 columns: name encoders of"
    ):
        ask(budgets=20, dataset="digits", encoders="runs/mine", contenders="mine-linear")


def test_columns_of_other_names_are_not_those_of_the_pretraining() -> None:
    Path("a.csv").write_text("x,y,label\n" + "".join(f"{i},{i * i},{i % 2}\n" for i in range(20)))
    Path("b.csv").write_text("y,x,label\n" + "".join(f"{i},{i * i},{i % 2}\n" for i in range(20)))
    pretrain(dataset="a.csv", out="runs/mine", max_steps=2)
    with pytest.raises(UserError, match="column 1 is 'y', where the encoder was pretrained on 'x'"):
        evaluate(budgets=4, dataset="b.csv", encoders="runs/mine", contenders="mine-linear")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("x,label", "b.csv lacks the column 'y': give the columns of its pretraining"),
        ("x,y,z,label", "b.csv has the column 'z', which the encoder was not pretrained on"),
        ("x,z,label", "b.csv lacks the column 'y' and has the column 'z'"),
        ("y,x,label", "b.csv: column 1 is 'y', where the encoder was pretrained on 'x'"),
        (None, "b.csv has 3 columns of numbers, and the encoder reads 2: x, y"),
    ],
)
def test_columns_that_are_missing_or_too_many_are_named_with_their_file(header: str | None, said: str) -> None:
    def write(path: str, header: str | None, width: int) -> None:
        rows = [",".join(str(i * j % 7) for j in range(1, width)) + f",{i % 2}" for i in range(20)]
        Path(path).write_text("\n".join([*([] if header is None else [header]), *rows]) + "\n")

    write("a.csv", "x,y,label", 3)
    write("b.csv", header, 3 if header is None else len(header.split(",")))
    pretrain(dataset="a.csv", out="runs/mine", max_steps=2)
    for command in (
        "dimension --dataset b.csv --encoder runs/mine",
        "encode --dataset b.csv --encoder runs/mine --out c.npz",
    ):
        check_mistake(command, said)


def test_what_shows_pictures_says_that_these_are_none() -> None:
    rows, labels, *_ = table()
    pretrain(dataset=rows, out="runs/mine", max_steps=2)
    some = np.where(np.arange(40) < 8, labels, -1)
    for call in (lambda: suggest((rows, some), n=5, out="s"), lambda: classify((rows, some), out="c")):
        with pytest.raises(UserError, match="arrays: these are rows of numbers, where pictures are read"):
            call()
    with pytest.raises(UserError, match="reads rows of numbers, and only encoders of pictures are written as ONNX"):
        export("runs/mine", out="mine.onnx")
    assert [path.name for path in Path().iterdir()] == ["runs"]


def test_rows_are_called_rows_wherever_a_person_reads() -> None:
    events: list[Event] = []
    train, labels, *_ = table()
    pretrain(dataset=(train, labels), out="runs/mine", method="ae", max_steps=20, progress=events.append)
    assert {event.noun for event in events if isinstance(event, Pretrained)} == {"row"}
    for dataset in ((train, labels), table()):
        report = evaluate(
            budgets=[4, 8],
            seeds=2,
            dataset=dataset,
            encoders="runs/mine",
            contenders=["mine-linear", "pixels-linear", "pixels-poisson-transductive"],
            progress=events.append,
        )
        shown = {
            (done.contender, done.budget): (done.group_mean, done.group_size)
            for done in events
            if isinstance(done, TrialDone) and done.group_mean is not None
        }
        assert shown == {(s.contender, s.budget): (s.mean, s.n) for s in report.summaries}, "as tables have them"
        checks = [
            check["sentence"] + check["details"] + check["why"] + check["remedy"]
            for check in document(report)["checks"]
        ]
        said = [report_text(report, width=100, notes="full"), markdown(report), report.title, *checks]
        said += [event.text for event in events if isinstance(event, Message)]
        text = " ".join(said).replace("chosen on held-out MNIST training images", "")  # those are images
        assert not re.findall(r".{40}\b(?:image|picture)s?\b", text)


def test_an_encoder_that_is_compared_by_default_is_planned_and_shown_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.representations.pretrained.QUICK_STEPS", 2)
    evaluate(budgets=4, seeds=1, dataset=table(), contenders="irmae-linear")
    (usual,) = home().glob("encoders/*/model.safetensors")
    shutil.copytree(usual.parent, "runs/mine")
    events: list[Event] = []
    report = evaluate(budgets=4, seeds=2, dataset=table(), encoders="runs/mine", jobs=1, progress=events.append)
    run = {row.contender for row in report.rows()}
    assert "mine-linear" in run
    assert "irmae-linear" not in run
    assert "mine is the same encoder as irmae, bit for bit, and is shown once, as mine." in report_text(
        report, width=200
    )
    cost = plan(budgets=4, seeds=2, dataset=table(), encoders="runs/mine", jobs=1, store="none.sqlite").cost
    assert {share.contender for share in cost.shares} - {""} == run, "what is planned is what is run"
    assert cost.planned == cost.missing == len(report.rows())
    said = [event.text for event in events if isinstance(event, Message)]
    (beside,) = [text for text in said if text.startswith("compared by default too: ")]
    assert "ae and vae" in beside or "vae and ae" in beside
    assert "irmae" not in beside
    both = evaluate(
        budgets=4, dataset=table(), encoders="runs/mine", contenders=["mine-linear", "irmae-linear"], seeds=2
    )
    assert {row.contender for row in both.rows()} == {"mine-linear", "irmae-linear"}, "whoever names both gets both"


def test_rows_are_not_said_to_be_of_another_kind_by_the_limits_of_pictures() -> None:
    train, labels, *_ = table()
    pretrain(dataset=train, out="runs/mine", method="ae", max_steps=200)
    events: list[Event] = []
    strange = (10 - train[:, ::-1], labels)
    report = evaluate(
        budgets=8, seeds=2, dataset=strange, encoders="runs/mine", contenders="mine-linear", progress=events.append
    )
    assert not any("differ in kind" in event.text for event in events if isinstance(event, Message))
    assert "mine was pretrained on other data." in report_text(report, width=200), "that is what is known"
