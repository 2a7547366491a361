"""Error against the number of labels, read the other way: how many labels an error takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LabelsNeeded:
    """How many labels a contender needs to make as few errors as asked.

    Args:
        of: The contender whose labels are counted.
        first: The fewest labels that it was run with.
        last: The most labels that it was run with.
        labels: By its mean errors: 0 for fewer than ``first``, infinity for more than ``last``.
        low: Lower end of the 95 % interval, in the same way.
        high: Upper end.
    """

    of: str
    first: int
    last: int
    labels: float
    low: float
    high: float


class LearningCurve:
    """The error that a contender makes as a function of labels, falling and linear in log-log between budgets.

    Where errors rise with labels they are replaced by the falling curve that is closest in log error (isotonic
    regression), so that each error is reached once.

    Args:
        budgets: Numbers of labels, ascending, at least one.
        errors: Mean errors in percent, positive.
    """

    def __init__(self, budgets: Sequence[float], errors: Sequence[float] | Floats) -> None:
        self._ends = (budgets[0], budgets[-1])
        labels = np.log(np.asarray(budgets, dtype=np.float64))
        falling = isotonic_regression(np.log(np.asarray(errors)), increasing=False).x
        # where it is level, the fewest labels count
        self._gain, where = np.unique(-falling, return_index=True)
        self._labels = labels[where]

    def labels_for(self, errors: npt.ArrayLike) -> Floats:
        """Return how many labels it takes to make so few errors, in percent.

        Args:
            errors: Positive, of any shape.

        Returns:
            Numbers of labels of the same shape: 0 for fewer than the first budget, infinity for more than the last.

        >>> LearningCurve([10, 1000], [40.0, 4.0]).labels_for([50.0, 40.0, 4.0 * 10**0.5, 1.0]).round()
        array([  0.,  10., 100.,  inf])
        """
        gain = -np.log(np.asarray(errors, dtype=np.float64))
        labels = np.exp(np.interp(gain, self._gain, self._labels, left=-np.inf, right=np.inf))
        within = (labels > 0) & np.isfinite(labels)
        return np.where(within, labels.clip(*self._ends), labels)  # exp(log(b)) may lie beyond b
