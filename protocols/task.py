"""What is learned from and what is scored on."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor

from ssl_irmae._support.progress import Listener, silent
from ssl_irmae._support.seeding import generator
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import ImageSet, Split, fit_images
from ssl_irmae.datasets.registry import Dataset, default_image_size, load_images
from ssl_irmae.errors import NoTestSplitError, UserError, check_choice

ScoredOn = Literal["test", "development"]


@dataclass(frozen=True)
class Task:
    """Images at the size that the networks read.

    Args:
        train: Images with labels; a learner gets the labels of its subset alone.
        scored: Images that are predicted, with the labels that only the scorer reads.
        source_fingerprint: Fingerprint of the training images as they came, which identifies the data that an encoder
            was pretrained on.
        scored_on: ``"test"``, or ``"development"`` for held-out training images.
    """

    train: ImageSet
    scored: ImageSet
    source_fingerprint: str
    scored_on: ScoredOn = "test"


def load_task(
    dataset: Dataset,
    *,
    scored_on: ScoredOn | None = None,
    architectures: Sequence[Architecture] = (),
    data_dir: Path | None = None,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    strict: bool = False,
    progress: Listener = silent,
) -> Task:
    """Load a labelled data set and arrange what is learned from and what is scored on.

    Args:
        dataset: A name, a path to the user's images, or arrays.
        scored_on: ``"test"``; or ``"development"``: a sixth of the training images, drawn by their fingerprint, is
            held out and labels come from the rest (MNIST: 10,000 and 50,000), so that settings can be chosen without
            the test images. Pretrained encoders have seen the held-out images, without labels. None takes the test
            images, and the held-out ones if there is no test split.
        architectures: Architectures of the user's encoders: images get the size and the channels that these read.
        data_dir: Where data are kept.
        labels_from: A table of labels beside a folder of pictures, as in ``load_images``.
        classes: The labels that may be in that table.
        strict: Whether to refuse images of which anything was left out or changed.
        progress: Listener of what ``load_images`` reports.

    Raises:
        UserError: If labels or the test split are missing, or if splits or encoders do not fit each other.
    """
    if scored_on is not None:
        check_choice("scored_on", scored_on, get_args(ScoredOn))
    wanted = {(a.channels, a.image_size) for a in architectures}
    if len(wanted) > 1:
        raise UserError(
            f"the encoders read images of different channels and sizes {sorted(wanted)}: use encoders of one kind"
        )
    channels, size = next(iter(wanted), (None, default_image_size(dataset)))

    def load(split: Split) -> ImageSet:
        return load_images(
            dataset,
            split,
            data_dir=data_dir,
            image_size=size,
            labels_from=labels_from,
            classes=classes,
            strict=strict,
            progress=progress,
        )

    source = load("train")
    if source.labels is None:
        raise UserError(
            f"{source.name} has no labels to learn from: use one sub-folder per class, or an array 'labels'"
        )
    channels = channels or source.images.shape[1]

    def fitted(images: ImageSet) -> ImageSet:
        return dataclasses.replace(images, images=fit_images(images.images, channels=channels, image_size=size))

    test = None
    if scored_on != "development":
        try:
            test = load("test")
        except NoTestSplitError:
            if scored_on == "test":
                raise
    train = fitted(source)
    if test is None:
        order = torch.randperm(len(train), generator=generator("cpu", "development", train.fingerprint))
        held_out, rest = order[: len(train) // 6].sort().values, order[len(train) // 6 :].sort().values
        return Task(_part(train, rest), _part(train, held_out), source.fingerprint, "development")
    if test.labels is None:
        raise UserError(f"{source.name} has no labels to score with: give its test split labels too")
    if test.classes != train.classes:
        raise UserError(
            f"{source.name}: training and test classes differ ({', '.join(train.classes)}; {', '.join(test.classes)})"
        )
    return Task(train, fitted(test), source.fingerprint)


def _part(images: ImageSet, part: Tensor) -> ImageSet:
    assert images.labels is not None
    return ImageSet(images.name, images.images[part], images.labels[part], images.classes)
