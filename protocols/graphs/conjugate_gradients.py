"""Linear equations of one matrix with many right-hand sides, solved at once."""

import functools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.graphs.in_threads import in_threads

_ROWS = 1024  # few enough at a time to stay in the processor's cache
_COLUMNS = 100  # at once, in each thread
_MOST = 10_000  # steps; graphs of images take a few hundred
_FINISHED = 0.25  # drop finished columns once they make up this share

Array = npt.NDArray[np.float32]


def conjugate_gradients(system: Any, sources: Sequence[Array], *, tolerance: float) -> list[Array]:
    r"""Solve :math:`A u = b` by conjugate gradients for several b, from u = 0.

    No bit of a solution depends on what is solved with it: each column has its own step lengths, and each b stops when
    the norm of its residual, over all its columns, is at most the tolerance. The steps are those of
    ``graphlearning.utils.conjgrad``, bit for bit, which stops for all its columns at once. Many columns at once cost
    less than as many products with few: each row of the matrix is read once for all.

    Args:
        system: A: symmetric, positive semi-definite, sparse CSR array, fp32 (n, n).
        sources: Each b, fp32 (n, c), with two or more columns (a single one would be summed in another order alone).
        tolerance: Norm of the residual at which to stop.

    Returns:
        u for each b, fp32 (n, c).

    Warns:
        ConvergenceWarning: If a residual is above the tolerance after 10,000 steps, as where parts of the graph are not
            connected and their sources do not add up to zero; that u is the one of the last step.

    Raises:
        UserError: If a residual is not finite.
    """
    most = max(1, _COLUMNS // max((b.shape[1] for b in sources), default=1))
    solved = in_threads(functools.partial(_solve, system, tolerance), sources, most=most)
    if not all(converged for _, converged in solved):
        text = f"conjugate gradients stopped after {_MOST:,} steps, before they converged"
        warnings.warn(text, ConvergenceWarning, stacklevel=2)
    return [solution for solution, _ in solved]


def _solve(system: Any, tolerance: float, sources: Sequence[Array]) -> list[tuple[Array, bool]]:
    """Return the solution for each source, and whether it has converged."""
    solutions: list[Array] = [np.zeros_like(b) for b in sources]
    source_of_column = np.repeat(np.arange(len(sources)), [b.shape[1] for b in sources])
    r = np.concatenate(sources, axis=1)
    x, p = np.zeros_like(r), r.copy()
    before = _column_sums(r, r)
    running = np.ones_like(source_of_column, dtype=bool)
    unsolved = set(range(len(sources)))
    for _ in range(_MOST):
        if not unsolved:
            break
        Ap = system @ p
        alpha = _ratio(before, _column_sums(p, Ap), running)
        for i in range(0, len(r), _ROWS):
            rows = slice(i, i + _ROWS)
            x[rows] += alpha * p[rows]
            r[rows] -= alpha * Ap[rows]
        now = _column_sums(r, r)
        if not np.isfinite(now).all():
            raise UserError("the graph's equations have no finite solution: its codes are too large or not numbers")
        beta = _ratio(now, before, running)
        for i in range(0, len(r), _ROWS):
            rows = slice(i, i + _ROWS)
            p[rows] = r[rows] + beta * p[rows]
        before = now
        for source in sorted(unsolved):
            columns = source_of_column == source
            if np.sqrt(np.sum(now[columns])) <= tolerance:
                solutions[source] = np.ascontiguousarray(x[:, columns])
                unsolved.remove(source)
        running = np.isin(source_of_column, list(unsolved))
        if unsolved and running.mean() <= 1 - _FINISHED:
            x, r, p = (np.ascontiguousarray(a[:, running]) for a in (x, r, p))
            before, source_of_column, running = before[running], source_of_column[running], running[running]
    for source in unsolved:
        solutions[source] = np.ascontiguousarray(x[:, source_of_column == source])
    return [(solution, source not in unsolved) for source, solution in enumerate(solutions)]


def _ratio(a: Array, b: Array, running: npt.NDArray[np.bool_]) -> Array:
    """Divide, with 0 for columns that have finished or are solved exactly: they no longer change."""
    ratio: Array = np.divide(a, b, out=np.zeros_like(a), where=running & (b != 0))
    return ratio


def _column_sums(a: Array, b: Array) -> Array:
    """Sum the products of two arrays (n, c) over rows, one row after the other: (c,)."""
    products = np.zeros((_ROWS + 1, a.shape[1]), dtype=np.float32)
    for i in range(0, len(a), _ROWS):
        block = a[i : i + _ROWS]
        np.multiply(block, b[i : i + _ROWS], out=products[1 : len(block) + 1])
        products[0] = products[: len(block) + 1].sum(axis=0)
    sums: Array = products[0].copy()
    return sums
