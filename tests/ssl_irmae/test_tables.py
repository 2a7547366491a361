"""Rows of numbers from a table, an archive or arrays: what is read of them, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ssl_irmae.datasets.registry import holds_rows, load_images
from ssl_irmae.errors import NoTestSplitError, UserError
from ssl_irmae.pretraining.pretrain import pretrain


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_header_names_the_columns_and_a_label_is_not_a_number(tmp_path: Path) -> None:
    rows = load_images(write(tmp_path, "height,Label,weight\n1.5,cat,2\n3,dog,-4e1\n\n5,,6\n"))
    assert rows.images.flatten(1).tolist() == [[1.5, 2.0], [3.0, -40.0], [5.0, 6.0]]
    assert rows.columns == ("height", "weight")
    assert rows.classes == ("cat", "dog")
    assert rows.labels is not None
    assert rows.labels.tolist() == [0, 1, -1]
    assert str(rows.reading) == "3 rows, 2 classes, 2 columns of numbers, 2 labelled, 1 unlabelled"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_needs_no_header(separator: str, tmp_path: Path) -> None:
    text = "\n".join(separator.join(line) for line in (["1", "2"], ["3", "4"]))
    rows = load_images(write(tmp_path, text, "t.tsv"))
    assert rows.images.flatten(1).tolist() == [[1, 2], [3, 4]]
    assert rows.columns == ()
    assert rows.labels is None


def test_whole_numbers_are_labels_as_in_arrays(tmp_path: Path) -> None:
    rows = load_images(write(tmp_path, "a,labels\n1,10\n2,9\n3,-1\n"))
    assert rows.classes == ("9", "10")
    assert rows.labels is not None
    assert rows.labels.tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["007", "7", "07", "-1"], ("007", "07", "7")),
        (["01067", "20095", "01067", ""], ("01067", "20095")),
        (["9" * 5000, "1", "1", "-1"], ("1", "9" * 5000)),
    ],
)
def test_labels_that_no_whole_number_can_stand_for_are_names(
    labels: list[str], classes: tuple[str, ...], tmp_path: Path
) -> None:
    lines = [f"{i},{label}" for i, label in enumerate(labels)]
    rows = load_images(write(tmp_path, "\n".join(["a,label", *lines]) + "\n"))
    assert rows.classes == classes
    assert rows.labels is not None
    assert rows.labels.tolist()[-1] == -1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n3,x\n", "line 3, column 'b' holds 'x', which is not a number: put a number there"),
        ("a,b\n1,\n", "line 2, column 'b' is empty: put a number there"),
        ("a;b\n1,5;2\n", "column 'a' holds '1,5', .* with a point before decimals"),
        ("1,,3\n4,5,6\n7,8,9\n", "line 1 holds numbers and '': fill that in if it is a row"),
        ("NA,2,3\n4,5,6\n", "line 1 holds numbers and 'NA'"),
        ("1,2\n3,nan\n", "line 2, column 2 holds nan, which is not a finite number"),
        ("1,2\n3,-inf\n", "line 2, column 2 holds -inf"),
        ("1,2\n3,1e300\n", "rows must be finite numbers below 1e.100 in size, and row 1, column 1"),
        ("a,b\n1,2\n3\n", "line 3 has 1 field and line 1 has 2: give every row as many"),
        ("a,b\n", "has a header and no rows"),
        ("\n", "is empty: give rows of numbers"),
        ("a,a\n1,2\n", "line 1 names 'a' twice"),
        ("a,label,labels\n1,2,3\n", "'label' and 'labels' could both be the labels"),
        ("a,Target\n1,0\n", "column 'Target' may hold the labels: name it 'label'"),
        ("a,class\n1,cat\n", "column 'class' may hold the labels"),
        ("label\ncat\n", "has the column 'label' alone: give columns of numbers beside it"),
        ("a,b\n1_000,2\n", "holds '1_000', which is not a number"),
    ],
)
def test_what_is_not_a_table_of_numbers_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        load_images(write(tmp_path, text))


def test_a_table_has_no_test_split_and_an_archive_may(tmp_path: Path) -> None:
    with pytest.raises(NoTestSplitError, match=r"has no test rows: give an \.npz"):
        load_images(write(tmp_path, "1,2\n3,4\n"), "test")
    arrays = {"rows": np.eye(3), "labels": [0, 1, 2], "test_rows": np.ones((1, 3)), "test_labels": [2]}
    np.savez(tmp_path / "t.npz", **arrays)  # type: ignore[arg-type]  # numpy's types know no such mapping
    test = load_images(tmp_path / "t.npz", "test")
    assert test.images.shape == (1, 3, 1, 1)
    assert test.labels is not None
    assert test.labels.tolist() == [2]


def test_arrays_of_two_axes_are_rows() -> None:
    whole = np.arange(6).reshape(3, 2)
    for array in (whole, torch.from_numpy(whole).float(), whole.astype(bool)):
        rows = load_images(array)
        assert rows.are_rows
        assert holds_rows(array)
        assert torch.equal(rows.images.flatten(1), torch.as_tensor(array).double())
    with pytest.raises(UserError, match="must be rows of numbers where it has two axes"):
        load_images(np.array([["a", "b"]]))
    with pytest.raises(UserError, match=r"row 0, column 1 .from 0. holds nan"):
        load_images(np.array([[1.0, np.nan]]))


def test_rows_are_seen_before_they_are_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", X=np.eye(3))
    np.savez(tmp_path / "pictures.npz", X=np.zeros((3, 8, 8), np.uint8))
    (tmp_path / "broken.npz").write_bytes(b"none")
    assert holds_rows(tmp_path / "rows.npz")
    assert not any(holds_rows(tmp_path / name) for name in ("pictures.npz", "broken.npz", "missing.npz"))
    assert not holds_rows("digits")


def test_labels_are_not_learned_from(tmp_path: Path) -> None:
    with_labels = write(tmp_path, "a,b,label\n1,2,x\n3,4,y\n5,9,x\n", "with.csv")
    without = write(tmp_path, "a,b\n1,2\n3,4\n5,9\n", "without.csv")
    runs = [pretrain(dataset=each, out=tmp_path / each.stem, max_steps=3) for each in (with_labels, without)]
    states = [run.encoder.state_dict() for run in runs]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert [run.encoder.config.columns for run in runs] == [runs[0].encoder.config.columns] * 2


def test_a_run_on_rows_decides_by_their_number_and_their_columns(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 7))
    encoder = pretrain(dataset=rows, out=tmp_path / "a", max_steps=2).encoder
    architecture = encoder.config.architecture
    assert (architecture.network, architecture.latent_dim, architecture.depth) == ("mlp", 7, 2)
    assert encoder.config.card["precision"] == "fp32"
    assert "7 columns" in (tmp_path / "a" / "README.md").read_text()
    deeper = pretrain(dataset=rows, out=tmp_path / "b", recipe="paper", max_steps=2).encoder
    assert deeper.config.architecture.depth == 4


def test_a_run_on_rows_continues_bit_for_bit(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3))
    pretrain(dataset=rows, out=tmp_path / "a", recipe="paper", method="vae", max_steps=3)
    continued = pretrain(dataset=rows, out=tmp_path / "a", recipe="paper", method="vae", max_steps=6).encoder
    whole = pretrain(dataset=rows, out=tmp_path / "b", recipe="paper", method="vae", max_steps=6).encoder
    assert torch.equal(continued.encode(torch.from_numpy(rows)), whole.encode(torch.from_numpy(rows)))
    with pytest.raises(UserError, match="contains a run with `data_fingerprint`"):
        pretrain(dataset=2 * rows, out=tmp_path / "a", recipe="paper", method="vae", max_steps=9)


@pytest.mark.parametrize(
    ("rows", "given", "said"),
    [
        (np.ones((1, 3)), {}, "has one row: pretraining needs at least two"),
        (np.ones((4, 3)), {}, "all 4 rows hold the same numbers: there is nothing to learn"),
        (np.eye(3), {"image_size": 32}, "`image_size` is about pictures, and arrays has rows of numbers: leave it out"),
        (np.eye(3), {"network": "conv"}, "`network`: conv reads pictures, and rows of numbers have mlp"),
        (np.zeros((3, 8, 8), np.uint8), {"image_size": 1}, "1 pixels is out of range: use 8 to 256"),
    ],
)
def test_rows_that_cannot_be_learned_from_leave_no_folder(
    rows: object, given: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said):
        pretrain(dataset=rows, out=tmp_path / "a", max_steps=2, **given)  # type: ignore[arg-type]  # any of these
    assert not (tmp_path / "a").exists()


def test_constant_columns_are_named(tmp_path: Path) -> None:
    said: list[object] = []
    pretrain(dataset=write(tmp_path, "a,b\n1,7\n2,7\n"), out=tmp_path / "a", max_steps=2, progress=said.append)
    assert any("nothing is learned of constant columns ('b')" in str(event) for event in said)
