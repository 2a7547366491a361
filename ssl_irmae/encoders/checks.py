"""What is checked of an encoder: that its weights fit its networks, and that weights and codes are finite numbers."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ssl_irmae.datasets.reading import count, listed
from ssl_irmae.errors import UserError


def misfit(state: Mapping[str, Tensor], networks: Mapping[str, Tensor]) -> str | None:
    """Describe the first difference in name or shape between weights and what networks need; None if they fit.

    Args:
        state: Weights by name.
        networks: State dict of the networks; its numbers are not read, so that they can be on the device "meta".

    >>> import torch
    >>> misfit({"a": torch.zeros(2, 3)}, {"a": torch.zeros(2, 4)})
    'a is 2x3, where 2x4 is needed'
    """
    for name, needed in networks.items():
        if name not in state:
            return f"{name} is missing"
        if state[name].shape != needed.shape:
            return f"{name} is {_sides(state[name])}, where {_sides(needed)} is needed"
    return next((f"{name} belongs to no layer" for name in state if name not in networks), None)


def check_weights(state: Mapping[str, Tensor], where: str, remedy: str) -> None:
    """Check that all weights are finite numbers.

    Args:
        state: Weights by name.
        where: What holds them; the error message begins with it.
        remedy: What to do if they are not.

    Raises:
        UserError: If one is infinite or not a number.
    """
    bad = [name for name, weights in state.items() if not weights.isfinite().all()]
    if bad:
        raise UserError(f"{where} contains weights that are infinite or not a number ({listed(bad)}): {remedy}")


def require_undamaged(path: Path) -> None:
    """Check the sums of what torch has saved, which torch does not look at: a flipped bit would be another weight.

    Raises:
        Exception: Of whatever kind, if a sum is wrong, or the file cannot be read so far. What torch saved before
            version 1.6 has no sums, and passes.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if (name := archive.testzip()) is not None:
                raise zipfile.BadZipFile(name)


def check_codes(codes: Tensor) -> None:
    """Check that codes (n, d) are finite numbers.

    Raises:
        UserError: If one is infinite or not a number.
    """
    bad = int((~codes.isfinite()).any(1).sum())
    if bad:
        raise UserError(
            f"the encoder maps {count(bad, 'image')} of {len(codes):,} to codes that are infinite or not a number: its "
            "weights are too large; pretrain it again"
        )


def _sides(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"
