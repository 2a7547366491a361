"""What error to expect of a classifier when nobody has labelled a test set."""

from dataclasses import dataclass

from scipy import stats
from torch import Tensor


@dataclass(frozen=True)
class ExpectedError:
    """An estimate from repeated cross-validation over the labelled pictures.

    Args:
        contender: What was cross-validated.
        mean: Error, percent.
        low: Lower end of the 95 % interval, percent.
        high: Upper end.
        pictures: Labelled pictures that were held out in turn; equal ones count once.
        bound_only: Whether there are so few labels per class that the estimate is far too high: holding out one of two
            halves what a class is learned from. The upper end of the interval then is all that can be relied on.
        most_frequent: Error of always naming the class that most of these pictures have, percent.
        left_out: Classes with a single labelled picture, copies aside, which cannot be held out.
        copies: Labelled pictures that equal another one.
    """

    contender: str
    mean: float
    low: float
    high: float
    pictures: int
    bound_only: bool
    most_frequent: float
    left_out: tuple[str, ...] = ()
    copies: int = 0

    @property
    def no_better(self) -> bool:
        """Whether always naming the most frequent class might err as little, by the interval."""
        return self.high >= self.most_frequent


_ENOUGH = 5  # labels per class, from which the interval held about as often as it should (docs/results/few-labels)


def error_interval(error: float, pictures: int) -> tuple[float, float]:
    """Compute the 95 % interval of an error rate measured on so many pictures, by Jeffreys' prior.

    Repeating the folds makes the estimate steadier but adds no pictures, so these are what counts.

    Source: Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science 2001.

    Args:
        error: Share of wrong predictions, 0 to 1.
        pictures: Number of pictures that were held out.

    Returns:
        The ends, as shares; 0 where no prediction was wrong, 1 where all were.

    >>> [round(end, 3) for end in error_interval(0.1, 50)]
    [0.039, 0.205]
    """
    wrong = error * pictures
    low, high = stats.beta.ppf([0.025, 0.975], wrong + 0.5, pictures - wrong + 0.5)
    return (float(low) if wrong > 0 else 0.0, float(high) if wrong < pictures else 1.0)


def expected_error(
    contender: str,
    predictions: Tensor,
    labels: Tensor,
    *,
    repeats: int,
    left_out: tuple[str, ...] = (),
    copies: int = 0,
) -> ExpectedError | None:
    """Estimate the error from predictions of held-out pictures.

    Args:
        contender: What made them.
        predictions: int64 (repeats * h,).
        labels: int64 (repeats * h,).
        repeats: How often each picture was held out.
        left_out: Classes of which no picture was held out.
        copies: Labelled pictures that equal another one.

    Returns:
        The estimate; None if no picture was held out.
    """
    if not len(labels):
        return None
    pictures = len(labels) // repeats
    error = float((predictions != labels).double().mean())
    low, high = error_interval(error, pictures)
    few = pictures < _ENOUGH * len(labels.unique())
    most_frequent = 100 * (1 - float(labels.bincount().max()) / len(labels))
    return ExpectedError(contender, 100 * error, 100 * low, 100 * high, pictures, few, most_frequent, left_out, copies)
