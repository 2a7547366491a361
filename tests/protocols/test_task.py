"""What is learned from and what is scored on, where labels are few, missing or differ between the splits."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.running.jobs import draw_subsets, list_jobs
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.subsets import Rule, draw_subset
from ssl_irmae.protocols.task import Task, load_task
from tests.protocols.small_grids import plan
from tests.ssl_irmae.pictures import random_pixels

CLASSES = ("bus", "car", "tram")


def image_set(labels: list[int], classes: tuple[str, ...] = CLASSES) -> ImageSet:
    """Return random images with these labels, of the size that load_task makes of them."""
    return ImageSet("mine", torch.from_numpy(random_pixels(len(labels), 1, 32, 32)), torch.tensor(labels), classes)


def two_splits(monkeypatch: pytest.MonkeyPatch, train: ImageSet, test: ImageSet) -> Task:
    """Load a task of two image sets."""
    monkeypatch.setattr(
        "ssl_irmae.protocols.task.load_images", lambda _, split, **__: {"train": train, "test": test}[split]
    )
    return load_task("mine", scored_on="test")


def test_scored_images_without_a_label_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = image_set([0, 1, 2] * 4), image_set([0, UNLABELLED, 2, UNLABELLED, 1])
    task = two_splits(monkeypatch, train, test)
    assert task.scored.labels is not None
    assert (task.scored.labels.tolist(), task.not_scored) == ([0, 2, 1], 2)
    assert torch.equal(task.scored.images, test.images[[0, 2, 4]])
    assert two_splits(monkeypatch, train, image_set([0, 1])).not_scored == 0


def test_test_images_may_lack_classes_and_are_numbered_as_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    task = two_splits(monkeypatch, image_set([0, 1, 2] * 4), image_set([0, 1, UNLABELLED], ("tram", "bus")))
    assert task.scored.classes == CLASSES
    assert task.scored.labels is not None
    assert task.scored.labels.tolist() == [2, 0]


def test_a_test_class_that_training_lacks_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="training has no image of the test class ship"):
        two_splits(monkeypatch, image_set([0, 1, 2] * 4), image_set([0, 1], ("bus", "ship")))


@pytest.mark.parametrize("labels", [[1] * 6, [1, UNLABELLED] * 3])
def test_labels_of_a_single_class_are_refused(labels: list[int]) -> None:
    with pytest.raises(UserError, match=r"nothing to learn, as the only class among its \d labelled images is 'car'"):
        load_task(image_set(labels))


def test_images_without_any_label_are_refused() -> None:
    with pytest.raises(UserError, match="no labels to learn from"):
        load_task(image_set([UNLABELLED] * 6))


def test_development_images_are_a_sixth_of_each_class_and_unlabelled_images_stay_in_training() -> None:
    labels = [0] * 30 + [1] * 12 + [2] + [UNLABELLED] * 20
    task = load_task(image_set(labels), scored_on="development")
    assert task.train.labels is not None
    assert task.scored.labels is not None
    assert task.scored.labels.bincount(minlength=3).tolist() == [5, 2, 0], "a class with one image stays in training"
    assert (task.train.labels == UNLABELLED).sum() == 20
    assert len(task.train) + len(task.scored) == len(labels)


def test_where_no_class_has_two_images_none_can_be_held_out() -> None:
    with pytest.raises(UserError, match="no class has two labelled images"):
        load_task(image_set([0, 1, 2, UNLABELLED]), scored_on="development")


def test_learners_get_labels_of_labelled_images_only_and_all_images_without_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Sample] = []

    def fit(sample: Sample) -> Predictor:
        seen.append(sample)
        return lambda x: torch.zeros(len(x), dtype=torch.int64)

    labels = [UNLABELLED, 0, 1, 2, 0, 1, 2, UNLABELLED, UNLABELLED]
    task = two_splits(monkeypatch, image_set(labels), image_set([0, 1, 2]))
    some = plan(["recorder"], (3, None), (0, 1), {"recorder": Contender("recorder", fit, "images", {})})
    rows = [outcome.row for outcome in Grid(some, task, {}, Store(tmp_path / "s")).run()]
    assert [(row.budget, row.rule) for row in rows] == [(3, "balanced")] * 2 + [(6, "full")] * 2
    assert {row.classes_labelled for row in rows} == {3}
    for sample in seen:
        assert UNLABELLED not in sample.labels.tolist()
        assert sample.labels.tolist() == [labels[i] for i in sample.positions]
        assert torch.equal(sample.unlabelled, task.train.images)
        assert torch.equal(sample.inputs, task.train.images[sample.positions])
    assert sorted(seen[-1].positions.tolist()) == [1, 2, 3, 4, 5, 6]


def test_at_the_full_set_a_readout_that_draws_unlabelled_images_is_repeated_where_there_are_some() -> None:
    names = ("pixels-self-training", "pixels-knn")
    floors = {name: (floor,) for name, floor in FLOORS.items()}
    for unlabelled, expected in (([], [0, 0]), ([UNLABELLED] * 5, [0, 1, 0])):
        task = load_task(image_set([0, 1, 2] * 6 + unlabelled), scored_on="development")
        jobs = list_jobs(plan(names, (None,), (0, 1), CONTENDERS), task, floors, dict.fromkeys(names, 1))
        assert [job.trial.seed for job in jobs] == expected


def test_relative_budgets_follow_from_the_labelled_images_and_each_number_counts_once() -> None:
    task = load_task(image_set([0, 1, 2] * 20 + [UNLABELLED] * 40), scored_on="development")
    assert len(task.train.labelled) == 51
    part = Part(contenders=(), budgets=("20%", 11, "3/class", 9, None, "100%"), seeds=(0,))
    assert [len(subset.indices) for (subset,) in draw_subsets(part, "balanced", task)] == [11, 9, 51]


@pytest.mark.parametrize("rule", ["balanced", "uniform", "first"])
def test_images_without_a_label_are_in_no_subset_and_not_counted_in_errors(rule: Rule) -> None:
    labels = np.array([0, UNLABELLED, 1, 0, UNLABELLED, 1, 0, 0])

    def draw(budget: int) -> list[int]:
        indices = draw_subset(labels, fingerprint="f", budget=budget, seed=3, rule=rule).indices
        return [int(i) for i in indices]

    assert 1 not in draw(4)
    assert draw(6) == [0, 2, 3, 5, 6, 7]
    with pytest.raises(UserError, match="100 labels cannot be drawn from 6 labels; use 1 to 6"):
        draw(100)
    if rule == "balanced":
        with pytest.raises(UserError, match="the rarest class has 2 labels; use at most 4"):
            draw(5)
