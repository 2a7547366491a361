"""Spectrum and effective rank have the properties that their formulas state."""

import math

import pytest
import torch

from ssl_irmae.spectrum import decay_exponent, effective_rank, rank_me, spectrum


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


def test_rank_me_is_of_the_codes_and_not_of_their_covariance() -> None:
    z = torch.diag(torch.tensor([3.0, 1.0, 0.0]))
    p, q = 3 / 4, 1 / 4
    assert rank_me(z) == pytest.approx(math.exp(-(p * math.log(p) + q * math.log(q))))
    assert rank_me(100 * z) == pytest.approx(rank_me(z))


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
def test_a_power_law_has_its_exponent_whatever_its_scale(alpha: float, scale: float) -> None:
    assert decay_exponent(scale * torch.arange(1.0, 65.0, dtype=torch.float64) ** -alpha) == pytest.approx(alpha)


def test_a_value_that_sinks_into_rounding_changes_the_exponent_a_little_only() -> None:
    leading = torch.tensor([1.0, 0.5, 0.2])
    found = [decay_exponent(torch.cat([leading, leading.new_tensor([x])])) for x in (1.01e-6, 0.99e-6, 1e-9, 0.0)]
    assert found == pytest.approx([found[0]] * 4, rel=1e-2)


def test_a_spectrum_that_ends_sooner_has_a_larger_exponent() -> None:
    ends = [torch.cat([torch.ones(k), torch.zeros(32 - k)]) for k in (24, 16, 8, 4)]
    found = [decay_exponent(each) or 0.0 for each in ends]
    assert 0 < found[0] < found[1] < found[2] < found[3]


@pytest.mark.parametrize("values", [torch.zeros(8), torch.ones(1)])
def test_a_spectrum_without_a_decay_has_no_exponent(values: torch.Tensor) -> None:
    assert decay_exponent(values) is None
