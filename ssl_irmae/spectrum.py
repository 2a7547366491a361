"""How many directions a code uses: the singular values of its covariance and their effective rank."""

import torch
from torch import Tensor

_ROUNDING = 1e-6  # of fp32 codes, as a share of the largest singular value of their covariance
_CHUNK = 4096  # codes converted to float64 at once: all of MNIST would be among the largest arrays in memory


def spectrum(code: Tensor) -> Tensor:
    """Compute the singular values of the code covariance, largest first.

    Args:
        code: One code per row, shape (n, d), n at least 2.

    Returns:
        Singular values of the (d, d) sample covariance (ddof=1), shape (d,), float64.

    Raises:
        ValueError: If there are fewer than the two rows that a covariance needs.

    >>> spectrum(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    tensor([2., 0.], dtype=torch.float64)
    """
    if code.ndim != 2 or len(code) < 2:
        raise ValueError(f"a spectrum needs a code of shape (n, d) with n >= 2, got {tuple(code.shape)}")
    mean = code.mean(0, dtype=torch.float64)
    covariance = torch.zeros(code.shape[1], code.shape[1], dtype=torch.float64, device=code.device)
    for chunk in torch.split(code, _CHUNK):
        z = chunk.double() - mean
        covariance += z.T @ z
    covariance /= len(code) - 1
    singular_values: Tensor = torch.linalg.svdvals(covariance)
    return singular_values


def effective_rank(singular_values: Tensor) -> float:
    r"""Compute the exponential of the entropy of the normalised singular values.

    .. math:: \exp\Bigl(-\sum_i p_i \log p_i\Bigr), \quad p_i = s_i / \sum_j s_j

    Source: Roy and Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007.

    Args:
        singular_values: Non-negative, shape (d,).

    Returns:
        A number between 1 and d: k equal values with zeros otherwise give k. All zeros (a collapsed code) give 0.

    >>> effective_rank(torch.tensor([3.0, 3.0, 3.0, 0.0]))
    3.0
    """
    s = singular_values.double()
    total = s.sum()
    if total <= 0:
        return 0.0
    p = s / total
    return round(float(torch.exp(-torch.special.xlogy(p, p).sum())), 12)


def rank_me(code: Tensor) -> float:
    r"""Compute RankMe, the exponential of the entropy of the normalised singular values of the codes themselves.

    .. math:: \exp\Bigl(-\sum_i p_i \log p_i\Bigr), \quad p_i = \sigma_i / \sum_j \sigma_j

    Those of the covariance, which ``effective_rank`` takes, are the squares of :math:`\sigma_i` for centred codes, so
    that this number is the larger one: it counts directions of little variance for more.

    Source: Garrido et al., "RankMe: assessing the downstream performance of pretrained self-supervised representations
    by their rank", ICML 2023, https://arxiv.org/abs/2210.02885.

    Args:
        code: One code per row, not centred, shape (n, d).

    >>> rank_me(torch.diag(torch.tensor([2.0, 2.0, 0.0])))
    2.0
    """
    return effective_rank(torch.linalg.svdvals(code.double()))


def decay_exponent(singular_values: Tensor) -> float | None:
    r"""Compute the exponent of the power law that a spectrum decays by, as alpha-ReQ does.

    It is :math:`\alpha` in :math:`s_i \propto i^{-\alpha}`, by least squares on logarithms, in which each i weighs
    :math:`1 / i`, so that all scales count alike, as in the authors' code. There the first few and the last values are
    left out, of codes ten times as wide; here none is, so that codes of one width are compared over the same i. Values
    below a millionth of the largest are the rounding of fp32 and count as a millionth. Of a spectrum that ends, as that
    of few directions does, the exponent is thus no property of a power law: it says how soon the spectrum ends.

    Source: Agrawal et al., "alpha-ReQ: assessing representation quality in self-supervised learning by measuring
    eigenspectrum decay", NeurIPS 2022; the weights are those of Stringer et al., "High-dimensional geometry of
    population responses in visual cortex", Nature 2019.

    Args:
        singular_values: Of a covariance, largest first, shape (d,).

    Returns:
        The exponent; None if there is one value, or all are 0.

    >>> round(decay_exponent(torch.arange(1.0, 9.0) ** -1.5), 6)
    1.5
    """
    s = singular_values.double()
    if len(s) < 2 or s.max() <= 0:
        return None
    i = torch.arange(1, len(s) + 1, dtype=torch.float64, device=s.device)
    x, weight = i.log(), i.reciprocal()
    x = x - (weight @ x) / weight.sum()
    return -float((weight * x) @ s.clamp_min(_ROUNDING * s.max()).log() / ((weight * x) @ x))
