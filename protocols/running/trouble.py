"""Numerical trouble: what solvers say about not having converged becomes a field of rows, not a flood of warnings."""

import contextlib
import warnings
from collections.abc import Iterator

from sklearn.exceptions import ConvergenceWarning

_LONGEST = 120  # characters


@contextlib.contextmanager
def solvers_watched() -> Iterator[list[str]]:
    """Collect what solvers warn of inside the block about convergence, each sentence once; show other warnings.

    Yields:
        The list, which is filled when the block ends.
    """
    trouble: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield trouble
    for warning in caught:
        if issubclass(warning.category, ConvergenceWarning):
            first = str(warning.message).strip().splitlines()[0].rstrip(":.")[:_LONGEST]
            if first not in trouble:
                trouble.append(first)
        else:
            warnings.showwarning(warning.message, warning.category, warning.filename, warning.lineno)
