"""Without a test split every labelled image is scored once per seed, by what was learned from the other folds."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.evaluation import evaluate, read_results
from ssl_irmae.protocols.folds import draw_folds
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.readouts.sample import Predictor, Sample
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.running.codes import Codes
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.running.jobs import draw_subsets
from ssl_irmae.protocols.statistics.folds import pool_folds
from ssl_irmae.protocols.statistics.summary import summarise
from ssl_irmae.protocols.storage.rows import Row
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.subsets import Rule
from ssl_irmae.protocols.task import load_task
from tests.protocols.conftest import MakeRow
from tests.protocols.small_grids import plan
from tests.protocols.test_task import image_set

LABELS = [0] * 12 + [1] * 7 + [2] + [UNLABELLED] * 6


@given(sizes=st.tuples(st.integers(2, 30), st.integers(2, 30), st.integers(0, 1)), seed=st.integers(0, 20))
@settings(max_examples=30, deadline=None)
def test_folds_are_stratified_and_hold_every_image_that_can_be_scored_once(
    sizes: tuple[int, int, int], seed: int
) -> None:
    labels = np.repeat([0, 1, 2], sizes)
    images = image_set(labels.tolist())
    folds = draw_folds(images, seed)
    assert len(folds) == min(5, *(n for n in sizes if n > 1))
    together = np.concatenate([fold.held_out for fold in folds])
    assert sorted(together) == np.flatnonzero(labels < 2).tolist(), "a class with one image is never scored"
    of_class = [[int((labels[fold.held_out] == c).sum()) for fold in folds] for c in (0, 1)]
    for counts in (*of_class, [len(fold.held_out) for fold in folds]):
        assert max(counts) - min(counts) <= 1
    assert all(set(labels) == set(labels[fold.others(len(labels))]) for fold in folds), "every class can be learned"


def test_each_seed_divides_the_images_anew_and_always_in_the_same_way() -> None:
    images = image_set(LABELS)

    def division(seed: int) -> list[list[int]]:
        return [fold.held_out.tolist() for fold in draw_folds(images, seed)]

    assert division(0) == division(0) != division(1)


def recorder(seen: list[Sample], predicted: list[torch.Tensor]) -> dict[str, Contender]:
    """Return a contender that always guesses class 0, and records what it learns from and what it predicts."""

    def fit(sample: Sample) -> Predictor:
        seen.append(sample)

        def predictor(x: torch.Tensor) -> torch.Tensor:
            predicted.append(x)
            return torch.zeros(len(x), dtype=torch.int64)

        return predictor

    return {"recorder": Contender("recorder", fit, "images", {})}


def test_learners_see_neither_labels_nor_images_of_the_fold_that_is_scored(tmp_path: Path) -> None:
    seen: list[Sample] = []
    predicted: list[torch.Tensor] = []
    images = image_set(LABELS)
    some = plan(["recorder"], (3, None), (0, 1), recorder(seen, predicted))
    rows = [outcome.row for outcome in Grid(some, load_task(images), {}, Store(tmp_path / "s")).run()]
    assert [(row.budget, row.seed, row.fold) for row in rows] == [
        (budget, seed, fold) for budget in (3, 16) for seed in (0, 1) for fold in range(5)
    ]
    assert len({row.key for row in rows}) == len(rows)
    position = {x.numpy().tobytes(): i for i, x in enumerate(images.images)}
    folds = [fold for _ in range(2) for seed in (0, 1) for fold in draw_folds(images, seed)]
    for sample, x, fold in zip(seen, predicted, folds, strict=True):
        outside = [position[image.numpy().tobytes()] for image in sample.unlabelled]
        assert [position[image.numpy().tobytes()] for image in x] == fold.held_out.tolist()
        assert sorted([*outside, *fold.held_out.tolist()]) == list(range(len(images)))
        learned = [outside[i] for i in sample.positions]
        assert torch.equal(sample.inputs, images.images[learned])
        assert sample.labels.tolist() == [LABELS[i] for i in learned]
        assert UNLABELLED not in sample.labels.tolist()
    assert all(len(sample.labels) == 3 for sample in seen[:10])
    assert all(len(sample.labels) == 20 - len(x) for sample, x in zip(seen[10:], predicted[10:], strict=True))


def test_the_error_of_a_seed_is_that_of_all_its_folds_together(tmp_path: Path) -> None:
    some = plan(["recorder"], (3,), (0, 1, 2), recorder([], []))
    rows = [outcome.row for outcome in Grid(some, load_task(image_set(LABELS)), {}, Store(tmp_path / "s")).run()]
    for pooled in pool_folds(rows):
        assert (pooled.n_scored, pooled.scored_classes) == (19, {"bus": 12, "car": 7, "tram": 0})
        assert pooled.error == pytest.approx(100 * 7 / 19)
        assert list(pooled.class_errors or ()) == [0, 100, None]
        assert pooled.balanced_error == 50
        assert pooled.constant_error == pytest.approx(100 * 7 / 19)
    (summary,) = summarise(rows, baseline="recorder")
    assert (summary.n, summary.over, summary.balanced_error) == (3, "divisions into folds", 50)
    assert summary.mean == pytest.approx(100 * 7 / 19)
    assert summary.standard_deviation == pytest.approx(0)


def test_pooling_weighs_folds_by_their_images_and_leaves_out_a_seed_without_all_of_them(make_row: MakeRow) -> None:
    def row(seed: int, fold: int, error: float, n: int) -> Row:
        return make_row("a", seed, error, fold=fold, folds=2, n_scored=n, predictions=f"{seed} {fold}")

    rows = [row(0, 0, 100.0, 1), row(0, 1, 0.0, 3), row(1, 0, 100.0, 1)]
    (summary,) = summarise(rows, baseline="a")
    assert (summary.mean, summary.n) == (25, 1)
    with pytest.raises(UserError, match="no seed of a at 100 labels was run on all 2 folds"):
        summarise(rows[2:], baseline="a")
    whole = [make_row("a", seed, 1.0 / 3 + seed) for seed in range(3)]
    assert pool_folds(whole) == whole


def test_what_learns_from_images_learns_outside_the_fold_and_other_codes_are_divided() -> None:
    task = load_task(image_set(LABELS))
    codes, images = Codes(task, "cpu"), task.train.images
    fold = draw_folds(task.train, 0)[1]
    others = fold.others(len(images))
    for floor in FLOORS.values():
        learned, scored = codes.of(floor, "code", fold)
        encode = floor.fit(images[others] if floor.learns else images, torch.device("cpu"))
        assert torch.allclose(learned, encode(images[others], "code"), atol=1e-5)
        assert torch.allclose(scored, encode(images[fold.held_out], "code"), atol=1e-5)
    assert [floor.name for floor in FLOORS.values() if floor.learns] == ["pca"]


def test_no_floor_learns_the_scale_of_columns_from_the_fold_that_is_scored() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(len(LABELS), 4, 1, 1)).astype(np.float32)
    rows = ImageSet("table", torch.from_numpy(table), torch.tensor(LABELS), ("bus", "car", "tram"))
    task = load_task(rows)
    fold = draw_folds(task.train, 0)[1]
    far = task.train.images.clone()
    far[torch.from_numpy(fold.held_out)[0]] = 1000.0
    other = dataclasses.replace(task, train=dataclasses.replace(task.train, images=far))
    for floor in (FLOORS["pixels"], FLOORS["pca"]):
        learned, again = (Codes(each, "cpu").of(floor, "code", fold)[0] for each in (task, other))
        assert torch.equal(learned, again), floor.name


def test_budgets_are_limited_by_the_smallest_part_that_a_fold_leaves() -> None:
    task = load_task(image_set([0] * 12 + [1] * 8))

    def draw(budget: int | str | None, rule: Rule = "balanced") -> Counter[int]:
        (subsets,) = draw_subsets(Part(contenders=(), budgets=(budget,), seeds=(0, 1)), rule, task)
        return Counter(len(subset.indices) for subset in subsets)

    assert draw("50%") == {8: 10}
    assert draw(12) == {12: 10}
    assert draw(None) == draw(16) == {16: 10}
    left = "as many as are left where a fold is held out"
    with pytest.raises(UserError, match=f"17 labels cannot be drawn from 16 labels, {left}; use 1 to 16"):
        draw(17)
    with pytest.raises(UserError, match=f"the rarest class has 6 labels, {left}; use at most 12"):
        draw(14)
    assert draw(14, "stratified") == {14: 10}


def test_where_no_class_has_two_images_nothing_can_be_scored() -> None:
    with pytest.raises(UserError, match="no class has two labelled images"):
        load_task(image_set([0, 1, 2, UNLABELLED]))


def test_evaluate_scores_a_set_without_a_test_split_in_folds_and_says_so(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"budgets": [9, "all"], "seeds": 3, "contenders": ["pixels-knn", "pixels-linear"]}
    report = evaluate(dataset=image_set([0, 1, 2] * 8), store=tmp_path / "s", **arguments)
    assert "error on 24 labelled images in 5 stratified folds" in report.title
    assert len(report.trials) == 2 * 2 * 3 * 5
    assert {s.n for s in report.summaries} == {3}
    assert [note.kind for note in report.notes if note.kind == "folds"] == ["folds"]
    again = read_results(tmp_path / "s")
    found, expected = ({(s.contender, s.budget): s for s in each.summaries} for each in (again, report))
    assert found == expected, "the store keeps every fold"
    report.save_html(tmp_path / "page.html")
    assert "24 labelled images in 5 stratified folds" in (tmp_path / "page.html").read_text()


def test_folds_may_name_only_the_classes_that_are_scored_there(make_row: MakeRow) -> None:
    def row(fold: int, error: float, classes: dict[str, int] | None, errors: tuple[float, ...] | None) -> Row:
        n = 4 if classes is None else sum(classes.values())
        by_class = {"scored_classes": classes, "class_errors": errors, "balanced_error": 0.0}
        return make_row("a", 0, error, fold=fold, folds=2, n_scored=n, **by_class)

    first, second = row(0, 50.0, {"bus": 4}, (50.0,)), row(1, 25.0, {"car": 3, "bus": 1}, (0.0, 100.0))
    for rows in ([first, second], [second, first]):
        (pooled,) = pool_folds(rows)
        assert (pooled.scored_classes, pooled.class_errors) == ({"bus": 5, "car": 3}, (60.0, 0.0))
        assert pooled.balanced_error == 30
    (unknown,) = pool_folds([first, row(1, 25.0, None, None)])
    assert (unknown.scored_classes, unknown.class_errors, unknown.balanced_error) == (None, None, None)
