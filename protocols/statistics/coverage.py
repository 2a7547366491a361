"""How often 95 % t intervals held the true value when they were tried on rows of this toolkit."""

from collections.abc import Iterable

MEASURED: dict[int, tuple[int, int]] = {
    3: (89, 48),
    5: (91, 62),
    6: (92, 65),
    8: (93, 74),
    10: (94, 78),
    15: (94, 84),
    20: (94, 86),
    30: (95, 88),
}
"""By the number of pairs: coverage in percent on average and at worst, of mean differences between two contenders.

Measured by docs/results/coverage/measure.py; a test demands that these are the numbers of the rows beside it.
"""


def describe_coverage(counts: Iterable[int]) -> str:
    """Say what was measured for the number of pairs that is nearest to the smallest given, as a sentence.

    Args:
        counts: Numbers of pairs.
    """
    fewest = min(n for n in counts if n > 1)
    n = min(MEASURED, key=lambda measured: (abs(measured - fewest), measured))
    mean, worst = MEASURED[n]
    return (
        f"Tried on rows of this toolkit, with {n} of 100 subsets at a time, such intervals held the mean of all in "
        f"{mean} % of draws (at worst, for one pair of contenders, in {worst} %)."
    )
