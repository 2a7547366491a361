"""Error against the number of labels, read the other way: how many labels an error takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LabelsNeeded:
    """How many labels a contender needs to make as few errors as asked.

    Args:
        of: The contender whose labels are counted.
        first: The fewest labels that it was run with.
        last: The most labels that it was run with.
        labels: By its mean errors: 0 for fewer than ``first``, infinity for more than ``last``.
        low: Lower end of the 95 % interval, in the same way; None where nothing shows a spread: one subset
            or run, or the same number from all.
        high: Upper end.
    """

    of: str
    first: int
    last: int
    labels: float
    low: float | None
    high: float | None


class LearningCurve:
    """The error that a contender makes as a function of labels, linear in log-log between budgets.

    Where errors rise with labels, an error is reached more than once, and the fewest labels count: a rise does not undo
    what fewer labels did.

    Args:
        budgets: Numbers of labels, ascending, k of them, at least one.
        errors: Mean errors in percent, positive, shape (k,), or (r, k) for r curves.
    """

    def __init__(self, budgets: Sequence[float], errors: Sequence[float] | Floats) -> None:
        self._budgets = np.asarray(budgets, dtype=np.float64)
        self._gain = -np.log(np.asarray(errors, dtype=np.float64))

    def labels_for(self, errors: npt.ArrayLike) -> Floats:
        """Return how many labels it takes to make so few errors, in percent.

        Args:
            errors: Positive, of any shape; of r curves, shape (r,), one for each.

        Returns:
            Numbers of labels of the same shape: 0 for fewer than the first budget, infinity for more than the last.

        >>> LearningCurve([10, 1000], [40.0, 4.0]).labels_for([50.0, 40.0, 4.0 * 10**0.5, 1.0]).round()
        array([  0.,  10., 100.,  inf])
        """
        gain = -np.log(np.asarray(errors, dtype=np.float64))
        labels = np.full(gain.shape, np.inf)
        for i in range(len(self._budgets) - 1, 0, -1):  # the last to be written is the first to be reached
            before, after, ends = self._gain[..., i - 1], self._gain[..., i], self._budgets[i - 1 : i + 1]
            reached = (before < gain) & (gain <= after)
            share = ((gain - before) / np.where(before < after, after - before, 1)).clip(0, 1)
            between = np.exp((1 - share) * np.log(ends[0]) + share * np.log(ends[1])).clip(*ends)
            labels = np.where(reached, between, labels)
            labels = np.where(gain == after, ends[1], labels)  # exp(log(b)) may differ from b
        first = self._gain[..., 0]
        return np.where(gain < first, 0.0, np.where(gain == first, self._budgets[0], labels))
