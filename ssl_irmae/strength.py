"""The one number of a method that says how much it does: what it means, its range and its usual value."""

import inspect
import math
from dataclasses import dataclass

from ssl_irmae.errors import UserError
from ssl_irmae.methods import METHODS


@dataclass(frozen=True)
class Strength:
    """What the strength of a method is.

    Args:
        meaning: What it is, in a few words.
        least: The least that it can be.
        below: What it has to be below.
        whole: Whether it is a whole number.
    """

    meaning: str
    least: float = 0.0
    below: float = math.inf
    whole: bool = False

    @property
    def range(self) -> str:
        """What it can be, in words."""
        number = "a whole number" if self.whole else "a number"
        return f"{number} from {self.least:g}" + ("" if self.below == math.inf else f" to below {self.below:g}")


STRENGTHS: dict[str, Strength] = {
    "vae": Strength("weight of the Gaussian's penalty, beta"),
    "irmae-wd": Strength("weight decay"),
    "lorae": Strength("weight of the layer's nuclear norm"),
    "rrae": Strength("directions of the code that are kept", least=1, whole=True),
    "denoising": Strength("share of the pixels that are set to zero", below=1),
    "contractive": Strength("weight of the encoder's squared Jacobian"),
    "sparse": Strength("weight of the code's mean absolute value"),
    "rae": Strength("weight of half the code's mean square"),
    "sigreg": Strength("weight of the distance to a Gaussian"),
}


def usual_strength(method: str) -> float | None:
    """Return a method's strength unless another is given; None if it has none, or it follows the width of the code.

    >>> usual_strength("lorae"), usual_strength("ae")
    (0.001, None)
    """
    parameters = inspect.signature(METHODS[method]).parameters if method in METHODS else {}
    default: float | None = parameters["strength"].default if "strength" in parameters else None
    return default


def check_strength(method: str, strength: float | None) -> None:
    """Check the strength that a method is given; None is its usual one.

    Raises:
        UserError: If the method has none, or it is out of range.
    """
    if strength is None:
        return
    if method not in STRENGTHS:
        raise UserError(f"`strength` belongs to {', '.join(STRENGTHS)}, not to {method}: leave it out")
    known = STRENGTHS[method]
    in_range = known.least <= strength < known.below  # not if it is not a number
    if not in_range or (known.whole and strength != int(strength)):
        raise UserError(
            f"`strength` {strength:g}: that of {method}, {known.meaning}, is {known.range}" + _usually(method)
        )


def _usually(method: str) -> str:
    usual = usual_strength(method)
    return "" if usual is None else f"; its usual one is {usual:g}"
