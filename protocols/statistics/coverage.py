"""How often 95 % intervals held the true value when they were tried on rows of this toolkit."""

from collections.abc import Iterable
from typing import Literal

Of = Literal["difference", "error"]

MEASURED: dict[Of, dict[int, tuple[int, int]]] = {
    "difference": {
        3: (90, 48),
        5: (91, 62),
        6: (92, 62),
        8: (93, 52),
        10: (93, 50),
        15: (93, 57),
        20: (94, 66),
        30: (95, 79),
    },
    "error": {
        3: (76, 44),
        5: (77, 30),
        6: (78, 24),
        8: (79, 16),
        10: (79, 18),
        15: (84, 30),
        20: (85, 37),
        30: (88, 47),
    },
}
"""Of the mean difference of two contenders, and of a mean error: by n, coverage in percent on average and at worst.

Measured by docs/results/coverage/measure.py; a test demands that these are the numbers of the rows beside it.
"""

MEASURED_WORTH = (95, 66)
"""Of what a contender's labels are worth in those of the baseline: the same, over contenders and budgets with at least
``WORTH_FROM`` subsets."""

WORTH_FROM = 10


def describe_coverage(of: Of, counts: Iterable[int]) -> str:
    """Say what was measured for the n that is nearest to the smallest given, as a sentence.

    Args:
        of: Of what the interval is.
        counts: Numbers of pairs, or of subsets.
    """
    fewest = min(n for n in counts if n > 1)
    n = min(MEASURED[of], key=lambda measured: (abs(measured - fewest), measured))
    mean, worst = MEASURED[of][n]
    return (
        f"Tried on 100 subsets of 10 MNIST labels, {n} at a time, such intervals held the mean of all in {mean} % of "
        f"draws (at worst in {worst} %)."
    )


def describe_worth_coverage(counts: Iterable[int]) -> str:
    """Say what was measured for intervals of what labels are worth, in a sentence or two.

    Args:
        counts: Numbers of subsets, of which the smallest should be among those that were tried.
    """
    mean, worst = MEASURED_WORTH
    fewer = f" Fewer than {WORTH_FROM} subsets were not tried." if min(counts) < WORTH_FROM else ""
    return (
        f"Tried on the subsets of an MNIST grid, {WORTH_FROM} or more drawn again at a time, such intervals held the "
        f"worth by all of them in {mean} % of draws (at worst in {worst} %).{fewer}"
    )
