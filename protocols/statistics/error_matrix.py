"""The errors of one contender at one budget as a matrix: labelled subsets by pretraining seeds."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.statistics.folds import pool_folds
from ssl_irmae.protocols.storage.rows import Row

_Cells = dict[tuple[int, int | None], Row]  # by seed and pretraining seed


@dataclass(frozen=True, eq=False)
class ErrorMatrix:
    """One contender at one budget.

    Args:
        seeds: Seeds of the labelled subsets or, at the full set, of the training runs; ascending, S of them.
        pretrain_seeds: Ascending, P of them; a single None where no encoder was pretrained or none records its seed.
        errors: Errors in percent, float64, shape (S, P).
        one_subset: Whether all subsets are the same: the full set, or the first images.
        folds: Whether each error is pooled over the folds of a seed's division of the labelled images.
        deterministic: Whether the readout makes no random choice at the full set, and so has one result there.
        left_out: Seeds that were not run on every fold and with every pretraining seed, and so are not in the matrix.
        balanced: The mean over classes of each class's error, percent, float64, shape (S, P); None if a row lacks it.
        predictions: SHA-256 of what each run predicted, S times P of them; see ``mistakes`` for which were wrong.
        n_scored: Number of scored images.
    """

    seeds: tuple[int, ...]
    pretrain_seeds: tuple[int | None, ...]
    errors: npt.NDArray[np.float64]
    one_subset: bool
    folds: bool
    deterministic: bool
    left_out: tuple[int, ...]
    balanced: npt.NDArray[np.float64] | None
    predictions: tuple[tuple[str, ...], ...]
    n_scored: int

    @property
    def exact(self) -> bool:
        """Whether another run would give the same: without randomness, at the full set."""
        return self.one_subset and self.deterministic

    def of_seeds(self, seeds: Collection[int]) -> "ErrorMatrix":
        """Return the errors of those of its seeds that are given, at least one."""
        lines = [i for i, seed in enumerate(self.seeds) if seed in seeds]
        return replace(
            self,
            seeds=tuple(self.seeds[i] for i in lines),
            errors=self.errors[lines],
            balanced=None if self.balanced is None else self.balanced[lines],
            predictions=tuple(self.predictions[i] for i in lines),
        )


def error_matrices(rows: Iterable[Row]) -> dict[tuple[int, str], ErrorMatrix]:
    """Arrange rows in one matrix per (budget, contender), in order of first appearance.

    The folds of a seed are pooled. A seed that was not run on every fold and with every pretraining seed is left out:
    its mean over fewer encoders would mix the spread of the encoders into the spread of the subsets. What another run
    could only repeat counts once: a result without randomness at the full set, and a typical subset that several seeds
    chose.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.

    Raises:
        UserError: If two rows give the same trial different errors, or if no seed was run on every fold and with every
            pretraining seed.
    """
    rows = _without_repeats(list(rows))
    run: dict[tuple[int, str], _Cells] = {}
    errors: dict[tuple[int, str, int, int | None, int | None], float] = {}
    for row in rows:
        run.setdefault((row.budget, row.contender), {})[row.seed, row.pretrain_seed] = row
        trial = (row.budget, row.contender, row.seed, row.pretrain_seed, row.fold)
        if errors.setdefault(trial, row.error) != row.error:
            raise UserError(
                f"two rows give {row.contender} at {row.budget} labels, seed {row.seed}, different errors: they come "
                "from different protocols, encoders or machines; choose one"
            )
    complete: dict[tuple[int, str], _Cells] = {key: {} for key in run}
    for row in pool_folds(rows):
        complete[row.budget, row.contender][row.seed, row.pretrain_seed] = row
    one_subset = {row.budget for row in rows if row.one_subset}
    return {key: _matrix(*key, complete[key], run[key], one_subset=key[0] in one_subset) for key in run}


def _without_repeats(rows: list[Row]) -> list[Row]:
    """Keep of typical subsets that are the same the one of the lowest seed, under the lowest seed of any contender."""
    typical = [row for row in rows if row.rule == "typical" and row.fold is None]
    if not typical:
        return rows
    lowest: dict[tuple[int, str, str | None], int] = {}
    for row in typical:
        for contender in (None, row.contender):
            key = (row.budget, row.subset, contender)
            lowest[key] = min(row.seed, lowest.get(key, row.seed))
    kept = [row for row in typical if row.seed == lowest[row.budget, row.subset, row.contender]]
    others = [row for row in rows if row.rule != "typical" or row.fold is not None]
    return [*others, *(row.model_copy(update={"seed": lowest[row.budget, row.subset, None]}) for row in kept)]


def _matrix(budget: int, contender: str, cells: _Cells, run: _Cells, *, one_subset: bool) -> ErrorMatrix:
    every = sorted({seed for seed, _ in run})
    pretrain_seeds = tuple(sorted({p for _, p in run}, key=lambda p: -1 if p is None else p))
    seeds = tuple(seed for seed in every if all((seed, p) in cells for p in pretrain_seeds))
    last = list(run.values())[-1]
    if not seeds:
        needed = f"every one of its pretraining seeds ({', '.join(str(p) for p in pretrain_seeds)})"
        raise UserError(
            f"no subset of {contender} at {budget} labels was run with {needed}: run the missing trials, or choose one "
            "encoder"
            if last.folds is None
            else f"no seed of {contender} at {budget} labels was run on all {last.folds} folds: run the missing trials"
        )
    left_out = tuple(seed for seed in every if seed not in seeds)
    if one_subset and last.deterministic_at_full_set:
        seeds = seeds[:1]
    return ErrorMatrix(
        seeds,
        pretrain_seeds,
        np.array([[cells[seed, p].error for p in pretrain_seeds] for seed in seeds], dtype=np.float64),
        one_subset,
        last.folds is not None,
        last.deterministic_at_full_set,
        left_out,
        _balanced([[cells[seed, p].balanced_error for p in pretrain_seeds] for seed in seeds]),
        tuple(tuple(cells[seed, p].predictions for p in pretrain_seeds) for seed in seeds),
        cells[seeds[0], pretrain_seeds[0]].n_scored,
    )


def _balanced(errors: list[list[float | None]]) -> npt.NDArray[np.float64] | None:
    if any(error is None for line in errors for error in line):
        return None
    return np.array(errors, dtype=np.float64)
