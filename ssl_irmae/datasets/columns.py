"""The columns of rows of numbers: their names, and the scale that makes them comparable."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from ssl_irmae.datasets.reading import count, listed
from ssl_irmae.errors import UserError

LARGEST = 1e100
"""Numbers beyond it are refused: their squares would soon be infinite."""

_ROUNDING = 8 * float(np.finfo(np.float64).eps)
_CHUNK = 4096


class Columns(BaseModel):
    """What numbers are centred by and divided by, column by column.

    A standardised number is ``(x - m) / s`` with mean m and standard deviation s (not corrected for the mean) of
    its column over the rows that were trained on. A column that was constant there is read as 0, whatever it holds,
    and reconstructed as its mean: nothing could be learned of it.

    Args:
        mean: Mean of each column.
        scale: Standard deviation of each column; 0 where it is constant up to rounding.
        names: Names of the columns; empty if they have none.

    >>> columns = Columns.of(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    >>> columns.standardise(torch.tensor([[4.0, 6.0]])).flatten()
    tensor([2., 0.])
    >>> columns.restore(torch.tensor([[2.0, 1.0]]))
    tensor([[4., 5.]], dtype=torch.float64)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: tuple[float, ...] = Field(min_length=1)
    scale: tuple[float, ...]
    names: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if len(self.scale) != len(self.mean) or len(self.names) not in (0, len(self.mean)):
            raise ValueError("mean and scale have one number per column, and names none or one")
        if not all(np.isfinite((*self.mean, *self.scale))) or min(self.scale) < 0:
            raise ValueError("means and scales are finite numbers, and no scale is negative")
        return self

    @classmethod
    def of(cls, rows: Tensor, names: Sequence[str] = ()) -> Self:
        """Measure the columns of training rows.

        Args:
            rows: Finite numbers, shape (n, d), or (n, d, 1, 1) as an ``ImageSet`` holds them.
            names: Names of the columns, if they have any.

        Raises:
            UserError: If rows are anything else, or all of them are equal.
        """
        x = as_rows(rows, "rows").numpy()
        scale = np.where(np.ptp(x, axis=0) <= _ROUNDING * np.abs(x).max(0), 0.0, x.std(0))
        if not scale.any():
            raise UserError(f"all {count(len(x), 'row')} hold the same numbers: there is nothing to learn")
        return cls(mean=tuple(x.mean(0).tolist()), scale=tuple(scale.tolist()), names=tuple(names))

    @property
    def constant(self) -> list[int]:
        """Positions of the columns that are constant."""
        return [i for i, scale in enumerate(self.scale) if scale == 0]

    def require(self, names: Sequence[str], *, width: int, title: str) -> None:
        """Check that the columns of other rows are these: as many and, where both have names, of the same names.

        Args:
            names: Names of their columns; empty if they have none.
            width: How many they are.
            title: What holds them, such as the name of a file.

        Raises:
            UserError: If a column is missing or one too many, or they are in another order.
        """
        remedy = "give the columns of its pretraining, in their order"
        if self.names and names:
            missing = [name for name in self.names if name not in names]
            extra = [name for name in names if name not in self.names]
            parts = [f"lacks the {_columns(missing)}"] if missing else []
            parts += [f"has the {_columns(extra)}, which the encoder was not pretrained on"] if extra else []
            if parts:
                raise UserError(f"{title} {' and '.join(parts)}: {remedy}")
            if tuple(names) != self.names and len(names) == len(self.names):
                i = next(i for i, (a, b) in enumerate(zip(names, self.names, strict=True)) if a != b)
                raise UserError(
                    f"{title}: column {i + 1} is {names[i]!r}, where the encoder was pretrained on {self.names[i]!r}: "
                    f"{remedy}"
                )
        if width != len(self.mean):
            known = f": {listed(self.names)}" if self.names else ""
            raise UserError(
                f"{title} has {count(width, 'column')} of numbers, and the encoder reads {len(self.mean):,}{known}; "
                f"{remedy}"
            )

    def standardise(self, rows: Tensor) -> Tensor:
        """Bring rows to the scale that networks read.

        Args:
            rows: Finite numbers, shape (n, d) or (n, d, 1, 1).

        Returns:
            fp32, shape (n, d, 1, 1): as networks read rows, images of one pixel.

        Raises:
            UserError: If rows are anything else, or have another number of columns.
        """
        x = as_rows(rows, "rows")
        if x.shape[1] != len(self.mean):
            raise UserError(
                f"rows of {count(x.shape[1], 'number')}, where the encoder reads {len(self.mean):,}: give the columns "
                "that it was pretrained on, in their order"
            )
        mean, scale = (torch.tensor(values, dtype=torch.float64) for values in (self.mean, self.scale))
        divisor = torch.where(scale > 0, scale, torch.inf)
        out = torch.empty(x.shape, dtype=torch.float32)
        for chunk, result in zip(torch.split(x, _CHUNK), torch.split(out, _CHUNK), strict=True):
            result.copy_((chunk - mean) / divisor)
        return out[:, :, None, None]

    def restore(self, standardised: Tensor) -> Tensor:
        """Bring standardised numbers (n, d) or (n, d, 1, 1) back to the units of their columns: fp64 (n, d)."""
        mean, scale = (torch.tensor(values, dtype=torch.float64) for values in (self.mean, self.scale))
        return standardised.detach().cpu().double().flatten(1) * scale + mean


def _columns(names: Sequence[str]) -> str:
    return f"column{'s' * (len(names) > 1)} {listed([repr(name) for name in names])}"


def as_rows(x: object, title: str) -> Tensor:
    """Check that a tensor holds rows of numbers, and return them as fp64 (n, d) on the CPU.

    Args:
        x: Should be finite numbers below 1e100 in size, shape (n, d), or (n, d, 1, 1) as an ``ImageSet`` holds them;
            not empty.
        title: How error messages call it.

    Raises:
        UserError: If it is anything else.
    """
    if not isinstance(x, Tensor):
        raise UserError(f"{title} must be a tensor of numbers of shape (n, d), got {type(x).__name__}")
    rows = x[:, :, 0, 0] if x.ndim == 4 and x.shape[2:] == (1, 1) else x
    if rows.ndim != 2 or rows.numel() == 0 or x.is_complex():
        kind = str(x.dtype).removeprefix("torch.")
        raise UserError(f"{title} must be numbers of shape (n, d), not empty, got {kind} of shape {tuple(x.shape)}")
    rows = rows.detach().cpu().double()
    usable = rows.abs() < LARGEST  # not so of NaN
    if not usable.all():
        row, column = (~usable).nonzero()[0].tolist()
        raise UserError(
            f"{title} must be finite numbers below {LARGEST:.0e} in size, and row {row}, column {column} (from 0) "
            f"holds {float(rows[row, column]):g}: fill it in, or leave the row out"
        )
    return rows
