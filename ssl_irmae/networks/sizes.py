"""Which images there are networks for, and the width of the code and the depth of the stack that go with them."""

from typing import NamedTuple

from ssl_irmae.errors import UserError

SMALLEST, LARGEST = 8, 256
"""Sides of images in pixels."""

ROW = 1
"""The side of a row of numbers: it is an image of one pixel with as many channels as there are columns."""

_WIDEST_ROW_CODE, _ROW_DEPTH = 128, 4

_LIKE_CELEBA = 48  # pixels, from which 64 are nearer than 32


class PaperSettings(NamedTuple):
    """The paper's settings for one kind of image: code width d and stack depth l."""

    latent_dim: int
    depth: int


def is_row(image_size: int) -> bool:
    """Return whether what networks read are rows of numbers, not pictures."""
    return image_size == ROW


def check_side(image_size: int) -> None:
    """Check that there are networks for images of a size.

    Raises:
        UserError: If it is out of range.
    """
    if not SMALLEST <= image_size <= LARGEST:
        raise UserError(
            f"`image_size`: {image_size} pixels is out of range: use {SMALLEST} to {LARGEST}, to which images of any "
            "size are resized"
        )


def check_pictures(*, channels: int, image_size: int) -> None:
    """Check that there are networks for pictures of a size and a number of channels.

    Raises:
        UserError: If one of them is out of range.
    """
    check_side(image_size)
    if channels < 1:
        raise UserError(f"`channels`: there are no images of {channels} channels: use 1 or more")


def is_large(image_size: int) -> bool:
    """Return whether images are treated like the paper's of 64 pixels, not like those of 32.

    >>> [is_large(side) for side in (28, 47, 48, 64)]
    [False, False, True, True]
    """
    return image_size >= _LIKE_CELEBA


def paper_settings(*, channels: int, image_size: int) -> PaperSettings:
    """Look up the code width and depth that the paper used for the nearest kind of image.

    Args:
        channels: Any number of them.
        image_size: 8 to 256 pixels; or 1, for rows of as many numbers as there are channels.

    Returns:
        Those of CelebA from 48 pixels on; below, those of MNIST for one channel, of the synthetic shapes for more. The
        paper has no rows of numbers: their code is as wide as they are, up to 128, and the depth is 4.

    Raises:
        UserError: If there are no networks for such images.

    >>> paper_settings(channels=1, image_size=28)
    PaperSettings(latent_dim=128, depth=8)
    >>> paper_settings(channels=30, image_size=ROW)
    PaperSettings(latent_dim=30, depth=4)
    """
    if is_row(image_size) and channels >= 1:
        return PaperSettings(latent_dim=min(channels, _WIDEST_ROW_CODE), depth=_ROW_DEPTH)
    check_pictures(channels=channels, image_size=image_size)
    if is_large(image_size):
        return PaperSettings(latent_dim=512, depth=4)
    return PaperSettings(latent_dim=128, depth=8) if channels == 1 else PaperSettings(latent_dim=32, depth=2)
