"""Ridge regression on frozen codes: an example of a readout of your own."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.readouts.scaling import Scaling


def ridge(sample: Sample, *, penalty: float) -> Predictor:
    r"""Fit ridge regression to the classes as 0 and 1; a new code gets the class with the largest response.

    .. math:: W = (X^\top X + \lambda m I)^{-1} X^\top Y

    X holds the m labelled codes, scaled, and Y their classes, less each class's share of the labels.

    Source: Hoerl and Kennard, "Ridge Regression", Technometrics 12 (1970), https://doi.org/10.2307/1267351.

    Args:
        sample: Codes or features, shape (m, d).
        penalty: λ, where the scaled codes have mean variance 1.
    """
    scaling = Scaling.of_sample(sample)  # the same for every encoder, measured once for all subsets
    x = scaling(sample.inputs).double()
    y = F.one_hot(sample.labels, sample.classes).double()
    shares = y.mean(0)
    damping = penalty * len(x) * torch.eye(x.shape[1], dtype=torch.float64)
    weights: Tensor = torch.linalg.solve(x.T @ x + damping, x.T @ (y - shares))

    def predict(codes: Tensor) -> Tensor:
        return (scaling(codes).double() @ weights + shares).argmax(1)

    return predict


RIDGE = Contender(
    "ridge",
    ridge,
    "code",
    {"penalty": 1.0},
    family="linear",
    software=("torch",),
    representation="pixels",
    deterministic_at_full_set=True,
)
