"""The small residual network: it learns, predicts each image for itself, and is the same again by its seed."""

from typing import Any

import pytest
import torch

from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.protocols.learners.residual import supervised_residual
from ssl_irmae.protocols.predictors.residual import Residual, ResidualNetwork
from ssl_irmae.protocols.readouts.sample import Sample

CPU = torch.device("cpu")
TRAINING: dict[str, Any] = {"steps": 40, "learning_rate": 3e-3, "batch_size": 16, "width": 16, "views": "none"}


def stripes(n: int, *, channels: int = 1, size: int = 16, seed: int = 0) -> Sample:
    """Return noisy images of horizontal (0) and vertical (1) stripes, all of them labelled."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    rows = (torch.arange(size) // 2 % 2 * 120)[:, None].expand(size, size)
    images = torch.where(labels[:, None, None, None] == 0, rows, rows.T)
    images = images + torch.randint(0, 136, (n, channels, size, size), generator=rng)
    return Sample(images.to(torch.uint8), labels, images.to(torch.uint8), torch.arange(n), 2, seed, CPU, "fp32")


def test_it_learns_to_tell_stripes_apart() -> None:
    new = stripes(60, seed=1)
    predictions = supervised_residual(stripes(40), **TRAINING)(new.inputs)
    assert (predictions == new.labels).double().mean() > 0.95


def test_an_image_has_the_same_scores_whatever_is_predicted_with_it() -> None:
    predictor, new = supervised_residual(stripes(40), **TRAINING), stripes(30, seed=1).inputs
    together = predictor.logits(new)
    alone = torch.cat([predictor.logits(image[None]) for image in new])
    assert torch.allclose(together, alone, atol=1e-4)
    assert torch.equal(predictor(new), predictor.logits(new).argmax(1))


def test_its_seed_decides_everything() -> None:
    new = stripes(30, seed=1).inputs
    first, again, other = (supervised_residual(stripes(40, seed=seed), **TRAINING).logits(new) for seed in (0, 0, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 16), (1, 28), (3, 64)])
def test_it_reads_images_of_every_size_and_colour(channels: int, size: int) -> None:
    sample = stripes(6, channels=channels, size=size)
    predictor = supervised_residual(sample, **{**TRAINING, "steps": 1})
    assert predictor(sample.inputs).shape == (6,)


def test_a_block_whose_convolutions_give_nothing_passes_its_input_on() -> None:
    block = ResidualNetwork(channels=1, width=16, classes=2).blocks[0]
    for name, weight in block.named_parameters():
        if name.endswith("0.weight"):
            torch.nn.init.zeros_(weight)
    x = torch.rand(3, 16, 8, 8)
    assert torch.equal(block(x), x)


def test_widths_double_where_the_image_halves() -> None:
    net = ResidualNetwork(channels=3, width=16, classes=5)
    x = net.first(torch.rand(2, 3, 32, 32))
    shapes = [tuple(x.shape)] + [tuple((x := block(x)).shape) for block in net.blocks]
    assert shapes == [(2, 16, 16, 16), (2, 16, 16, 16), (2, 32, 8, 8), (2, 64, 4, 4)]


def test_a_width_with_which_torch_writes_beyond_its_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="the width is 12, expected a multiple of 16"):
        ResidualNetwork(channels=1, width=12, classes=2)


def test_a_kept_network_has_its_statistics_too(digits: ImageSet) -> None:
    assert digits.labels is not None
    i = torch.arange(30)
    sample = Sample(digits.images[i], digits.labels[i], digits.images, i, 10, 0, CPU, "fp32")
    predictor = supervised_residual(sample, **{**TRAINING, "steps": 3})
    kept = Residual.rebuild(predictor.tensors(), predictor.settings(), CPU)
    assert torch.equal(kept.logits(digits.images[:50]), predictor.logits(digits.images[:50]))
