"""Logistic regression of codes that are wider than there are examples, along the principal axes of the examples."""

import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

_NEGLIGIBLE = 1e-12
"""Share of the largest squared length under which an axis is rounding error."""
_CURVATURE = 0.1
"""p (1 - p) of a class among ten, by which a squared length enters the curvature of the loss."""
_PROGRESS = 1e-8
"""Relative decrease of the loss that is rounding error in single precision."""

Array = npt.NDArray[np.float32]
Exact = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PrincipalAxes:
    """Orthonormal axes of the span of m examples, x = U S Vᵀ: there are at most m, however wide the codes are.

    The penalised weights of a linear classifier lie in the span of its examples (representer theorem: a component
    outside adds to the penalty and changes no score), so that along these axes the minimiser is the same, in fewer
    numbers.

    Source: Schölkopf, Herbrich & Smola, "A Generalized Representer Theorem", COLT 2001.

    Args:
        coordinates: U S, the examples along the axes, fp32 (m, r).
        lengths: Singular values S, (r,).
        restoring: U / S, with which xᵀ restores weights, (m, r).
    """

    coordinates: Array
    lengths: Exact
    restoring: Exact

    @classmethod
    def of(cls, x: Array) -> Self:
        """Find the axes of examples x, fp32 (m, d)."""
        exact = x.astype(np.float64)
        squares, vectors = eigh(exact @ exact.T, driver="evd")
        kept = squares > _NEGLIGIBLE * squares[-1]
        lengths, vectors = np.sqrt(squares[kept]), vectors[:, kept]
        coordinates = np.ascontiguousarray(vectors * lengths, np.float32)
        return cls(coordinates, lengths, vectors / lengths)

    def restore(self, x: Array, weights: Array) -> Array:
        """Return the weights (d, p) of codes that are weights (r, p) along the axes of examples x."""
        restored: Array = (x.T.astype(np.float64) @ (self.restoring @ weights)).astype(np.float32)
        return restored


class PrincipalRegression:
    """Multinomial logistic regression with an L2 penalty, the minimiser of scikit-learn's ``LogisticRegression``.

    Scaled by the curvature to expect, along an axis of length s, c s² + 1 / C, the loss is about equally curved in all
    directions, so that L-BFGS needs a fraction of the steps. Fitted again, it starts from the last fit.

    Args:
        lengths: Lengths of the axes along which examples are given, (r,).
        C: Inverse strength of the penalty.
        tolerance: Largest element of the gradient at which the solver stops, where the curvature is about 1 at most.
        max_iter: Most iterations of the solver.
    """

    def __init__(self, lengths: Exact, *, C: float = 1.0, tolerance: float, max_iter: int) -> None:
        self.lengths, self.C, self.tolerance, self.max_iter = lengths, C, tolerance, max_iter
        self.classes_: Labels = np.empty(0, np.int64)
        self.weights: Array = np.empty((0, 0), np.float32)
        self.bias: Array = np.empty(0, np.float32)

    def set_params(self, *, C: float) -> Self:
        """Change the penalty."""
        self.C = C
        return self

    def fit(self, z: Array, y: Labels) -> Self:
        """Fit examples.

        Args:
            z: Coordinates of the examples, fp32 (m, r).
            y: Their classes, three or more, int64 (m,).

        Warns:
            ConvergenceWarning: If the solver stopped at its last iteration.
        """
        self.classes_, targets = np.unique(y, return_inverse=True)
        p, r = len(self.classes_), len(self.lengths)
        is_target = np.eye(p, dtype=np.float32)[targets]
        penalty = 1 / self.C
        # the intercept is the weight of one axis more, which is not penalised
        scale = 1 / np.sqrt(_CURVATURE * np.append(self.lengths**2, len(z)) + np.append(np.full(r, penalty), 0))
        scale = scale.astype(np.float32)[:, None]
        inputs = np.append(z, np.ones((len(z), 1), np.float32), axis=1) * scale.T
        penalties = penalty * scale**2
        penalties[-1] = 0

        def loss(flat: Exact) -> tuple[float, Exact]:
            weights = flat.reshape(r + 1, p).astype(np.float32)
            scores = inputs @ weights
            scores -= scores.max(1, keepdims=True)
            exponentials = np.exp(scores)
            totals = exponentials.sum(1, keepdims=True)
            penalised = penalties * weights
            value = np.log(totals).sum(dtype=np.float64) - scores[is_target > 0].sum(dtype=np.float64)
            value += (penalised * weights).sum(dtype=np.float64) / 2
            gradient = inputs.T @ (exponentials / totals - is_target) + penalised
            return float(value), gradient.ravel().astype(np.float64)

        start = np.zeros((r + 1, p)) if not self.bias.size else np.vstack([self.weights, self.bias]) / scale
        options = {"maxiter": self.max_iter, "gtol": self.tolerance, "ftol": _PROGRESS}
        found = minimize(loss, start.ravel().astype(np.float64), jac=True, method="L-BFGS-B", options=options)
        if found.nit >= self.max_iter:  # another stop is rounding: the loss falls no further
            text = f"L-BFGS stopped after {self.max_iter:,} iterations, before it converged"
            warnings.warn(text, ConvergenceWarning, stacklevel=2)
        fitted = found.x.reshape(r + 1, p).astype(np.float32) * scale
        self.weights, self.bias = fitted[:-1], fitted[-1]
        return self

    def predict_proba(self, z: Array) -> Array:
        """Return the probability of each class, (m, p), of examples along the axes (m, r)."""
        scores = z @ self.weights + self.bias
        exponentials = np.exp(scores - scores.max(1, keepdims=True))
        probabilities: Array = exponentials / exponentials.sum(1, keepdims=True)
        return probabilities
