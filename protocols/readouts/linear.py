"""Logistic regression on a frozen code."""

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits
from torch import Tensor

from ssl_irmae._support.seeding import generator
from ssl_irmae.protocols.predictors.constant import Constant
from ssl_irmae.protocols.predictors.linear import Linear
from ssl_irmae.protocols.readouts.principal_regression import PrincipalAxes, PrincipalRegression
from ssl_irmae.protocols.readouts.sample import Sample
from ssl_irmae.protocols.readouts.scaling import Scaling

_PATH = (0.001, 0.01, 0.1, 1.0, 10.0)
_FOLDS = 5
_VALIDATED = 2000
_LARGE = 2**16
"""Numbers in the labelled codes from which finding their principal axes pays: 64 labels of 1,024 pixels."""

# along axes; even the first, where candidates are compared, comes closer to the minimiser than scikit-learn's default
_VALIDATED_TOLERANCE, _TOLERANCE = 3e-3, 3e-4

Array = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Lengths = npt.NDArray[np.float64]


def linear(sample: Sample, *, C: float, max_iter: int) -> Linear | Constant:
    """Fit multinomial logistic regression with an L2 penalty, deterministic.

    The code is centred and divided by one number, its root-mean-square over the unlabelled examples, so that a C
    means the same for every encoder and directions that the encoder left near zero stay near zero.

    If each class has at least five examples, C is the one of 0.001, 0.01, 0.1, 1 and 10 with the lowest log-loss in
    five-fold stratified cross-validation inside the subset (on 2,000 of its examples, always the same, where it has
    more). The candidates are tried in this order until the loss stops falling.

    Elsewhere every class gets the same weight in the loss, whatever its number of examples, and the penalty falls with
    the number m of examples per class, of which there are p: C m / p. The intercept has no penalty, so that it fits the
    shares of the classes first; those of a few labels are mostly chance, and with a strong penalty on the rest, most
    predictions were of the class that happened to have most of them.

    The fits are scikit-learn's, or, for large codes wider than there are examples, the same minimisation along the
    principal axes of the examples.

    Args:
        sample: Codes or features, shape (m, d).
        C: Inverse strength of the penalty where there is one example per class.
        max_iter: Most iterations of the solver.

    Returns:
        A predictor; if the sample holds a single class, it always predicts that class.
    """
    scaling = Scaling.of_sample(sample)
    first = sample.labels[:1]
    if bool((sample.labels == first).all()):
        return Constant(first, sample.classes)
    x, y = scaling(sample.inputs).numpy(), sample.labels.numpy()
    with threadpool_limits(1):  # for products this small, waiting for a second thread takes longer than the work
        if not _can_be_validated(y):
            per_class = len(y) / len(np.unique(y))
            model = LogisticRegression(C=C * per_class, max_iter=max_iter, class_weight="balanced").fit(x, y)
        elif _have_few_axes(x, y):
            return _along_axes(x, y, scaling, sample.classes, max_iter=max_iter)
        else:
            part = _validated(len(y))
            C = validated_penalty(x[part], y[part], max_iter=max_iter)
            model = LogisticRegression(C=C, max_iter=max_iter).fit(x, y)
    return Linear.of(model, scaling, sample.classes)


def revision(labels: Tensor) -> int:
    """Return the version of what is predicted from these labels, int64 (m,).

    It is 2 where classes are too small for cross-validation and the labels are not one per class: there, classes had no
    weights and C was the same for any number of labels.
    """
    counts = labels.unique(return_counts=True)[1]
    return 1 if int(counts.max()) == 1 or _can_be_validated(labels.numpy()) else 2


def validated_penalty(x: Array, y: Labels, *, max_iter: int, lengths: Lengths | None = None) -> float:
    """Choose C by cross-validation: from the strongest penalty on, until a weaker one does no better.

    Args:
        x: Scaled codes, fp32 (m, d), or their coordinates along principal axes.
        y: Classes, int64 (m,), each at least five times.
        max_iter: Most iterations of the solver.
        lengths: Lengths of the axes if these are coordinates.
    """
    folds = list(StratifiedKFold(_FOLDS).split(x, y))
    models = [
        LogisticRegression(max_iter=max_iter, warm_start=True)
        if lengths is None
        else PrincipalRegression(lengths, tolerance=_VALIDATED_TOLERANCE, max_iter=max_iter)
        for _ in folds
    ]
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


def _validated(m: int) -> npt.NDArray[np.int64]:
    """Return which of m examples take part in cross-validation."""
    order: npt.NDArray[np.int64] = torch.randperm(m, generator=generator("cpu", "cross-validation")).numpy()
    return order[:_VALIDATED]


def _can_be_validated(y: Labels) -> bool:
    return int(np.unique(y[_validated(len(y))], return_counts=True)[1].min()) >= _FOLDS


def _have_few_axes(x: Array, y: Labels) -> bool:
    """Return whether codes x (m, d) are large, and their axes are fewer than their directions and quickly found.

    Two classes have one column of weights and are fast in any case.
    """
    m, d = x.shape
    return m < d and m <= _VALIDATED and x.size >= _LARGE and len(np.unique(y)) > 2


def _along_axes(x: Array, y: Labels, scaling: Scaling, classes: int, *, max_iter: int) -> Linear:
    """Choose C and fit along the principal axes of scaled codes x, fp32 (m, d)."""
    axes = PrincipalAxes.of(x)
    z, part = axes.coordinates, _validated(len(y))
    C = validated_penalty(z[part], y[part], max_iter=max_iter, lengths=axes.lengths)
    model = PrincipalRegression(axes.lengths, C=C, tolerance=_TOLERANCE, max_iter=max_iter).fit(z, y)
    weights, bias, present = (torch.from_numpy(a) for a in (axes.restore(x, model.weights), model.bias, model.classes_))
    return Linear(scaling, weights, bias, present, classes)
