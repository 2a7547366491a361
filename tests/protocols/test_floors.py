"""What encoders have to beat: pixels, principal components, the encoder before training."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae.protocols.representations.floors import FLOORS


@pytest.fixture
def images() -> Tensor:
    """Images whose directions differ in variance."""
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(300, 12, generator=generator) @ torch.randn(12, 1024, generator=generator)
    return (128 + 12 * mixed).clamp(0, 255).byte().view(300, 1, 32, 32)


@pytest.mark.parametrize("name", FLOORS)
def test_contract_of_every_floor(name: str, images: Tensor) -> None:
    encode, twin = FLOORS[name](images[:200]), FLOORS[name](images[:200])
    code = encode(images[200:])
    assert code.dtype == torch.float32
    assert code.ndim == 2
    assert len(code) == 100
    assert torch.equal(code, twin(images[200:])), "made twice, a floor is the same"
    assert not torch.equal(code[0], code[1])
    torch.testing.assert_close(encode(images[203:204]), code[3:4], atol=1e-4, rtol=1e-4)


def test_pixels_are_the_image_between_0_and_1(images: Tensor) -> None:
    code = FLOORS["pixels"](images)(images)
    assert torch.equal((code * 255).round().byte().view_as(images), images)
    assert code.max() <= 1


def test_principal_components_keep_the_most_variance_in_uncorrelated_directions(images: Tensor) -> None:
    train, other = images[:200], images[200:]
    encode = FLOORS["pca"](train)
    flat = train.flatten(1).double().numpy() / 255
    variances = np.linalg.eigvalsh(np.cov(flat.T))[::-1]
    covariance = np.cov(encode(train).double().numpy().T)
    d = len(covariance)
    np.testing.assert_allclose(covariance, np.diag(variances[:d]), atol=1e-4 * variances[0])
    # a projection: distances of unseen images can only shrink
    a, b = other[:50].flatten(1).double() / 255, other[50:].flatten(1).double() / 255
    assert (torch.cdist(encode(other[:50]).double(), encode(other[50:]).double()) <= torch.cdist(a, b) + 1e-4).all()
