"""Readouts do what their formulas say: against retyped numpy, plain loops, and scikit-learn."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from pytorch_metric_learning.utils import common_functions
from scipy.spatial import cKDTree
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from torch import Tensor, nn

from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.protocols.graphs.neighbours import Neighbours
from ssl_irmae.protocols.predictors.head import Head
from ssl_irmae.protocols.predictors.linear import Linear
from ssl_irmae.protocols.readouts.batches import batches
from ssl_irmae.protocols.readouts.centroid import centroid
from ssl_irmae.protocols.readouts.knn import knn
from ssl_irmae.protocols.readouts.linear import linear, revision, validated_penalty
from ssl_irmae.protocols.readouts.metric import metric
from ssl_irmae.protocols.readouts.metric_learning import class_batches, nearest, supcon
from ssl_irmae.protocols.readouts.mlp import mlp
from ssl_irmae.protocols.readouts.principal_regression import PrincipalAxes, PrincipalRegression
from ssl_irmae.protocols.readouts.sample import Sample
from ssl_irmae.protocols.readouts.self_training import self_training
from tests.protocols.blobs import Array, Blobs, distances_between, first_of_each_class, sample_at


def _scaled(x: Tensor) -> Array:
    centred: Array = (x - x.mean(0)).double().numpy()
    scaled: Array = centred / np.sqrt((centred**2).mean())
    return scaled


# the head


def test_heads_trained_together_match_a_plain_loop(blobs: Blobs) -> None:
    """Layers, dropout and Adam are written the usual way, one head at a time; logits agree within float error."""
    x, y = blobs
    samples = [dataclasses.replace(sample_at(x, y, list(range(i, i + 30))), seed=i) for i in (0, 40, 80)]
    found = mlp(samples, width=16, dropout=0.5, steps=60, learning_rate=1e-2, batch_size=20)
    scaled = torch.from_numpy(_scaled(x)).float()
    for sample, predict in zip(samples, found, strict=True):
        index_batches = batches(30, 20, generator("cpu", sample.seed, "labelled"))
        with seeded(sample.seed, "head"):
            net = nn.Sequential(
                *(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.5)),
                *(nn.Linear(16, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3, bias=False)),
            )
            optimizer = torch.optim.Adam(net.parameters(), 1e-2)
            for _ in range(60):
                i = next(index_batches)
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(scaled[sample.positions[i]]), sample.labels[i])
                torch.autograd.backward(loss)
                optimizer.step()
        logits = net.eval()(scaled)
        top = logits.topk(2).values
        decided = top[:, 0] - top[:, 1] > 1e-3
        assert decided.sum() > 130
        assert torch.equal(predict(x)[decided], logits.argmax(1)[decided])


def test_a_head_trained_with_others_gets_the_bits_it_gets_alone(blobs: Blobs) -> None:
    x, y = blobs
    samples = [dataclasses.replace(sample_at(x, y, list(range(i, i + 30))), seed=i) for i in (0, 40, 80)]

    def train(samples: Sequence[Sample]) -> list[Head]:
        return mlp(samples, width=16, dropout=0.5, steps=20, learning_rate=1e-2, batch_size=20)

    alone = [train([sample])[0](x) for sample in samples]
    assert all(torch.equal(a, predict(x)) for a, predict in zip(alone, train(samples), strict=True))
    assert len({tuple(a.tolist()) for a in alone}) == 3, "the example must have three different heads"


# nearest neighbours, means and projections


def test_both_searches_for_nearest_points_match_a_k_d_tree() -> None:
    points = torch.from_numpy(np.random.default_rng(0).normal(100, 1, size=(6000, 5)).astype(np.float32))
    x = points[:50] + 0.1
    expected = cKDTree(points.double()).query(x.double(), 7)[1]
    assert np.array_equal(nearest(x, points, 7).numpy(), expected)
    assert np.array_equal(Neighbours(points).search(x, 7)[1].numpy(), expected)


def test_knn_ties_go_to_the_class_of_the_nearest_voter(blobs: Blobs) -> None:
    x, y = blobs
    sample = sample_at(x, y, list(range(40)))
    found = knn(sample, k=4)(x[40:])
    for row, guess in zip(distances_between(x[40:], sample.inputs), found.tolist(), strict=True):
        voters = sample.labels.numpy()[np.argsort(row)[:4]].tolist()
        most = max(voters.count(v) for v in voters)
        assert guess == next(v for v in voters if voters.count(v) == most)


def test_knn_and_centroid_do_not_normalise_codes() -> None:
    x = torch.tensor([[1.0, 0.0], [10.0, 1.0]])
    sample = sample_at(x, torch.tensor([0, 1]), [0, 1])
    assert knn(sample, k=1)(torch.tensor([[9.0, 0.0]])).tolist() == [1]
    assert centroid(sample)(torch.tensor([[9.0, 0.0]])).tolist() == [1]


def test_centroid_predicts_the_class_with_the_nearest_mean(blobs: Blobs) -> None:
    x, y = blobs
    y = torch.tensor([4, 0, 2])[y]
    sample = sample_at(x, y, list(range(40)), classes=6)
    means = np.array([sample.inputs[sample.labels == c].double().numpy().mean(0) for c in (0, 2, 4)])
    closest = ((x[40:].double().numpy()[:, None] - means) ** 2).sum(2).argmin(1)
    assert centroid(sample)(x[40:]).tolist() == np.array([0, 2, 4])[closest].tolist()


def test_class_batches_are_balanced_and_restore_the_samplers_generator(blobs: Blobs) -> None:
    _, y = blobs
    library_rng = common_functions.NUMPY_RANDOM
    first, again, other = (list(class_batches(y, 4, 5, seed, "batches")) for seed in (0, 0, 1))
    assert common_functions.NUMPY_RANDOM is library_rng
    assert len(first) == 5
    for batch in first:
        assert y[batch].bincount().tolist() == [4, 4, 4]
        assert len(batch.unique()) == 12
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_contrastive_loss_matches_its_formula() -> None:
    z, y = torch.randn(6, 3), torch.tensor([0, 0, 1, 1, 1, 0])
    unit = (z / z.norm(dim=1, keepdim=True)).double().numpy()
    losses = []
    for i in range(6):
        others = [j for j in range(6) if j != i]
        total = sum(np.exp(unit[i] @ unit[j] / 0.2) for j in others)
        same = [j for j in others if y[j] == y[i]]
        losses.append(-np.mean([np.log(np.exp(unit[i] @ unit[j] / 0.2) / total) for j in same]))
    assert float(supcon(z, y, temperature=0.2)) == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.mark.parametrize("labels", [[0, 1, 2], [1, 1, 1]])
def test_batches_without_a_positive_and_a_negative_pair_are_rejected(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="two examples"):
        supcon(torch.randn(3, 2), torch.tensor(labels), temperature=0.1)


def test_metric_with_one_example_in_a_class_is_knn_on_the_code(blobs: Blobs) -> None:
    x, y = blobs
    sample = sample_at(x, y, [*first_of_each_class(y, 1), 40, 41])
    assert sample.labels.unique(return_counts=True)[1].min() == 1
    found = metric(sample, steps=3, learning_rate=1e-3, per_class=4, temperature=0.1, k=3)(x)
    assert torch.equal(found, knn(sample, k=3)(x))


# logistic regression


def test_linear_uses_the_fixed_penalty_where_classes_have_one_label(blobs: Blobs) -> None:
    x, y = blobs
    positions = first_of_each_class(y, 1)
    theirs = LogisticRegression(C=0.01).fit(_scaled(x)[positions], y[positions]).predict(_scaled(x))
    assert linear(sample_at(x, y, positions), C=0.01, max_iter=1000)(x).tolist() == theirs.tolist()


def test_the_penalty_falls_with_the_labels_per_class(blobs: Blobs) -> None:
    x, y = blobs
    positions = first_of_each_class(y, 4)
    theirs = LogisticRegression(C=0.04).fit(_scaled(x)[positions], y[positions]).predict(_scaled(x))
    assert linear(sample_at(x, y, positions), C=0.01, max_iter=1000)(x).tolist() == theirs.tolist()


@pytest.mark.parametrize("C", [1e-4, 1e-2, 1.0])
def test_a_class_that_happens_to_have_more_of_few_labels_does_not_win(C: float) -> None:
    """Equally common classes, far apart: the shares of the labels must not decide, however strong the penalty."""
    y = torch.arange(3).repeat(100)
    x = 4 * torch.eye(3)[y] + torch.randn(300, 3, generator=torch.Generator().manual_seed(0))
    few = [*first_of_each_class(y, 1), *torch.nonzero(y == 1).flatten()[1:8].tolist()]
    found = linear(sample_at(x, y, few), C=C, max_iter=1000)(x)
    assert (found == y).double().mean() > 0.9


def test_linear_repeats_older_trials_where_nothing_changed_for_their_labels() -> None:
    one_each, five_each = torch.arange(3), torch.arange(3).repeat(5)
    assert revision(one_each) == revision(five_each) == 1
    assert revision(torch.tensor([0, 0, 1])) == revision(torch.arange(3).repeat(4)) == 2


def along_axes(x: Tensor, y: Tensor, C: float) -> tuple[Tensor, Tensor]:
    """Fit examples x along their principal axes; return weights (d, p) and intercepts."""
    axes = PrincipalAxes.of(x.numpy())
    found = PrincipalRegression(axes.lengths, C=C, tolerance=1e-4, max_iter=1000).fit(axes.coordinates, y.numpy())
    return torch.from_numpy(axes.restore(x.numpy(), found.weights)), torch.from_numpy(found.bias)


@pytest.mark.parametrize("C", [0.001, 0.1, 10.0])
def test_along_principal_axes_the_minimiser_is_the_same(C: float) -> None:
    """At a minimum the gradient of the penalised loss of all d directions vanishes, in no matter what basis."""
    rng = torch.Generator().manual_seed(0)
    y = torch.arange(3).repeat(10)
    x = torch.randn(30, 200, generator=rng) * torch.linspace(3, 0.01, 200)
    x[:, 50] = 0  # as the border of a picture
    weights, bias = (t.double().requires_grad_() for t in along_axes(x, y, C))
    loss = torch.nn.functional.cross_entropy(x.double() @ weights + bias, y, reduction="sum")
    (loss + weights.square().sum() / (2 * C)).backward()
    assert weights.grad is not None
    assert bias.grad is not None
    assert float(bias.grad.abs().max()) < 0.01
    # per direction, in units of the curvature that it may have
    curvature = x.double().square().sum(0) + 1 / C
    assert float((weights.grad / curvature.sqrt()[:, None]).abs().max()) < 0.01


@pytest.mark.parametrize("C", [0.001, 0.1])
def test_along_principal_axes_probabilities_are_those_of_scikit_learn(C: float) -> None:
    rng = torch.Generator().manual_seed(1)
    y = torch.tensor([0, 0, 1, 2]).repeat(10)  # classes of unequal size
    x = torch.randn(40, 100, generator=rng) + torch.eye(3)[y] @ torch.randn(3, 100, generator=rng)
    weights, bias = along_axes(x, y, C)
    theirs = LogisticRegression(C=C, max_iter=5000, tol=1e-8).fit(x.double().numpy(), y.numpy())
    new = torch.randn(200, 100, generator=rng)
    found = (new @ weights + bias).softmax(1).numpy()
    assert found == pytest.approx(theirs.predict_proba(new.double().numpy()), abs=2e-3)


def test_linear_of_codes_wider_than_there_are_labels_is_scikit_learns_with_one_of_the_penalties() -> None:
    rng = torch.Generator().manual_seed(2)
    y = torch.arange(3).repeat(30)
    x = torch.randn(90, 800, generator=rng) + torch.eye(3)[y] @ torch.randn(3, 800, generator=rng) / 2
    found = linear(sample_at(x, y, list(range(90))), C=0.01, max_iter=1000)
    assert isinstance(found, Linear)
    new = torch.randn(50, 800, generator=rng)
    scaled = ((new - x.mean(0)) / (x - x.mean(0)).square().mean().sqrt()).double().numpy()
    theirs = [
        LogisticRegression(C=C, max_iter=5000, tol=1e-8).fit(_scaled(x), y).predict_proba(scaled)
        for C in (0.001, 0.01, 0.1, 1.0, 10.0)
    ]
    # with its default tolerance, scikit-learn is up to 0.09 away from its own minimiser
    assert min(np.abs(found.logits(new).softmax(1).numpy() - p).max() for p in theirs) < 0.01


def test_linear_chooses_its_penalty_inside_the_subset(blobs: Blobs) -> None:
    """The fixed penalty, far off on either side, has no effect there."""
    x, y = blobs
    sample = sample_at(x, y, first_of_each_class(y, 20))
    weak, strong = (linear(sample, C=C, max_iter=1000)(x) for C in (1e-6, 1e6))
    assert torch.equal(weak, strong)
    assert (weak == y).double().mean() > 0.9


def test_linear_chooses_the_penalty_that_a_full_grid_search_chooses() -> None:
    """Scikit-learn's own cross-validation, over all candidates, in double precision."""
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1, 2], 40)
    penalties = set()
    for noise in (0.3, 1.0, 3.0, 10.0):
        x = np.eye(3)[y] @ rng.normal(size=(3, 8)) + noise * rng.normal(size=(120, 8))
        x = (x / np.sqrt((x**2).mean())).astype(np.float32)
        search = GridSearchCV(
            LogisticRegression(max_iter=1000),
            {"C": [0.001, 0.01, 0.1, 1.0, 10.0]},
            scoring="neg_log_loss",
            cv=StratifiedKFold(5),
        ).fit(x.astype(np.float64), y)
        found = validated_penalty(x, y, max_iter=1000)
        assert found == search.best_params_["C"]
        axes = PrincipalAxes.of(x)
        assert found == validated_penalty(axes.coordinates, y, max_iter=1000, lengths=axes.lengths)
        penalties.add(found)
    assert len(penalties) > 1, "the examples must differ"


def test_self_training_without_unlabelled_codes_is_logistic_regression(blobs: Blobs) -> None:
    x, y = blobs
    found = self_training(
        sample_at(x, y, list(range(150))), C=0.1, max_iter=1000, threshold=0.9, rounds=5, unlabelled=100
    )(x)
    assert found.tolist() == LogisticRegression(C=0.1).fit(_scaled(x), y).predict(_scaled(x)).tolist()
