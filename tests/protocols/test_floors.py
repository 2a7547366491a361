"""Representations that encoders have to beat: pixels, principal components, and an untrained encoder."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.protocols.representations.floors import FLOORS

CPU = torch.device("cpu")


@pytest.fixture
def images() -> Tensor:
    """Images whose directions differ in variance."""
    rng = torch.Generator().manual_seed(0)
    mixed = torch.randn(300, 12, generator=rng) @ torch.randn(12, 1024, generator=rng)
    return (128 + 12 * mixed).clamp(0, 255).byte().view(300, 1, 32, 32)


@pytest.mark.parametrize("reads", ["code", "features"])
@pytest.mark.parametrize("name", FLOORS)
def test_contract_of_every_floor(name: str, reads: Reads, images: Tensor) -> None:
    floor = FLOORS[name]
    assert floor.name == name
    encode, twin = floor.fit(images[:200], CPU), floor.fit(images[:200], CPU)
    code = encode(images[200:], reads)
    assert code.dtype == torch.float32
    assert code.ndim == 2
    assert len(code) == 100
    assert torch.equal(code, twin(images[200:], reads)), "fitted twice, a floor is the same"
    assert torch.equal(code, encode(images[200:], "code")), "a floor has no other features"
    assert not torch.equal(code[0], code[1])
    torch.testing.assert_close(encode(images[203:204], reads), code[3:4], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", FLOORS)
def test_floors_have_neither_weights_nor_pretraining(name: str) -> None:
    floor = FLOORS[name]
    assert (floor.hash, floor.pretrain_seed, floor.pretraining, floor.quick) == (None, None, None, False)


def test_pixels_are_the_image_between_0_and_1(images: Tensor) -> None:
    code = FLOORS["pixels"].fit(images, CPU)(images, "code")
    assert torch.equal((code * 255).round().byte().view_as(images), images)
    assert code.min() >= 0
    assert code.max() <= 1


def test_principal_components_keep_the_most_variance_in_uncorrelated_directions(images: Tensor) -> None:
    train, other = images[:200], images[200:]
    encode = FLOORS["pca"].fit(train, CPU)
    flat = train.flatten(1).double().numpy() / 255
    variances = np.linalg.eigvalsh(np.cov(flat.T))[::-1]
    covariance = np.cov(encode(train, "code").double().numpy().T)
    d = len(covariance)
    np.testing.assert_allclose(covariance, np.diag(variances[:d]), atol=1e-4 * variances[0])
    # a projection: distances between unseen images can only shrink
    a, b = other[:50].flatten(1).double() / 255, other[50:].flatten(1).double() / 255
    projected = torch.cdist(encode(other[:50], "code").double(), encode(other[50:], "code").double())
    assert (projected <= torch.cdist(a, b) + 1e-4).all()
