"""Intervals for the method, which other people will run on other images: beside labels they cover what else was drawn.

The intervals of ``summarise`` are about these encoders and these scored images: they cover the draw of the labels and
the randomness of training. Those here cover two draws more. Which images were scored: the standard error over images of
each image's mean result, whose half-width is added as a square. How the pretraining seed fell, where there are several:
the two-way random-effects model of ``crossed_standard_error``. The sum counts the interaction of subset and image
twice, and is therefore slightly too wide; how often it covers is in docs/results/coverage.

Source of adding over crossed draws: Owen, "The pigeonhole bootstrap", Ann. Appl. Stat. 1 (2007),
https://doi.org/10.1214/07-AOAS122, whose variance this approximates without resampling.
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ssl_irmae.protocols.statistics.anova import crossed_standard_error
from ssl_irmae.protocols.statistics.error_matrix import ErrorMatrix
from ssl_irmae.protocols.statistics.finite_test_set import scored_images_error, shares_wrong, wilson_interval
from ssl_irmae.protocols.statistics.intervals import (
    PERCENT,
    POINTS,
    StandardError,
    standard_error,
    t_interval,
    t_margin,
    without_rounding,
)

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]


def method_interval(matrix: ErrorMatrix, wrong: Mapping[str, bytes]) -> Interval | None:
    """Compute the 95 % interval of a mean error for the method.

    Where no image was ever wrong, or every one, images have Wilson's interval.

    Args:
        matrix: Errors of one contender at one budget.
        wrong: Which images were wrong, by the hash of predictions; see ``mistakes``.

    Returns:
        Its ends, percent; None for a single run that another would not repeat, for a single scored image, and where it
        is not known which images were wrong.
    """
    runs = error_of_runs(matrix.errors, one_subset=matrix.one_subset) or _certain(matrix)
    shares = _shares(matrix, range(len(matrix.seeds)), wrong)
    if runs is None or shares is None or matrix.n_scored < 2:
        return None
    mean, images = float(matrix.errors.mean()), scored_images_error(shares)
    if images.points > 0:
        return t_interval(mean, runs, images, within=PERCENT)
    margin, (low, high) = t_margin(runs), wilson_interval(mean, matrix.n_scored)
    low, high = mean - math.hypot(margin, mean - low), mean + math.hypot(margin, high - mean)
    return max(low, PERCENT[0]), min(high, PERCENT[1])


def method_interval_of_difference(
    matrix: ErrorMatrix, baseline: ErrorMatrix, wrong: Mapping[str, bytes]
) -> Interval | None:
    """Compute the 95 % interval of a mean paired difference for the method.

    At the full set, where one of the two has several encoders and the other none, the runs of the other are a source of
    doubt beside the encoders: each encoder is compared with the mean of the same runs. Where no image tells the two
    apart, the share of images that would is at most the upper end of Wilson's interval for none.

    Args:
        matrix: Errors of a contender at one budget.
        baseline: Errors of the contender that is subtracted, at the same budget.
        wrong: Which images were wrong, by the hash of predictions; see ``mistakes``.

    Returns:
        Its ends, points; None for a single pair that others would not repeat, and where it is not known which images
        were wrong.
    """
    lines, of_baseline = paired_lines(matrix, baseline)
    a, b = _shares(matrix, lines, wrong), _shares(baseline, of_baseline, wrong)
    if not lines or a is None or b is None or matrix.n_scored < 2:
        return None
    errors, subtracted = matrix.errors[lines], baseline.errors[of_baseline]
    if matrix.pretrain_seeds != baseline.pretrain_seeds and 1 not in (errors.shape[1], subtracted.shape[1]):
        return None  # pretraining seeds of both, but not the same
    differences = without_rounding(errors - subtracted)
    runs = error_of_runs(differences, one_subset=matrix.one_subset) or _certain(matrix, baseline)
    if runs is None:
        return None
    doubts = [runs]
    if matrix.one_subset and errors.shape[1] != subtracted.shape[1]:
        alone, its = (matrix, errors) if errors.shape[1] == 1 else (baseline, subtracted)
        if not alone.exact:
            if len(its) < 2:
                return None
            doubts.append(standard_error(its[:, 0]))
    images = scored_images_error(a - b)
    if images.points > 0:
        return t_interval(float(differences.mean()), *doubts, images, within=POINTS)
    margin = math.hypot(t_margin(*doubts), wilson_interval(0.0, matrix.n_scored)[1])
    mean = float(differences.mean())
    return max(mean - margin, POINTS[0]), min(mean + margin, POINTS[1])


def paired_lines(matrix: ErrorMatrix, baseline: ErrorMatrix) -> tuple[list[int], list[int]]:
    """Find which lines of two matrices are pairs: those of the same seed.

    At the full set a readout without randomness has one result, which is paired with every run of the other.
    """
    if matrix.exact:
        return [0] * len(baseline.seeds), list(range(len(baseline.seeds)))
    if baseline.exact:
        return list(range(len(matrix.seeds))), [0] * len(matrix.seeds)
    shared = sorted(set(matrix.seeds) & set(baseline.seeds))
    return [matrix.seeds.index(seed) for seed in shared], [baseline.seeds.index(seed) for seed in shared]


def error_of_runs(errors: Floats, *, one_subset: bool) -> StandardError | None:
    """Compute the standard error of a mean over runs; None for one run.

    Args:
        errors: Percent, or differences in points, shape (S, P): subsets by pretraining seeds.
        one_subset: Whether all subsets are the same. Then only the pretraining seeds, if there are several, are
            independent, each with its mean over training seeds.
    """
    subsets, encoders = errors.shape
    if one_subset and encoders > 1:
        return standard_error(errors.mean(axis=0))
    if subsets < 2:
        return None
    return crossed_standard_error(errors) if encoders > 1 else standard_error(errors[:, 0])


def _certain(*matrices: ErrorMatrix) -> StandardError | None:
    """Return that runs leave no doubt where another would be the same: without randomness, at the full set."""
    return StandardError(0.0, 1) if all(matrix.exact for matrix in matrices) else None


def _shares(matrix: ErrorMatrix, lines: "range | list[int]", wrong: Mapping[str, bytes]) -> Floats | None:
    predictions = [hashed for line in dict.fromkeys(lines) for hashed in matrix.predictions[line]]
    if not predictions or matrix.folds or any(hashed not in wrong for hashed in predictions):
        return None  # of folds the scored images are those that labels come from: others would change both
    return shares_wrong([wrong[hashed] for hashed in predictions], matrix.n_scored)
