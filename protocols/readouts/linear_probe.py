"""Logistic regression on a frozen code."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from ssl_irmae.protocols.readouts.base import Predictor, Sample
from ssl_irmae.protocols.readouts.scaling import Scaling


def linear_probe(sample: Sample, *, C: float, max_iter: int) -> Predictor:
    """Fit multinomial logistic regression with an L2 penalty (scikit-learn's), deterministic.

    The code is centred and divided by one number, its root-mean-square over the unlabelled examples: a fixed C then
    means the same for every encoder, and directions that the encoder left near zero stay near zero.

    Args:
        sample: Codes or features, shape (m, d).
        C: Inverse strength of the penalty.
        max_iter: Most iterations of the solver.

    Returns:
        A predictor; if the sample holds one class only, that predicts it always.
    """
    scaling = Scaling.of(sample.unlabelled)
    first = sample.labels[:1]
    if bool((sample.labels == first).all()):
        return lambda x: first.repeat(len(x))
    model = LogisticRegression(C=C, max_iter=max_iter)
    model.fit(scaling(sample.inputs).double().numpy(), sample.labels.numpy())

    def predict(x: Tensor) -> Tensor:
        return torch.from_numpy(model.predict(scaling(x).double().numpy()).astype(np.int64))

    return predict
