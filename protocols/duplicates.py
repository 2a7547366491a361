"""Exact duplicates: scored images that are also training images, and identical images with different labels."""

import hashlib
from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from ssl_irmae.datasets.image_set import UNLABELLED
from ssl_irmae.datasets.large_arrays import images_at_once
from ssl_irmae.protocols.task import Task


@dataclass(frozen=True)
class Duplicates:
    """How many images occur more than once, compared by every pixel that learners see.

    Args:
        scored: Number of scored images.
        in_training: How many of these are training images too; where folds are scored, apart from being one.
        in_training_otherwise: How many of those are labelled there with another class.
        contradicting: Number of labelled training images of which an identical one is labelled with another class.
    """

    scored: int
    in_training: int
    in_training_otherwise: int
    contradicting: int


def count_duplicates(task: Task) -> Duplicates:
    """Count the duplicates of a task, by hashes of the pixels: 70,000 images take less than a second."""
    assert task.train.labels is not None  # load_task makes sure of it
    assert task.scored.labels is not None
    training = digests(task.train.images)
    classes: dict[bytes, set[int]] = {}
    for digest, label in zip(training, task.train.labels.tolist(), strict=True):
        classes.setdefault(digest, set()).update(() if label == UNLABELLED else (label,))
    copies = Counter(training)
    # with folds the scored images are training images themselves
    itself = 1 if task.scored_on == "folds" else 0
    found = Counter(
        "otherwise" if classes[digest] - {label} else "alike"
        for digest, label in zip(digests(task.scored.images), task.scored.labels.tolist(), strict=True)
        if copies[digest] > itself
    )
    contradicting = sum(
        label != UNLABELLED and len(classes[digest]) > 1
        for digest, label in zip(training, task.train.labels.tolist(), strict=True)
    )
    return Duplicates(len(task.scored), found.total(), found["otherwise"], contradicting)


def digests(images: Tensor) -> list[bytes]:
    """Hash the pixels of each image, or the numbers of each row."""
    chunks = torch.split(images, images_at_once(images.shape))
    return [hashlib.blake2b(image, digest_size=16).digest() for x in chunks for image in x.contiguous().numpy()]
