"""Views of an image: small random changes that leave its class alone."""

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

View = Literal["none", "weak", "strong"]


class Ranges(NamedTuple):
    """How far a view may go, each drawn uniformly in both directions.

    Args:
        rotation: Degrees.
        scale: Of each axis, as the logarithm to base 2.
        shear: Of x along y, as a ratio.
        shift: Of each axis, as a share of the image's side.
        erased: Side of the square that is blanked, as a share of the image's side.
    """

    rotation: float
    scale: float
    shear: float
    shift: float
    erased: float


RANGES = {
    "weak": Ranges(rotation=8, scale=0.1, shear=0.1, shift=0.06, erased=0.0),
    "strong": Ranges(rotation=15, scale=0.25, shear=0.25, shift=0.1, erased=0.3),
}


def view(x: Tensor, kind: View, draw: torch.Generator) -> Tensor:
    """Draw a view of every image: an affine map with bilinear sampling, and for a strong one a square erased.

    What comes into the frame from outside repeats the border. No view mirrors an image: digits have a hand.

    Args:
        x: Images (n, c, s, s) in [0, 1].
        kind: ``"none"`` gives the images back.
        draw: On the images' device.

    Returns:
        Images (n, c, s, s), fp32.
    """
    if kind == "none":
        return x
    ranges = RANGES[kind]
    n, size = len(x), x.shape[-1]

    def uniform(limit: float) -> Tensor:
        return (torch.rand(n, device=x.device, generator=draw) * 2 - 1) * limit

    angle, shear = torch.deg2rad(uniform(ranges.rotation)), uniform(ranges.shear)
    across, down = torch.exp2(uniform(ranges.scale)), torch.exp2(uniform(ranges.scale))
    cos, sin = angle.cos(), angle.sin()
    # the map from places in the view to places in the image: rotation times shear times scale, then the shift
    theta = torch.stack(
        [
            torch.stack([cos * across, (cos * shear - sin) * down, uniform(2 * ranges.shift)], 1),
            torch.stack([sin * across, (sin * shear + cos) * down, uniform(2 * ranges.shift)], 1),
        ],
        1,
    )
    with torch.autocast(x.device.type, enabled=False):
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        seen = F.grid_sample(x.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    side = round(ranges.erased * size)
    if side:
        top, left = (torch.randint(1 - side, size, (n, 1), device=x.device, generator=draw) for _ in range(2))
        place = torch.arange(size, device=x.device)
        rows, columns = ((place >= start) & (place < start + side) for start in (top, left))
        seen = seen.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)
    return seen
