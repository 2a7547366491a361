"""Logistic regression on a frozen code."""

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from ssl_irmae._support.seeding import generator
from ssl_irmae.protocols.predictors.constant import Constant
from ssl_irmae.protocols.predictors.linear import Linear
from ssl_irmae.protocols.readouts.sample import Sample
from ssl_irmae.protocols.readouts.scaling import Scaling

_PATH = (0.001, 0.01, 0.1, 1.0, 10.0)
_FOLDS = 5
_VALIDATED = 2000

Array = npt.NDArray[np.float32]


def linear(sample: Sample, *, C: float, max_iter: int) -> Linear | Constant:
    """Fit multinomial logistic regression with an L2 penalty; scikit-learn's implementation, deterministic.

    The code is centred and divided by one number, its root-mean-square over the unlabelled examples, so that a C
    means the same for every encoder and directions that the encoder left near zero stay near zero.

    If each class has at least five examples, C is the one of 0.001, 0.01, 0.1, 1 and 10 with the lowest log-loss in
    five-fold stratified cross-validation inside the subset (on 2,000 of its examples, always the same, where it has
    more). The candidates are tried in this order until the loss stops falling.

    Args:
        sample: Codes or features, shape (m, d).
        C: Inverse strength of the penalty, used where a class is too small for cross-validation.
        max_iter: Most iterations of the solver.

    Returns:
        A predictor; if the sample holds a single class, it always predicts that class.
    """
    scaling = Scaling.of_sample(sample)
    first = sample.labels[:1]
    if bool((sample.labels == first).all()):
        return Constant(first, sample.classes)
    x, y = scaling(sample.inputs).numpy(), sample.labels.numpy()
    validated = torch.randperm(len(y), generator=generator("cpu", "cross-validation"))[:_VALIDATED].numpy()
    with threadpool_limits(1):  # for products this small, waiting for a second thread takes longer than the work
        if np.unique(y[validated], return_counts=True)[1].min() >= _FOLDS:
            C = validated_penalty(x[validated], y[validated], max_iter=max_iter)
        model = LogisticRegression(C=C, max_iter=max_iter).fit(x, y)
    return Linear.of(model, scaling, sample.classes)


def validated_penalty(x: Array, y: npt.NDArray[np.int64], *, max_iter: int) -> float:
    """Choose C by cross-validation: from the strongest penalty on, until a weaker one does no better.

    Args:
        x: Scaled codes, fp32 (m, d).
        y: Classes, int64 (m,), each at least five times.
        max_iter: Most iterations of the solver.
    """
    folds = list(StratifiedKFold(_FOLDS).split(x, y))
    models = [LogisticRegression(max_iter=max_iter, warm_start=True) for _ in folds]
    best, lowest = _PATH[0], np.inf
    for C in _PATH:
        loss = 0.0
        for model, (fitted, held_out) in zip(models, folds, strict=True):
            model.set_params(C=C).fit(x[fitted], y[fitted])
            loss += log_loss(y[held_out], model.predict_proba(x[held_out]), labels=model.classes_)
        if loss >= lowest:
            break
        best, lowest = C, loss
    return best
