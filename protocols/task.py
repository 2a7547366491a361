"""What is learned from and what is scored on."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ssl_irmae._support.seeding import generator
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.download import Progress, no_progress
from ssl_irmae.datasets.image_set import ImageSet, fit_images
from ssl_irmae.datasets.registry import DATASETS, load_images
from ssl_irmae.errors import UserError

ScoredOn = Literal["test", "development"]


@dataclass(frozen=True)
class Data:
    """Images at the size that the networks read.

    Args:
        train: Images with labels; a learner gets the labels of its subset alone.
        scored: Images that are predicted, with the labels that only the scorer reads.
        source_fingerprint: Of the training images as they came: it names the data an encoder was pretrained on.
    """

    train: ImageSet
    scored: ImageSet
    source_fingerprint: str


def load_data(
    dataset: str,
    *,
    scored_on: ScoredOn,
    architectures: Sequence[Architecture] = (),
    data_dir: Path | None = None,
    progress: Progress = no_progress,
) -> Data:
    """Load a labelled data set and arrange what is learned from and what is scored on.

    Args:
        dataset: A name, or a path to the user's own images.
        scored_on: ``"test"``, or ``"development"``: a sixth of the training images, drawn by their fingerprint, is
            held out and labels come from the rest (MNIST: 10,000 and 50,000), so that settings can be chosen without
            the test images. Pretrained encoders have seen the held-out images, without labels.
        architectures: Of the encoders the user brings: images are given the size and the channels these read.
        data_dir: Where data are kept.
        progress: Called while fetching.

    Raises:
        UserError: If labels or the test split are missing, or if splits or encoders do not fit each other.
    """
    wanted = {(a.channels, a.image_size) for a in architectures}
    if len(wanted) > 1:
        raise UserError(f"the encoders read images of different channels and sizes {sorted(wanted)}: use one kind")
    channels, size = next(iter(wanted), (None, DATASETS[dataset].image_size if dataset in DATASETS else 32))
    source = load_images(dataset, "train", data_dir=data_dir, image_size=size, progress=progress)
    if source.labels is None:
        raise UserError(f"{source.name} has no labels to learn from: use one sub-folder a class, or an array 'labels'")
    channels = channels or source.images.shape[1]

    def fitted(images: ImageSet) -> ImageSet:
        return dataclasses.replace(images, images=fit_images(images.images, channels=channels, image_size=size))

    train = fitted(source)
    if scored_on == "development":
        order = torch.randperm(len(train), generator=generator("cpu", "development", train.fingerprint))
        held_out, rest = order[: len(train) // 6].sort().values, order[len(train) // 6 :].sort().values
        return Data(_part(train, rest), _part(train, held_out), source.fingerprint)
    test = load_images(dataset, "test", data_dir=data_dir, image_size=size, progress=progress)
    if test.labels is None:
        raise UserError(f"{source.name} has no labels to score with: give its test split labels too")
    if test.classes != train.classes:
        raise UserError(
            f"{source.name}: training and test classes differ ({', '.join(train.classes)}; {', '.join(test.classes)})"
        )
    return Data(train, fitted(test), source.fingerprint)


def _part(images: ImageSet, part: Tensor) -> ImageSet:
    assert images.labels is not None
    return ImageSet(images.name, images.images[part], images.labels[part], images.classes)
