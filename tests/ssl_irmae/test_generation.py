"""Pictures from codes: samplers, ways, grids, and what is made of a data set."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ssl_irmae.errors import UserError
from ssl_irmae.generation.grid import check_grid, grid, side_by_side
from ssl_irmae.generation.picture_maker import FITTED_TO, PictureMaker
from ssl_irmae.generation.samplers import SAMPLERS, Principal, mixture_parts
from ssl_irmae.generation.ways import along, between
from ssl_irmae.pretraining.pretrain import pretrain

WIDE = torch.tensor([3.0, 1.0, 0.2, 0.0])  # standard deviations, one of which is none


def _codes(n: int = 4000) -> Tensor:
    turn, _ = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))
    codes: Tensor = torch.randn(n, 4, generator=torch.Generator().manual_seed(0)) * WIDE @ turn + 5
    return codes


@pytest.mark.parametrize("sampler", ["gaussian", "mixture"])
def test_samples_have_the_mean_and_the_covariance_of_the_codes(sampler: str) -> None:
    codes = _codes()
    draw = SAMPLERS[sampler](codes, method="irmae", seed=0)
    drawn = draw(20_000, torch.Generator().manual_seed(2))
    assert drawn.dtype == torch.float32
    torch.testing.assert_close(drawn.mean(0), codes.mean(0), atol=0.1, rtol=0)
    torch.testing.assert_close(torch.cov(drawn.T), torch.cov(codes.T), atol=0.4, rtol=0)
    again = SAMPLERS[sampler](codes, method="irmae", seed=0)(20_000, torch.Generator().manual_seed(2))
    assert torch.equal(drawn, again)


def test_a_mixture_follows_clusters_that_a_gaussian_does_not() -> None:
    rng = torch.Generator().manual_seed(0)
    codes = torch.randn(2000, 2, generator=rng) * 0.1 + torch.randint(0, 2, (2000, 1), generator=rng) * 10

    def between_them(sampler: str) -> float:
        drawn = SAMPLERS[sampler](codes, method="ae", seed=0)(2000, torch.Generator().manual_seed(1))
        return float(((drawn[:, 0] > 2) & (drawn[:, 0] < 8)).double().mean())

    assert between_them("mixture") < 0.01 < 0.3 < between_them("gaussian")


def test_a_mixture_of_few_codes_does_not_draw_them_again() -> None:
    codes = torch.randn(24, 4, generator=torch.Generator().manual_seed(0))
    drawn = SAMPLERS["mixture"](codes, method="ae", seed=0)(500, torch.Generator().manual_seed(1))
    others = torch.randn(500, 4, generator=torch.Generator().manual_seed(2))  # of the same distribution
    nearest, usual = (torch.cdist(each, codes).amin(1) for each in (drawn, others))
    assert nearest.quantile(0.1) > 0.5 * usual.quantile(0.1)


@pytest.mark.parametrize(("n", "directions"), [(2, 1), (50, 2), (1300, 27), (10_000, 128), (10_000, 4096)])
def test_each_gaussian_of_a_mixture_has_more_codes_than_its_covariance_needs(n: int, directions: int) -> None:
    parts = mixture_parts(n, directions)
    assert parts >= 1
    assert parts == 1 or n / parts > max(directions + 1, 10)


def test_the_prior_is_of_methods_that_draw_codes_to_it() -> None:
    drawn = SAMPLERS["prior"](_codes(), method="vae", seed=0)(10_000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.cov(drawn.T), torch.eye(4), atol=0.1, rtol=0)
    with pytest.raises(UserError, match="`sampler` prior: only codes of vae and sigreg"):
        SAMPLERS["prior"](_codes(), method="irmae", seed=0)


def test_codes_that_are_drawn_to_the_prior_but_far_from_it_are_said_to_be() -> None:
    """Codes of SIGReg along two of sixteen directions: pictures from the whole Gaussian are not of such codes."""
    codes = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0)) @ torch.eye(2, 16)
    description = SAMPLERS["prior"](codes, method="sigreg", seed=0).description
    assert "{codes} have an effective rank of 2, and those of that Gaussian one of 16" in description


def test_codes_that_are_all_the_same_cannot_be_drawn_from() -> None:
    with pytest.raises(UserError, match="the same code"):
        SAMPLERS["gaussian"](torch.ones(10, 3), method="ae", seed=0)


def test_components_are_those_of_the_covariance_and_whitening_turns_back() -> None:
    codes = _codes()
    principal = Principal.of(codes)
    assert len(principal.deviations) == 3, "the direction without variance is left out"
    torch.testing.assert_close(principal.deviations.float(), WIDE[:3], rtol=0.05, atol=0)
    torch.testing.assert_close(principal.colour(principal.whiten(codes)), codes, atol=1e-4, rtol=1e-4)
    white = principal.whiten(codes)
    torch.testing.assert_close(torch.cov(white.T), torch.eye(3, dtype=torch.float64), atol=1e-3, rtol=0)


def test_a_walk_passes_the_mean_and_ends_as_far_along_a_component_as_it_says() -> None:
    codes = _codes()
    way = along(Principal.of(codes), 2, 5, 2.0)
    assert way.shape == (2, 5, 4)
    torch.testing.assert_close(way[:, 2], codes.mean(0).expand(2, 4), atol=1e-4, rtol=0)
    assert float((way[0, 4] - way[0, 0]).norm()) == pytest.approx(4 * 3.0, rel=0.05)
    assert along(Principal.of(codes), 9, 2, 1.0).shape == (3, 2, 4)


def test_a_line_has_both_codes_at_its_ends() -> None:
    first, second = torch.randn(3, 4), torch.randn(3, 4)
    line = between(first, second, 6)
    assert torch.equal(line[:, 0], first)
    assert torch.equal(line[:, -1], second)
    torch.testing.assert_close(line.diff(dim=1), ((second - first) / 5)[:, None].expand(3, 5, 4))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (5, "RGB")])
def test_a_grid_shows_each_picture_at_its_place(channels: int, mode: str) -> None:
    pictures = torch.zeros(2, 3, channels, 8, 8)
    pictures[1, 2] = 1.5
    with Image.open(io.BytesIO(grid(pictures))) as sheet:
        assert sheet.mode == mode
        pixels = np.array(sheet)
    rows, columns = pixels.shape[0] // 2, pixels.shape[1] // 3
    assert pixels[3 * rows // 2, 5 * columns // 2].min() == 255
    assert pixels[rows // 2, 5 * columns // 2].max() == 0


def test_grids_side_by_side_keep_their_pixels_under_their_names() -> None:
    grey, colour = grid(torch.full((1, 2, 1, 8, 8), 0.5)), grid(torch.zeros(2, 1, 3, 8, 8))
    with Image.open(io.BytesIO(side_by_side({"an encoder with a long name": grey, "b": colour}))) as sheet:
        assert sheet.mode == "RGB"
        pixels = np.array(sheet)
    first, second = (np.array(Image.open(io.BytesIO(png)).convert("RGB")) for png in (grey, colour))
    top = pixels.shape[0] - second.shape[0]
    assert (pixels[top : top + len(first), : first.shape[1]] == first).all()
    left = np.argwhere(pixels[-3].max(1) == 0)[0, 0] - 2  # where the black pictures begin, without their border
    assert (pixels[top:, left : left + second.shape[1]] == second).all()
    assert pixels[:top, :left].min() == 0, "no name above the first"
    assert pixels[:top, left:].min() == 0, "no name above the second"


def test_pictures_of_two_channels_are_refused() -> None:
    with pytest.raises(UserError, match="2 channels"):
        grid(torch.zeros(1, 1, 2, 8, 8))


@pytest.fixture(scope="module")
def colour(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a folder of small colour pictures, and an encoder of them."""
    folder = tmp_path_factory.mktemp("colour")
    rng = np.random.default_rng(0)
    for i in range(24):
        pixels = np.full((20, 20, 3), rng.integers(0, 256, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    run = tmp_path_factory.mktemp("runs") / "colour"
    pretrain(
        dataset=folder, image_size=16, method="ae", latent_dim=4, max_steps=30, learning_rate=3e-3, out=run,
        precision="fp32",
    )  # fmt: skip
    return folder, run


def test_colour_pictures_of_a_folder_are_generated(colour: tuple[Path, Path], tmp_path: Path) -> None:
    folder, run = colour
    maker = PictureMaker(run, folder)
    made = [
        maker.reconstruct(5),
        maker.interpolate(2, steps=4),
        maker.sample(7),
        maker.sample(7, sampler="mixture"),
        maker.walk(3, steps=5),
    ]
    shapes = [tuple(each.pictures.shape[:2]) for each in made]
    assert shapes[:4] == [(2, 5), (2, 4), (1, 7), (1, 7)]
    assert shapes[4][1] == 5
    for each in made:
        assert each.pictures.shape[2:] == (3, 16, 16)
        assert 0 <= float(each.pictures.min()) <= float(each.pictures.max()) <= 1
        each.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{kind}.{suffix}"
        for kind in ("reconstruct", "interpolate", "sample", "sample-mixture", "walk")
        for suffix in ("png", "npz")
    }
    with np.load(tmp_path / "interpolate.npz") as arrays:
        assert arrays["pictures"].shape == (2, 4, 3, 16, 16)
        assert len(arrays["positions"]) == len(arrays["images"]) == 4


def test_a_line_begins_and_ends_at_reconstructions_and_seeds_choose_the_images(colour: tuple[Path, Path]) -> None:
    folder, run = colour
    maker = PictureMaker(run, folder)
    made = maker.interpolate(2, steps=3, seed=1)
    assert made.images is not None
    whole = maker.encoder.reconstruct(made.images).clamp(0, 1)
    torch.testing.assert_close(torch.cat([made.pictures[:, 0], made.pictures[:, -1]]), whole, atol=1e-5, rtol=0)
    assert torch.equal(made.pictures, maker.interpolate(2, steps=3, seed=1).pictures)
    assert not torch.equal(made.pictures, maker.interpolate(2, steps=3, seed=2).pictures)


def test_what_cannot_be_generated_is_one_sentence(colour: tuple[Path, Path]) -> None:
    folder, run = colour
    maker = PictureMaker(run, folder)
    with pytest.raises(UserError, match=r"`n` 25: .* has 24 images"):
        maker.reconstruct(25)
    with pytest.raises(UserError, match=r"`n` 13: 13 pairs take 26 images, .* has 24: use 12 or fewer"):
        maker.interpolate(13)
    with pytest.raises(UserError, match="`n` must be at least 1, got 0"):
        maker.sample(0)
    for n in (10**12, 10**30):
        with pytest.raises(UserError, match=f"`n` {n}: a grid of .* pictures is too large"):
            maker.sample(n)
    with pytest.raises(UserError, match=f"`steps` {10**12}: a grid of .* pictures is too large"):
        maker.walk(steps=10**12)
    with pytest.raises(UserError, match="unknown sampler 'normal'"):
        maker.sample(sampler="normal")
    with pytest.raises(UserError, match="`steps` must be at least 2"):
        maker.interpolate(steps=1)
    with pytest.raises(UserError, match="`reach` must be positive and finite"):
        maker.walk(reach=0)
    with pytest.raises(UserError, match=r"`reach` 1e\+300: .* overflow"):
        maker.walk(reach=1e300)
    with pytest.raises(UserError, match=r"`n` 99: ae's codes of .* vary along \d components? alone"):
        maker.walk(99)  # of four at most
    assert len(maker.walk().pictures) <= 4, "all there are, where there are fewer than the usual eight"


def test_codes_are_of_images_of_every_class_where_classes_take_turns() -> None:
    """Every second image of these is white."""
    images = np.zeros((FITTED_TO + 2, 8, 8), dtype=np.uint8)
    images[::2] = 255
    codes = PictureMaker("mnist-ae", images).training_codes()
    assert len(codes) == FITTED_TO
    white = (codes - codes[0]).norm(dim=1) < 1e-3 * codes[0].norm()  # batches of other sizes round differently
    assert 0.4 < white.double().mean() < 0.6


def test_the_largest_grid_can_be_opened_without_a_warning() -> None:
    def drawable(columns: int) -> bool:
        try:
            check_grid(1, columns, 8, "`n`")
        except UserError:
            return False
        return True

    columns = next(n for n in range(25_000, 0, -1) if drawable(n))
    assert columns > 10_000
    side_by_side({"a": grid(torch.zeros(1, columns, 1, 8, 8))})  # warnings are errors here
