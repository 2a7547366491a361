"""Temperature scaling: confidence that means how often a prediction is right."""

import math

import torch
import torch.nn.functional as F
from scipy.optimize import brentq, minimize_scalar
from torch import Tensor

_RANGE = (-3.0, 5.0)  # of the logarithm of the temperature


def fit_temperature(logits: Tensor, labels: Tensor, *, pictures: int | None = None) -> float:
    r"""Find the temperature T that minimises the log-loss of :math:`\text{softmax}(z / T)`.

    Source: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
    https://arxiv.org/abs/1706.04599.

    Where no prediction is wrong, the log-loss falls as T does and has no minimum, and one that is hardly wrong does not
    change that. So where fewer than one picture is wrong, T is at least that at which the mean confidence is the
    accuracy to expect of m pictures with w wrong ones by Jeffreys' prior, (m - w + 1/2) / (m + 1): the prior of
    ``error_interval`` (Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion", 2001).

    Args:
        logits: Logits of pictures that the classifier did not learn from, fp32 (n, classes).
        labels: Their classes, int64 (n,).
        pictures: m, if each is there several times; n unless given.

    >>> z = torch.tensor([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [0.0, 4.0]])
    >>> p = torch.softmax(z / fit_temperature(z, torch.tensor([0, 1, 1, 1])), 1)  # three of four are right
    >>> p.amax(1).mean().round(decimals=2).item()
    0.75
    """

    def loss(log_temperature: float) -> float:
        return float(F.cross_entropy(logits.double() / torch.tensor(log_temperature).exp(), labels))

    m = pictures or len(labels)
    wrong = m * float((logits.argmax(1) != labels).double().mean())
    lowest, highest = _RANGE
    if wrong < 1:
        lowest = _log_temperature_of(logits, (m - wrong + 0.5) / (m + 1))
    bounds = (lowest, highest)
    return float(torch.tensor(minimize_scalar(loss, bounds=bounds, method="bounded").x).exp())


def _log_temperature_of(logits: Tensor, confidence: float) -> float:
    """Find the logarithm of the temperature that makes this the mean confidence, or the nearer end of the range."""

    def excess(log_temperature: float) -> float:
        return float((logits.double() / math.exp(log_temperature)).softmax(1).amax(1).mean()) - confidence

    lowest, highest = _RANGE
    if excess(lowest) <= 0:
        return lowest
    return float(brentq(excess, lowest, highest)) if excess(highest) < 0 else highest
