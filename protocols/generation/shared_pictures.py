"""What draws that share real pictures leave out of a standard error."""

import math


def widening(n: int, images: int, draws: int) -> float:
    r"""Return by how much a standard error over draws from a set of images would be wider over sets of images, at most.

    The standard error over draws, of which each takes n of N images at random, says how far the mean of R draws is from
    that of ever more draws of the same images. With other images the mean differs by more, since draws have images in
    common. If all that varies is due to one set of n images per draw, as the difference of a mean over them is, the two
    standard errors are to each other as

    .. math:: \sqrt{\frac{1 + (R - 1)\, n / N}{1 - n / N}}

    The samples, which are new in each draw, have a part in what varies, and images on both sides of a distance cancel:
    the ratio is then lower.

    Args:
        n: Images that one side of a distance takes in each draw, fewer than ``images``.
        images: Images that they are drawn from.
        draws: How many draws.

    >>> round(widening(2000, 10_000, 5), 3), round(widening(100, 1_000_000, 5), 3)
    (1.5, 1.0)
    """
    share = n / images
    return math.sqrt((1 + (draws - 1) * share) / (1 - share))
