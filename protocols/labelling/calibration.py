"""Temperature scaling: confidence that means how often a prediction is right."""

import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor

_RANGE = (-3.0, 5.0)  # of the logarithm of the temperature


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    r"""Find the temperature T that minimises the log-loss of :math:`\text{softmax}(z / T)`.

    Source: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
    https://arxiv.org/abs/1706.04599.

    Args:
        logits: Logits of pictures that the classifier did not learn from, fp32 (m, classes).
        labels: Their classes, int64 (m,).

    >>> z = torch.tensor([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [0.0, 4.0]])
    >>> p = torch.softmax(z / fit_temperature(z, torch.tensor([0, 1, 1, 1])), 1)  # three of four are right
    >>> p.amax(1).mean().round(decimals=2).item()
    0.75
    """

    def loss(log_temperature: float) -> float:
        return float(F.cross_entropy(logits.double() / torch.tensor(log_temperature).exp(), labels))

    return float(torch.tensor(minimize_scalar(loss, bounds=_RANGE, method="bounded").x).exp())
