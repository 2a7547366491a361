"""Paired differences between contenders, with their intervals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ssl_irmae.protocols.statistics.intervals import POINTS, standard_error, t_interval, without_rounding
from ssl_irmae.protocols.statistics.significance import sign_flip_test


@dataclass(frozen=True)
class Difference:
    """A contender's error minus the baseline's, on the subsets that both have seen.

    Args:
        baseline: The contender whose error is subtracted.
        mean: Mean difference, points.
        low: Lower end of the 95 % t interval of the mean, points: for these encoders and these scored images. None for
            fewer than two pairs, and where all are equal: no spread was seen, which does not make the mean certain.
        high: Upper end.
        n: Number of pairs.
        better: In how many of them the contender's error is below the baseline's.
        p: p value of the two-sided sign-flip test.
        p_holm: The same after Holm's correction over all comparisons made at that budget.
        method_low: Lower end of the 95 % interval for the method, points; see ``method_interval_of_difference``. None
            for fewer than two pairs, and where it is not known which images were wrong.
        method_high: Upper end.
    """

    baseline: str
    mean: float
    low: float | None
    high: float | None
    n: int
    better: int
    p: float
    p_holm: float
    method_low: float | None = None
    method_high: float | None = None


def paired_difference(errors: Mapping[int, float], baseline: Mapping[int, float], name: str) -> Difference | None:
    """Compare two contenders on the subsets that both have seen.

    Args:
        errors: The contender's error in percent, by subset seed.
        baseline: The same for the baseline.
        name: The baseline's name.

    Returns:
        The difference, as the only one tested (``p_holm`` is ``p``) and without an interval for the method; None if no
        subset is shared.
    """
    shared = sorted(errors.keys() & baseline.keys())
    if not shared:
        return None
    x = without_rounding([errors[s] - baseline[s] for s in shared])
    mean = float(x.mean())
    low, high = t_interval(mean, standard_error(x), within=POINTS) if np.ptp(x) > 0 else (None, None)
    p = sign_flip_test(x)
    return Difference(name, mean, low, high, len(x), int((x < 0).sum()), p, p)
