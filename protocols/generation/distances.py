"""Distances between two sets of features: Fréchet's between Gaussians, and the kernel distance."""

import torch
from torch import Tensor


def frechet_distance(x: Tensor, y: Tensor) -> float:
    r"""Compute the squared Fréchet distance between Gaussians fitted to two sets.

    .. math:: \lVert \mu_x - \mu_y \rVert^2
              + \operatorname{tr}\bigl(\Sigma_x + \Sigma_y - 2 (\Sigma_x \Sigma_y)^{1/2}\bigr)

    It is biased upwards, the more so the fewer rows there are: compare sets of equal sizes alone.

    Source: Dowson and Landau, "The Fréchet distance between multivariate normal distributions", Journal of Multivariate
    Analysis 1982; Heusel et al., NeurIPS 2017, https://arxiv.org/abs/1706.08500, for pictures.

    Args:
        x: Features, one row each, shape (n, d), n at least 2.
        y: Features, shape (m, d).

    >>> x = torch.randn(500, 3)
    >>> round(frechet_distance(x, x + 1), 3)
    3.0
    """
    (mean_x, cov_x), (mean_y, cov_y) = _moments(x), _moments(y)
    # tr (A B)^(1/2) = tr (A^(1/2) B A^(1/2))^(1/2), whose matrix is symmetric
    values, vectors = torch.linalg.eigh(cov_x)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    inner = torch.linalg.eigvalsh(root @ cov_y @ root).clamp_min(0).sqrt().sum()
    squared = (mean_x - mean_y).square().sum() + cov_x.trace() + cov_y.trace() - 2 * inner
    return float(squared.clamp_min(0))


def kernel_distance(x: Tensor, y: Tensor) -> float:
    r"""Estimate the squared maximum mean discrepancy with the kernel :math:`(a^\top b / d + 1)^3`, without bias.

    .. math:: \frac{1}{n (n - 1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m (m - 1)} \sum_{i \ne j} k(y_i, y_j)
              - \frac{2}{n m} \sum_{i, j} k(x_i, y_j)

    It is negative about half of the time where both sets are of one distribution.

    Source: Gretton et al., "A kernel two-sample test", JMLR 2012; Bińkowski et al., "Demystifying MMD GANs", ICLR 2018,
    https://arxiv.org/abs/1801.01401, for pictures.

    Args:
        x: Features, one row each, shape (n, d), n at least 2.
        y: Features, shape (m, d), m at least 2.
    """
    x, y = x.double(), y.double()
    return float(_within(x) + _within(y) - 2 * _kernel(x, y).mean())


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.double()
    return x.mean(0), torch.atleast_2d(torch.cov(x.T))


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _within(x: Tensor) -> Tensor:
    k = _kernel(x, x)
    return (k.sum() - k.diagonal().sum()) / (len(x) * (len(x) - 1))
