"""Spectrum and effective rank have the properties that their formulas state."""

import math

import pytest
import torch

from ssl_irmae.spectrum import effective_rank, spectrum


@pytest.mark.parametrize("k", [1, 2, 7, 32])
def test_k_equal_values_have_effective_rank_k(k: int) -> None:
    values = torch.cat([torch.full((k,), 0.3), torch.zeros(10)])
    assert effective_rank(values) == pytest.approx(k, rel=1e-9)


def test_effective_rank_ignores_scale_and_lies_between_one_and_d() -> None:
    values = torch.rand(20)
    assert effective_rank(values) == pytest.approx(effective_rank(1000 * values), rel=1e-5)
    assert 1 <= effective_rank(values) <= 20


def test_effective_rank_of_two_unequal_values_by_hand() -> None:
    p, q = 0.9, 0.1
    by_hand = math.exp(-(p * math.log(p) + q * math.log(q)))
    assert effective_rank(torch.tensor([9.0, 1.0])) == pytest.approx(by_hand, rel=1e-9)


def test_a_collapsed_code_has_rank_zero() -> None:
    assert effective_rank(spectrum(torch.ones(5, 3))) == 0


def test_spectrum_is_the_eigenvalues_of_the_sample_covariance() -> None:
    z = torch.randn(100, 6) @ torch.randn(6, 6)
    eigenvalues = torch.linalg.eigvalsh(torch.cov(z.T.double())).flip(0)
    torch.testing.assert_close(spectrum(z), eigenvalues)


def test_a_spectrum_needs_two_rows() -> None:
    with pytest.raises(ValueError, match="n >= 2"):
        spectrum(torch.zeros(1, 4))
