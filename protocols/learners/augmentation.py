"""Views of an image: small random changes that keep its class."""

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

View = Literal["none", "weak", "strong"]


class Ranges(NamedTuple):
    """Largest change of each kind; changes are drawn uniformly in both directions.

    Args:
        rotation: Rotation in degrees.
        scale: Scale of each axis, as a logarithm to base 2.
        shear: Shear of x along y, as a ratio.
        shift: Shift along each axis, as a fraction of the image's side.
        erased: Side of the erased square, as a fraction of the image's side.
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


def view(x: Tensor, kind: View, rng: torch.Generator) -> Tensor:
    """Draw a view of every image: an affine map with bilinear sampling, and for a strong view an erased square.

    Pixels from outside the frame repeat the border. No flips: a mirrored digit is not the same digit.

    Args:
        x: Images (n, c, s, s) in [0, 1].
        kind: ``"none"`` returns the images unchanged.
        rng: Random generator on the images' device.

    Returns:
        Images (n, c, s, s), fp32.
    """
    if kind == "none":
        return x
    ranges = RANGES[kind]
    n, size = len(x), x.shape[-1]

    def uniform(limit: float) -> Tensor:
        return (torch.rand(n, device=x.device, generator=rng) * 2 - 1) * limit

    angle, shear = torch.deg2rad(uniform(ranges.rotation)), uniform(ranges.shear)
    scale_x, scale_y = torch.exp2(uniform(ranges.scale)), torch.exp2(uniform(ranges.scale))
    cos, sin = angle.cos(), angle.sin()
    # maps positions in the view to positions in the image: rotation times shear times scale, then the shift
    theta = torch.stack(
        [
            torch.stack([cos * scale_x, (cos * shear - sin) * scale_y, uniform(2 * ranges.shift)], 1),
            torch.stack([sin * scale_x, (sin * shear + cos) * scale_y, uniform(2 * ranges.shift)], 1),
        ],
        1,
    )
    with torch.autocast(x.device.type, enabled=False):
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        viewed = F.grid_sample(x.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    side = round(ranges.erased * size)
    if side:
        top, left = (torch.randint(1 - side, size, (n, 1), device=x.device, generator=rng) for _ in range(2))
        pixel = torch.arange(size, device=x.device)
        rows, columns = ((pixel >= start) & (pixel < start + side) for start in (top, left))
        viewed = viewed.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)
    return viewed
