"""Typical images are chosen on one representation, named in every trial, the same for all contenders."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from ssl_irmae.datasets.image_set import UNLABELLED
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.evaluation import evaluate, read_results
from ssl_irmae.protocols.folds import draw_folds
from ssl_irmae.protocols.request import make_plan
from ssl_irmae.protocols.typical_subsets import choose_typical
from tests.protocols.test_task import image_set

LABELS = [0, UNLABELLED, 1, 0, 1, UNLABELLED, 0, 1, 0, 1]


@pytest.fixture(autouse=True)
def brightest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the choice of typical codes: the codes with the largest sum, in an order that the seed turns."""

    def typical(codes: Tensor, n: int, *, seed: int) -> Tensor:
        order = codes.sum(1).argsort(descending=True)[:n]
        return order if seed % 2 else order.flip(0)

    monkeypatch.setattr("ssl_irmae.protocols.typical_subsets.typical", typical)


def test_only_labelled_images_outside_the_fold_are_chosen() -> None:
    images = image_set(LABELS)
    assert images.labels is not None
    codes = torch.arange(10.0)[:, None]
    whole = choose_typical(images.labels.numpy(), codes, fingerprint="f", budget=3, seed=0)
    assert sorted(whole.indices) == [7, 8, 9]
    assert (whole.rule, whole.seed, whole.fold) == ("typical", 0, None)
    fold = draw_folds(images, 0)[0]
    labels = images.labels.numpy().copy()
    labels[fold.held_out] = UNLABELLED
    outside = choose_typical(labels, codes[fold.others(10)], fingerprint="f", budget=3, seed=0, fold=fold)
    left = [i for i in range(10) if LABELS[i] != UNLABELLED and i not in fold.held_out]
    assert sorted(outside.indices) == left[-3:]
    every = choose_typical(labels, codes[fold.others(10)], fingerprint="f", budget=len(left), seed=0, fold=fold)
    assert (every.indices.tolist(), every.rule) == (left, "full")


def test_trials_say_what_their_images_were_chosen_on_and_reports_do_not_mix_them(tmp_path: Path) -> None:
    data = image_set([0, 1, 2] * 6)

    def run(rule: str) -> set[tuple[str, str | None, str]]:
        report = evaluate(
            dataset=data,
            scored_on="development",
            budgets=[6, "all"],
            seeds=2,
            contenders=["pixels-knn", "random-knn"],
            rule=rule,
            store=tmp_path / "s",
        )
        (note,) = [note for note in report.notes if note.kind == "subsets"]
        assert "not nested over budgets" in note.text
        subsets = {(row.contender, row.subset) for row in report.rows() if row.seed == 0 and row.rule == "typical"}
        assert len({subset for _, subset in subsets}) == 1, "all contenders share it"
        return {(row.rule, row.chosen_on, row.key) for row in report.rows()}

    pca, pixels = run("typical"), run("typical:pixels")
    assert {(rule, on) for rule, on, _ in pca} == {("typical", "pca"), ("full", None)}
    assert {(rule, on) for rule, on, _ in pixels} == {("typical", "pixels"), ("full", None)}
    assert {rule for rule, _, _ in pca & pixels} == {"full"}, "only there is nothing to choose"
    with pytest.raises(UserError, match=r"typical:pca subsets .*typical:pixels subsets .* choose one with `rule`"):
        read_results(tmp_path / "s")
    chosen = read_results(tmp_path / "s", rule="typical:pixels")
    assert {row.chosen_on for row in chosen.rows()} == {"pixels", None}


def test_a_rule_names_what_typical_images_are_chosen_on() -> None:
    for rule, chosen_on in (("typical", "pca"), ("typical:irmae", "irmae"), ("typical:mine", "mine")):
        plan = make_plan(rule=rule, encoders=["mine"], contenders=["mine-linear", "pixels-knn"])
        assert (plan.rule, plan.chosen_on) == ("typical", chosen_on)
    plan = make_plan(rule="typical:mine", encoders=["mine"], contenders=["pixels-knn"])
    assert plan.chosen_on == "mine", "that an encoder chooses is use enough"
    assert make_plan(rule="uniform").chosen_on is None
    with pytest.raises(UserError, match=r"unknown representation 'irmea'.*did you mean 'irmae'"):
        make_plan(rule="typical:irmea")
    for rule in ("typical:", "uniform:pca", "typicl"):
        with pytest.raises(UserError, match="`rule`: "):
            make_plan(rule=rule)
    with pytest.raises(UserError, match="`preset`"):
        make_plan(rule="typical", preset="mnist-quick")


def test_every_representation_of_a_contender_can_choose() -> None:
    for name in {c.representation for c in CONTENDERS.values() if c.representation is not None}:
        assert make_plan(rule=f"typical:{name}").chosen_on == name
