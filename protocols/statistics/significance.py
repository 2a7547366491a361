"""Significance of paired differences: the sign-flip test, Holm's correction, and what the number of pairs allows."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EXACT_UP_TO = 16
FLIPS = 99_999


def sign_flip_test(differences: Sequence[float] | Floats) -> float:
    r"""Compute the two-sided p value of a mean difference as if every sign had been the toss of a fair coin.

    .. math:: p = \#\{s \in \{-1, 1\}^n : |\sum_i s_i d_i| \ge |\sum_i d_i|\} / 2^n

    For up to 16 differences it is exact, over all :math:`2^n` flips; beyond that it is :math:`(1 + h) / (1 + m)`, where
    h of m = 99,999 seeded random flips reach the mean. The only assumption is that under the null hypothesis each
    difference is symmetric about 0.

    Source: Fisher, The Design of Experiments (1935), section 21; Phipson and Smyth, Permutation p-values should never
    be zero, Stat. Appl. Genet. Mol. Biol. 9 (2010), https://doi.org/10.2202/1544-6115.1585.

    Args:
        differences: Paired differences, shape (n,), n at least 1.

    >>> sign_flip_test([1.0, 2.0, 3.0])
    0.25
    """
    x = np.asarray(differences, dtype=np.float64)
    # equal sums that are added up in different orders differ by rounding
    reached = np.abs(x.sum()) - 1e-12 * np.abs(x).sum()
    hits = int((np.abs(_flips(len(x)) @ x) >= reached).sum())
    return hits / 2 ** (len(x) - 1) if len(x) <= EXACT_UP_TO else (1 + hits) / (1 + FLIPS)


@lru_cache(maxsize=4)
def _flips(n: int) -> Floats:
    """Return signs, shape (flips, n); of all flips only the half that starts with +1, which the other half mirrors."""
    if n > EXACT_UP_TO:
        return np.random.default_rng(0).choice(np.array([-1.0, 1.0]), size=(FLIPS, n))
    bits = np.arange(2 ** (n - 1))[:, None] >> np.arange(n)[::-1] & 1
    return np.where(bits == 1, -1.0, 1.0)


def holm(p: Sequence[float]) -> list[float]:
    """Correct p values for their number, which bounds the chance of any false finding among them.

    The k-th smallest of m is multiplied by m - k + 1; none may be smaller than the one before it, nor exceed 1.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979),
    https://www.jstor.org/stable/4615733.

    Args:
        p: One p value per comparison.

    Returns:
        The corrected values, in the same order.

    >>> holm([0.25, 0.0625, 0.125])
    [0.25, 0.1875, 0.25]
    """
    order = np.argsort(p, kind="stable")
    steps = np.asarray(p, dtype=np.float64)[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in corrected]


def smallest_p(n: int, *, contenders: int = 1) -> float:
    """Compute the smallest p that the sign-flip test of n pairs can give, after Holm's correction.

    It belongs to differences of one sign: 2 of the 2^n flips. Holm multiplies the smallest of m by m.

    Args:
        n: Pairs, at least 1.
        contenders: How many contenders with at most n pairs are compared with the baseline at that budget.

    >>> smallest_p(10)
    0.001953125
    """
    return min(1.0, contenders * 2.0 ** (1 - n))


def what_n_allows(n: int, *, contenders: int = 1, noun: str = "contenders") -> str | None:
    """Describe whether the sign-flip test of n pairs can reach p < 0.05 at all, after Holm's correction.

    Args:
        n: Pairs, at least 1.
        contenders: How many contenders with at most n pairs are compared with the baseline at that budget.
        noun: What these are called, in the plural.

    Returns:
        One sentence, or None where it can.

    >>> what_n_allows(5)
    'With 5 pairs the smallest possible p is 2/2^5 = 0.0625: no difference can reach p < 0.05; that takes 6 pairs.'
    >>> what_n_allows(10)
    """
    smallest = smallest_p(n, contenders=contenders)
    if smallest < 0.05:
        return None
    needed = next(pairs for pairs in range(n, n + 64) if smallest_p(pairs, contenders=contenders) < 0.05)
    corrected = f" ({smallest:.2g} after Holm's correction for {contenders} {noun})" if contenders > 1 else ""
    return (
        f"With {n} {'pair' if n == 1 else 'pairs'} the smallest possible p is 2/2^{n} = {2 / 2**n:.3g}{corrected}: no "
        f"difference can reach p < 0.05; that takes {needed} pairs."
    )
