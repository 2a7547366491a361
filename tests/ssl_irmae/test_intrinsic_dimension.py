"""Measures of dimension against data whose dimension is known."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torch import Tensor

from ssl_irmae.errors import UserError
from ssl_irmae.intrinsic_dimension import Dimensions, dimension, measure_dimension
from ssl_irmae.pretraining.pretrain import pretrain
from ssl_irmae.spectrum import effective_rank
from tests.command_line import check_mistake, run

Rows = npt.NDArray[np.float64]


@pytest.fixture
def _without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_irmae.intrinsic_dimension.missing_packages", lambda _: ["scikit-dimension"])


def along_axes(lengths: list[float], width: int) -> Tensor:
    """Return rows whose covariance is diagonal, proportional to the squares of the lengths, in turned coordinates."""
    axes = np.zeros((len(lengths), width))
    axes[range(len(lengths)), range(len(lengths))] = lengths
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(width, width)))[0]
    rows = np.concatenate([axes, -axes]) @ turn
    return torch.from_numpy(np.repeat(rows, 10, axis=0))


def plane(dimensions: int, n: int = 400, width: int = 10, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    rows: Rows = rng.normal(size=(n, dimensions)) @ np.linalg.qr(rng.normal(size=(width, width)))[0][:dimensions]
    return rows


def swiss_roll(n: int = 1000) -> Rows:
    """Return points of a surface that is rolled up: two dimensions in a space of three."""
    rng = np.random.default_rng(0)
    angle, height = 1.5 * np.pi * (1 + 2 * rng.random(n)), 21 * rng.random(n)
    return np.stack([angle * np.cos(angle), height, angle * np.sin(angle)], 1)


def value(found: Dimensions, name: str) -> float:
    return next(measure.value for measure in found.measures if measure.name.startswith(name))


@pytest.mark.parametrize("d", [1, 3, 5])
def test_a_subspace_of_equal_variances_has_its_dimension(d: int) -> None:
    found = measure_dimension([along_axes([1.0] * d, 6)], seeds=2)
    assert value(found, "effective rank") == pytest.approx(d)
    assert value(found, "singular values above") == d


def test_singular_values_are_counted_from_a_share_of_the_largest() -> None:
    rows = along_axes([1.0, 0.5, 0.15, 0.05], 5)  # singular values 1, 0.25, 0.0225, 0.0025 of the largest
    counted = {share: value(measure_dimension([rows], seeds=2, threshold=share), "sing") for share in (0.3, 0.1, 0.01)}
    assert counted == {0.3: 1, 0.1: 2, 0.01: 3}
    assert value(measure_dimension([rows], seeds=2), "effective rank") == pytest.approx(
        effective_rank(torch.tensor([1.0, 0.25, 0.0225, 0.0025]))
    )


@pytest.mark.usefixtures("_without_the_extra")
def test_the_spread_over_halves_is_about_the_standard_error() -> None:
    stretched = plane(4, n=12_000) @ np.diag(np.linspace(1, 3, 10))
    parts = [torch.from_numpy(part) for part in np.split(stretched, 60)]
    each = [measure_dimension([part], seeds=10).measures[0] for part in parts]
    expected = np.std([measure.value for measure in each], ddof=1)
    assert np.mean([measure.spread for measure in each]) == pytest.approx(expected, rel=0.3)
    assert measure_dimension([parts[0]], seeds=10).measures[0] == each[0], "halves are the same in every run"


def test_of_several_encoders_the_spread_is_over_these() -> None:
    one, two = along_axes([1.0] * 2, 6), along_axes([1.0] * 4, 6)
    found = measure_dimension([one, two])
    rank = found.measures[0]
    assert rank.value == pytest.approx(3)
    assert rank.spread == pytest.approx(np.sqrt(2))
    assert found.over == "2 encoders, whose mean is shown"


def test_estimators_find_the_dimension_of_a_plane_and_of_a_rolled_surface() -> None:
    pytest.importorskip("skdim")
    flat = measure_dimension([torch.from_numpy(plane(3))], seeds=2)
    assert value(flat, "lPCA") == 3
    for name in ("MLE", "TwoNN"):
        assert value(flat, name) == pytest.approx(3, abs=0.5)
    rolled = measure_dimension([torch.from_numpy(swiss_roll())], seeds=2)
    assert value(rolled, "effective rank") > 2.5, "it fills the space that it is rolled up in"
    for name in ("MLE", "TwoNN", "CorrInt"):
        assert value(rolled, name) == pytest.approx(2, abs=0.3)


def test_equal_rows_count_once_for_estimators_and_few_are_not_estimated() -> None:
    pytest.importorskip("skdim")
    rows = torch.from_numpy(plane(3, n=60))
    twice = measure_dimension([torch.cat([rows, rows])], seeds=2)
    assert value(twice, "TwoNN") == value(measure_dimension([rows], seeds=2), "TwoNN")
    assert any("look at 60 rows: equal ones count once" in note for note in twice.notes)
    few = measure_dimension([rows[:20]], seeds=2)
    assert len(few.measures) == 2
    assert any("need 50 different rows" in note for note in few.notes)


@pytest.mark.usefixtures("_without_the_extra")
def test_without_the_extra_it_is_said_how_to_install_it() -> None:
    found = measure_dimension([torch.from_numpy(plane(3))], seeds=2)
    assert len(found.measures) == 2
    assert "pip install 'ssl-irmae[dimension]'" in str(found)


@pytest.mark.usefixtures("_without_the_extra")
def test_units_of_columns_do_not_matter() -> None:
    rows = plane(4)
    one, other = (dimension(each, seeds=2).measures[0].value for each in (rows, rows * 10.0 ** np.arange(10)))
    assert one == pytest.approx(other)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seeds": 1}, "`seeds`: 1 is too few for a spread: use 2 or more"),
        ({"threshold": 0.0}, "`threshold` must be a share of the largest, above 0 and below 1, got 0"),
        ({"threshold": 1.5}, "got 1.5"),
        ({"encoder": "nowhere/at/all"}, "there is no encoder folder"),
        ({"encoder": []}, "`encoder`: there is none in the list"),
        ({"encoder": "mnist-ae"}, "these are rows of numbers, where pictures are read"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(given: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        dimension(plane(3), **given)  # type: ignore[arg-type]  # any of these


@pytest.mark.usefixtures("_without_the_extra")
def test_pictures_are_read_at_the_size_of_each_encoder(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (12, 40, 40), dtype=np.uint8)):
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{i}.png")
    folders = [tmp_path / f"of-{size}" for size in (8, 32)]
    for folder, size in zip(folders, (8, 32), strict=True):
        pretrain(dataset=tmp_path / "pictures", image_size=size, out=folder, max_steps=1)
    alone = [dimension(tmp_path / "pictures", encoder=folder).measures[0].value for folder in folders]
    for order in (folders, folders[::-1]):
        both = dimension(tmp_path / "pictures", encoder=order).measures[0]
        assert both.value == pytest.approx(np.mean(alone))


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(UserError, match="has 3 rows: a dimension and its spread need at least 4"):
        dimension(np.eye(3))


@pytest.mark.usefixtures("_without_the_extra")
def test_the_command_measures_rows_and_the_codes_of_encoders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savetxt("t.csv", plane(2, n=40), delimiter=",")
    for seed in (0, 1):
        pretrain(dataset="t.csv", out=f"runs/{seed}", max_steps=3, seed=seed)
    found = json.loads(run("dimension --dataset t.csv --seeds 3 --threshold 0.1 --json").stdout)
    assert (found["rows"], found["width"], found["threshold"]) == (40, 10, 0.1)
    assert found["measures"][1]["value"] == 2
    out = run("dimension --dataset t.csv --encoder runs/0 --encoder runs/1").stdout
    assert "codes of t by runs/0, runs/1: 40 rows of 10 numbers" in out
    assert "standard deviation over 2 encoders" in out
    check_mistake("dimension --dataset t.csv --seeds 1", "error: --seeds: 1 is too few for a spread")
