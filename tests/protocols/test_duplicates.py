"""Duplicates are counted by their pixels: across the splits, and where their labels contradict each other."""

from pathlib import Path

import numpy as np
import torch

from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.protocols.duplicates import Duplicates, count_duplicates
from ssl_irmae.protocols.evaluation import evaluate
from ssl_irmae.protocols.task import Task
from tests.ssl_irmae.pictures import random_pixels


def duplicates(train: list[tuple[int, int]], scored: list[tuple[int, int]]) -> Duplicates:
    """Count the duplicates of images that are one pixel each, given as (pixel, label)."""

    def image_set(images: list[tuple[int, int]]) -> ImageSet:
        pixels, labels = zip(*images, strict=True)
        x = torch.tensor(pixels, dtype=torch.uint8).reshape(-1, 1, 1, 1)
        return ImageSet("dots", x, torch.tensor(labels), ("a", "b"))

    return count_duplicates(Task(image_set(train), image_set(scored), "f"))


def test_scored_images_that_are_training_images_are_counted() -> None:
    assert duplicates([(1, 0), (2, 1), (3, 0)], [(1, 0), (1, 0), (9, 1)]) == Duplicates(3, 2, 0, 0)


def test_unlabelled_training_images_count_as_training_images_and_contradict_nothing() -> None:
    assert duplicates([(1, UNLABELLED), (1, 0), (2, 1)], [(1, 0), (2, 1)]) == Duplicates(2, 2, 0, 0)


def test_contradicting_labels_are_counted_within_training_and_across() -> None:
    assert duplicates([(1, 0), (1, 1), (2, 0), (2, 0)], [(2, 1), (1, 0), (5, 0)]) == Duplicates(3, 2, 2, 2)


def test_evaluate_says_that_its_scored_images_were_training_images(tmp_path: Path) -> None:
    images, labels = random_pixels(50, 8, 8), np.arange(50) % 2
    arrays = (images, labels, images[:10], labels[:10])
    report = evaluate(dataset=arrays, budgets=4, seeds=2, contenders="pixels-knn", store=tmp_path / "s")
    assert report.duplicates == Duplicates(10, 10, 0, 0)
    assert "10 of 10 scored images are also training images" in str(report)
