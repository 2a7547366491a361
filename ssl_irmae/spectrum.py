"""How many directions a code uses: the singular values of its covariance and their effective rank."""

import torch
from torch import Tensor

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
