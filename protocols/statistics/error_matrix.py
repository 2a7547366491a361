"""The errors of one contender at one budget as a matrix: labelled subsets by pretraining seeds."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.storage.rows import Row


@dataclass(frozen=True, eq=False)
class ErrorMatrix:
    """One contender at one budget.

    Args:
        seeds: Seeds of the labelled subsets or, at the full set, of the training runs; ascending, S of them.
        pretrain_seeds: Ascending, P of them; a single None where no encoder was pretrained or none records its seed.
        errors: Errors in percent, float64, shape (S, P).
        one_subset: Whether all subsets are the same: the full set, or the first images.
        deterministic: Whether the readout makes no random choice at the full set, and so has one result there.
        left_out: Seeds that were not run with every pretraining seed, and so are not in the matrix.
        balanced: The mean over classes of each class's error, percent, float64, shape (S, P); None if a row lacks it.
    """

    seeds: tuple[int, ...]
    pretrain_seeds: tuple[int | None, ...]
    errors: npt.NDArray[np.float64]
    one_subset: bool
    deterministic: bool
    left_out: tuple[int, ...]
    balanced: npt.NDArray[np.float64] | None

    @property
    def by_seed(self) -> dict[int, float]:
        """Mean error over the pretraining seeds, percent, by subset seed."""
        return dict(zip(self.seeds, self.errors.mean(axis=1).tolist(), strict=True))


def error_matrices(rows: Iterable[Row]) -> dict[tuple[int, str], ErrorMatrix]:
    """Arrange rows in one matrix per (budget, contender), in order of first appearance.

    A subset that was not run with every pretraining seed is left out: its mean over fewer encoders would mix the
    spread of the encoders into the spread of the subsets.

    Args:
        rows: Rows of one protocol: one data set, one rule, one set of scored images.

    Raises:
        UserError: If two rows give the same trial different errors, or if no subset was run with every pretraining
            seed.
    """
    cells: dict[tuple[int, str], dict[tuple[int, int | None], Row]] = {}
    one_subset: set[int] = set()
    deterministic: dict[tuple[int, str], bool] = {}
    for row in rows:
        deterministic[row.budget, row.contender] = row.deterministic_at_full_set
        group = cells.setdefault((row.budget, row.contender), {})
        if group.setdefault((row.seed, row.pretrain_seed), row).error != row.error:
            raise UserError(
                f"two rows give {row.contender} at {row.budget} labels, seed {row.seed}, different errors: they come "
                "from different protocols, encoders or machines; choose one"
            )
        if row.rule in ("full", "first"):
            one_subset.add(row.budget)
    return {
        key: _matrix(*key, group, one_subset=key[0] in one_subset, deterministic=deterministic[key])
        for key, group in cells.items()
    }


def _matrix(
    budget: int, contender: str, cells: dict[tuple[int, int | None], Row], *, one_subset: bool, deterministic: bool
) -> ErrorMatrix:
    every = sorted({seed for seed, _ in cells})
    pretrain_seeds = tuple(sorted({p for _, p in cells}, key=lambda p: -1 if p is None else p))
    seeds = tuple(seed for seed in every if all((seed, p) in cells for p in pretrain_seeds))
    if not seeds:
        raise UserError(
            f"no subset of {contender} at {budget} labels was run with every one of its pretraining seeds "
            f"({', '.join(str(p) for p in pretrain_seeds)}): run the missing trials, or choose one encoder"
        )
    return ErrorMatrix(
        seeds,
        pretrain_seeds,
        np.array([[cells[seed, p].error for p in pretrain_seeds] for seed in seeds], dtype=np.float64),
        one_subset,
        deterministic,
        tuple(seed for seed in every if seed not in seeds),
        _balanced([[cells[seed, p].balanced_error for p in pretrain_seeds] for seed in seeds]),
    )


def _balanced(errors: list[list[float | None]]) -> npt.NDArray[np.float64] | None:
    if any(error is None for line in errors for error in line):
        return None
    return np.array(errors, dtype=np.float64)
