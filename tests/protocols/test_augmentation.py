"""Views change each image a little and in its own way; the same seed repeats them."""

import pytest
import torch

from ssl_irmae.protocols.learners.augmentation import RANGES, View, view

KINDS: tuple[View, View] = ("weak", "strong")


def _rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _images() -> torch.Tensor:
    x = torch.zeros(64, 1, 32, 32)
    x[:, :, 10:22, 14:18] = 1
    return x


@pytest.mark.parametrize("kind", KINDS)
def test_views_repeat_and_stay_in_range(kind: View) -> None:
    x = _images()
    views = view(x, kind, _rng())
    assert torch.equal(views, view(x, kind, _rng()))
    assert views.shape == x.shape
    assert ((views >= 0) & (views <= 1 + 1e-6)).all()
    assert len({image.numpy().tobytes() for image in views}) == 64, "every image gets its own view"


def test_the_view_none_returns_the_image_itself() -> None:
    x = _images()
    assert view(x, "none", _rng()) is x


def test_a_weak_view_is_closer_to_the_image_than_a_strong_one() -> None:
    x = _images()
    weak, strong = ((view(x, kind, _rng()) - x).square().mean() for kind in KINDS)
    assert 0 < weak < strong


def test_shifts_stay_within_their_range() -> None:
    """The centre of mass of a small bright square moves no further than the affine map allows."""
    x = torch.zeros(256, 1, 32, 32)
    x[:, :, 15:17, 15:17] = 1
    views = view(x, "weak", _rng())[:, 0]
    pixel = torch.arange(32.0) + 0.5
    mass = views.sum((1, 2))
    rows = (views.sum(2) * pixel).sum(1) / mass
    # theta measures in half sides, so its shift is doubled; the other axis adds at most its shear
    limit = 32 * RANGES["weak"].shift * 2**0.1 * 1.3
    assert (rows - 16).abs().max() <= limit
    assert (rows - 16).abs().max() > limit / 3


def test_a_strong_view_erases_a_square() -> None:
    views = view(torch.ones(32, 1, 32, 32), "strong", _rng())
    dark = (views == 0).flatten(1).sum(1)
    side = round(RANGES["strong"].erased * 32)
    assert dark.max() == side * side
    assert (dark > 0).all()
