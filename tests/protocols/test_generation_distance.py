"""Distances between pictures: their formulas, and what they say of an encoder."""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.generation.distance import generation_distance
from ssl_irmae.protocols.generation.distances import frechet_distance, kernel_distance
from ssl_irmae.protocols.generation.shared_pictures import widening


def _sets() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(60, 5, generator=rng), 0.5 * torch.randn(80, 5, generator=rng) + 1


def test_the_frechet_distance_is_its_formula() -> None:
    x, y = _sets()
    a, b = np.cov(x.numpy().T), np.cov(y.numpy().T)
    gap = x.double().mean(0) - y.double().mean(0)
    expected = float(gap.square().sum()) + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert frechet_distance(x, y) == pytest.approx(expected)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_the_kernel_distance_is_its_formula() -> None:
    x, y = (each[:6].double() for each in _sets())

    def mean(a: torch.Tensor, b: torch.Tensor, *, same: bool) -> float:
        values = [
            float((u @ v / 5 + 1) ** 3) for i, u in enumerate(a) for j, v in enumerate(b) if not (same and i == j)
        ]
        return sum(values) / len(values)

    expected = mean(x, x, same=True) + mean(y, y, same=True) - 2 * mean(x, y, same=False)
    assert kernel_distance(x, y) == pytest.approx(expected)


def test_the_kernel_distance_has_no_bias() -> None:
    rng = torch.Generator().manual_seed(0)
    values = [kernel_distance(*torch.randn(2, 20, 3, generator=rng)) for _ in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / 20


def test_few_real_pictures_are_the_nearest_and_samples_farther_than_reconstructions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ssl_irmae.protocols.generation.distance.STEPS", 30)
    monkeypatch.setattr("ssl_irmae.protocols.generation.judge.STEPS", 30)
    found = generation_distance("mnist-irmae", "digits", n=100, seeds=2)
    means = {row.name: float(np.mean(row.frechet)) for row in found.rows}
    assert list(means) == ["real", *(f"mnist-irmae {kind}" for kind in ("reconstruction", "gaussian", "mixture"))]
    assert means["real"] < means["mnist-irmae reconstruction"]
    assert means["real"] < means["mnist-irmae gaussian"]
    assert (found.pictures, found.split, found.judge_error is not None) == (100, "test", True)
    assert "Not comparable" in str(found)
    assert "from these 497 images" in str(found)
    assert f"up to {widening(100, 497, 2):.2f} times" in str(found)
    assert found.to_dict()["seeds"] == 2


@pytest.mark.parametrize("n", [20, 50])
def test_means_over_sets_of_images_vary_as_much_more_than_over_draws_as_is_said(n: int) -> None:
    """Of a mean over the n of 100 images that each of five draws takes."""
    rng = np.random.default_rng(0)
    draws = np.array(
        [[images[rng.permutation(100)[:n]].mean() for _ in range(5)] for images in rng.normal(size=(3000, 100))]
    )
    over_draws = math.sqrt(draws.var(1, ddof=1).mean() / 5)
    assert draws.mean(1).std() / over_draws == pytest.approx(widening(n, 100, 5), rel=0.05)


def test_mistakes_are_one_sentence() -> None:
    with pytest.raises(UserError, match="`n` 300: use 50 or more"):
        generation_distance("mnist-irmae", "digits", n=300)
    few = np.random.default_rng(0).integers(0, 256, (30, 32, 32), dtype=np.uint8)
    with pytest.raises(UserError, match="has 30 images, and distances take 100 or more"):
        generation_distance("mnist-irmae", few)
    with pytest.raises(UserError, match="`seeds`: 1 is too few"):
        generation_distance("mnist-irmae", "digits", seeds=1)
    images = np.random.default_rng(0).integers(0, 256, (200, 32, 32), dtype=np.uint8)
    with pytest.raises(UserError, match="no labels of two classes"):
        generation_distance("mnist-irmae", images)
