"""Views change an image a little, each image its own way, and repeat from the same generator."""

import pytest
import torch

from ssl_irmae.protocols.learners.augmentation import RANGES, view


def _draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _images() -> torch.Tensor:
    x = torch.zeros(64, 1, 32, 32)
    x[:, :, 10:22, 14:18] = 1
    return x


@pytest.mark.parametrize("kind", ["weak", "strong"])
def test_views_repeat_and_stay_in_range(kind: str) -> None:
    x = _images()
    seen = view(x, kind, _draw())
    assert torch.equal(seen, view(x, kind, _draw()))
    assert seen.shape == x.shape
    assert ((seen >= 0) & (seen <= 1 + 1e-6)).all()
    assert len({image.numpy().tobytes() for image in seen}) == 64, "every image has a view of its own"


def test_no_view_is_the_image_itself() -> None:
    x = _images()
    assert view(x, "none", _draw()) is x


def test_a_weak_view_is_nearer_than_a_strong_one() -> None:
    x = _images()
    near, far = ((view(x, kind, _draw()) - x).square().mean() for kind in ("weak", "strong"))
    assert 0 < near < far


def test_shifts_stay_within_their_range() -> None:
    """A view of one bright pixel in the middle has its centre of mass no further off than the map allows."""
    x = torch.zeros(256, 1, 32, 32)
    x[:, :, 15:17, 15:17] = 1
    seen = view(x, "weak", _draw())[:, 0]
    place = torch.arange(32.0) + 0.5
    mass = seen.sum((1, 2))
    rows = (seen.sum(2) * place).sum(1) / mass
    # half a shift range each way in theta is a whole one in the image; the other axis adds at most its shear
    limit = 32 * RANGES["weak"].shift * 2**0.1 * 1.3
    assert (rows - 16).abs().max() <= limit
    assert (rows - 16).abs().max() > limit / 3


def test_a_strong_view_erases_a_square() -> None:
    seen = view(torch.ones(32, 1, 32, 32), "strong", _draw())
    dark = (seen == 0).flatten(1).sum(1)
    side = round(RANGES["strong"].erased * 32)
    assert dark.max() == side * side
    assert (dark > 0).all()
