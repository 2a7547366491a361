"""Readouts do what their formulas say: against retyped numpy, dense solves, and the packages they replace."""

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from pytorch_metric_learning.utils import common_functions
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.semi_supervised import LabelSpreading
from torch import Tensor, nn

from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.graphs.conjugate_gradients import conjugate_gradients
from ssl_irmae.protocols.graphs.graph import Graph, build_graph
from ssl_irmae.protocols.graphs.in_threads import in_threads
from ssl_irmae.protocols.graphs.label_spreading import spread_scores
from ssl_irmae.protocols.graphs.neighbours import Neighbours
from ssl_irmae.protocols.graphs.poisson_equation import PoissonEquation, poisson_scores
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.graphs.shares import share_out
from ssl_irmae.protocols.readouts import Memo, Predictor, Sample
from ssl_irmae.protocols.readouts.batches import batches
from ssl_irmae.protocols.readouts.centroid import centroid
from ssl_irmae.protocols.readouts.knn import knn
from ssl_irmae.protocols.readouts.linear import linear, validated_penalty
from ssl_irmae.protocols.readouts.metric import metric
from ssl_irmae.protocols.readouts.metric_learning import class_batches, nearest, supcon
from ssl_irmae.protocols.readouts.mlp import mlp
from ssl_irmae.protocols.readouts.on_graph import inductive
from ssl_irmae.protocols.readouts.poisson import poisson
from ssl_irmae.protocols.readouts.poisson_prior import poisson_prior
from ssl_irmae.protocols.readouts.self_training import self_training
from ssl_irmae.protocols.readouts.spread import spread

Blobs = tuple[Tensor, Tensor]
Array = npt.NDArray[Any]
GraphReadout = Callable[[Sequence[Sample]], list[Predictor]]


@pytest.fixture
def codes() -> Tensor:
    """Forty points in the plane."""
    return torch.from_numpy(np.random.default_rng(3).normal(size=(40, 2)).astype(np.float32))


@pytest.fixture
def blobs() -> Blobs:
    """Three round blobs of 60, 50 and 40 points, shuffled, and the blob of each point."""
    rng = np.random.default_rng(1)
    y = rng.permutation(np.repeat([0, 1, 2], [60, 50, 40]))
    x = np.array([[0, 0], [4, 0], [0, 4]])[y] + rng.normal(size=(150, 2))
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)


def _sample(x: Tensor, y: Tensor, positions: list[int], classes: int = 3) -> Sample:
    i = torch.tensor(positions)
    return Sample(x[i], y[i], x, i, classes, 0, torch.device("cpu"), "fp32")


def _first_of_each_class(y: Tensor, count: int) -> list[int]:
    return [int(i) for c in y.unique() for i in (y == c).nonzero()[:count]]


def _distances(a: Tensor, b: Tensor) -> Array:
    distances: Array = np.sqrt(((a.double().numpy()[:, None] - b.double().numpy()[None]) ** 2).sum(2))
    return distances


def _spread(samples: Sequence[Sample]) -> list[Predictor]:
    return spread(samples, k=8, alpha=0.99)


def _poisson(samples: Sequence[Sample]) -> list[Predictor]:
    return poisson(samples, k=8)


def _poisson_prior(samples: Sequence[Sample]) -> list[Predictor]:
    return poisson_prior(samples, k=8, slack=0.3)


every_graph_readout = pytest.mark.parametrize("readout", [_spread, _poisson, _poisson_prior])


def _node_scores(readout: GraphReadout, graph: Graph, sample: Sample) -> Tensor:
    if readout is _spread:
        return spread_scores(graph, [(sample.positions, sample.labels)], sample.classes, alpha=0.99)[0]
    if readout is _poisson:
        return poisson_scores(graph, sample.positions, sample.labels, sample.classes)
    return poisson_mbo(graph, sample.positions, sample.labels, sample.classes, slack=0.3)


# the graph


def test_neighbours_match_a_k_d_tree(codes: Tensor) -> None:
    distances, positions = Neighbours(codes[:30]).find(codes[30:], 5)
    expected, expected_positions = cKDTree(codes[:30].double()).query(codes[30:].double(), 5)
    assert positions.numpy() == pytest.approx(expected_positions)
    assert distances.numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("decay", [0.3, 0.85, 1.0])  # few directions suffice for all, some, none of the queries
@pytest.mark.parametrize("exclude_self", [False, True])
def test_neighbours_among_many_points_are_exact(decay: float, exclude_self: bool) -> None:
    rng = np.random.default_rng(0)
    axis_aligned = rng.normal(size=(8400, 48)) * decay ** np.arange(48)
    rotated = axis_aligned @ np.linalg.qr(rng.normal(size=(48, 48)))[0] + 5
    many = torch.from_numpy(rotated.astype(np.float32))
    many[4100:4200] = many[:100]  # duplicates
    points, x = many[:4200], many[:4200] if exclude_self else many[4200:]
    d = cdist(x.double(), points.double())
    if exclude_self:
        np.fill_diagonal(d, np.inf)
    expected = d.argsort(axis=1, kind="stable")[:, :6]
    distances, positions = Neighbours(points).search(x, 6, exclude_self=exclude_self)
    assert np.array_equal(positions.numpy(), expected)
    assert distances.numpy() == pytest.approx(np.take_along_axis(d, expected, 1), rel=1e-12)


def test_a_repeated_query_is_answered_from_memory_and_another_is_not(codes: Tensor) -> None:
    neighbours = Neighbours(codes[:30])
    first = neighbours.find(codes[30:], 5)
    assert neighbours.find(codes[30:].clone(), 5) is first
    other = neighbours.find(codes[30:] + 1, 5)
    assert torch.equal(other[1], Neighbours(codes[:30]).find(codes[30:] + 1, 5)[1])
    assert neighbours.find(codes[30:] + 1, 3)[0].shape == (10, 3)


def test_graph_weights_match_their_formula(codes: Tensor) -> None:
    k = 6
    d = _distances(codes, codes)
    directed = np.zeros((40, 40))
    for i in range(40):
        others = sorted((j for j in range(40) if j != i), key=lambda j: d[i, j])[:k]
        for j in others:
            directed[i, j] = np.exp(-4 * d[i, j] ** 2 / d[i, others[-1]] ** 2)
    weights = build_graph(codes, k=k).weights.toarray()
    assert connected_components(directed, directed=False)[0] == 1, "the example must be connected without bridges"
    assert weights == pytest.approx((directed + directed.T) / 2, rel=1e-5)


def test_components_of_a_graph_are_bridged_by_the_shortest_edge() -> None:
    x = torch.tensor([[0.0], [1.0], [2.0], [3.0], [10.0], [11.0], [-50.0], [-51.0]])
    weights = build_graph(x, k=1).weights.toarray()
    assert connected_components(weights)[0] == 1
    assert weights[3, 4] == weights[4, 3] == pytest.approx(np.exp(-4) / 2)
    assert weights[0, 6] == weights[6, 0] == pytest.approx(np.exp(-4) / 2)
    assert weights[4, 6] == 0


def test_a_graph_of_duplicates_is_finite_and_connected() -> None:
    graph = build_graph(torch.cat([torch.zeros(15, 3), torch.ones(15, 3)]), k=4)
    assert np.isfinite(graph.weights.data).all()
    assert connected_components(graph.weights)[0] == 1


def test_a_new_point_takes_the_weighted_mean_of_its_neighbours(codes: Tensor) -> None:
    graph = build_graph(codes[:30], k=3)
    scores = torch.rand(30, 2)
    d = _distances(codes[30:], codes[:30])
    for x, found, row in zip(codes[30:], graph.extend(scores, codes[30:]), d, strict=True):
        near = np.argsort(row)[:3]
        w = np.exp(-4 * row[near] ** 2 / row[near[-1]] ** 2)
        assert found.numpy() == pytest.approx(w @ scores.double().numpy()[near] / w.sum(), rel=1e-5)
        assert torch.equal(graph.extend(scores, x[None])[0], found)


# readouts on the graph


def test_label_spreading_matches_its_closed_form(codes: Tensor) -> None:
    graph = build_graph(codes, k=5)
    positions, labels = torch.tensor([2, 9, 30]), torch.tensor([0, 3, 0])
    W = graph.weights.toarray()
    root = np.diag(1 / np.sqrt(W.sum(1)))
    Y = np.zeros((40, 4))
    Y[positions, labels] = 1
    F = 0.1 * np.linalg.inv(np.eye(40) - 0.9 * root @ W @ root) @ Y
    (found,) = spread_scores(graph, [(positions, labels)], 4, alpha=0.9)
    assert found[:, [0, 3]].numpy() == pytest.approx(F[:, [0, 3]], abs=1e-4)
    assert (found[:, [1, 2]] == -torch.inf).all()


def test_label_spreading_matches_scikit_learn(blobs: Blobs) -> None:
    x, y = blobs
    graph, positions = build_graph(x, k=8), torch.tensor(_first_of_each_class(y, 2))
    labels = np.full(150, -1)
    labels[positions] = y[positions]
    theirs = LabelSpreading(kernel=lambda *_: graph.weights, alpha=0.9, max_iter=2000, tol=1e-6)
    theirs.fit(np.arange(150)[:, None], labels)
    (ours,) = spread_scores(graph, [(positions, y[positions])], 3, alpha=0.9)
    assert (ours / ours.sum(1, keepdim=True)).numpy() == pytest.approx(theirs.label_distributions_, abs=1e-2)
    assert ours.argmax(1).tolist() == theirs.transduction_.tolist()


def test_poisson_learning_solves_poissons_equation(codes: Tensor) -> None:
    graph = build_graph(codes, k=5)
    positions, labels = torch.tensor([2, 9, 30, 31]), torch.tensor([0, 3, 0, 1])
    W = graph.weights.toarray()
    degree = W.sum(1)
    source = np.zeros((40, 4))
    source[positions, labels] = 1
    source[positions] -= source[positions].mean(0)
    u = np.linalg.pinv(np.diag(degree) - W) @ source
    u -= degree @ u / degree.sum()  # the solution is unique up to a constant; this is Calder's choice
    found = poisson_scores(graph, positions, labels, 4)
    assert found[:, [0, 1, 3]].numpy() == pytest.approx(u[:, [0, 1, 3]], abs=1e-2 * np.abs(u).max())
    assert (found[:, 2] == -torch.inf).all()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_keep_order_and_group_size(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    barrier = threading.Barrier(threads, timeout=60)

    def work(group: Sequence[int]) -> list[int]:
        assert len(group) <= 7
        barrier.wait()  # until every thread has a group
        return [i * i for i in group]

    items = range(5 * threads)  # one group per thread
    assert in_threads(work, items, most=7) == [i * i for i in items]
    assert in_threads(work, [], most=7) == []


@pytest.mark.parametrize("threads", [1, 2])
@every_graph_readout
def test_samples_fitted_together_get_the_bits_they_get_alone(
    readout: GraphReadout, codes: Tensor, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    y = torch.arange(len(codes)) % 3
    samples = [_sample(codes, y, [i, i + 1, i + 2, i + 3]) for i in range(5)]
    alone = [readout([sample])[0](codes) for sample in samples]
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    together = [predict(codes) for predict in readout(samples)]
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("readout", [_poisson, _poisson_prior])
def test_solutions_are_reused_only_for_the_same_labels_at_the_same_positions(
    readout: GraphReadout, codes: Tensor
) -> None:
    y = torch.arange(len(codes)) % 3
    sample = _sample(codes, y, [0, 1, 2, 3])
    others = [
        dataclasses.replace(sample, labels=sample.labels.roll(1)),
        dataclasses.replace(sample, positions=sample.positions + 8, inputs=codes[8:12]),
    ]
    for each in (sample, *others, sample):
        fresh = dataclasses.replace(each, memo=Memo())
        assert torch.equal(readout([each])[0](codes), readout([fresh])[0](codes))


@pytest.mark.parametrize("threads", [1, 2])
def test_conjugate_gradients_match_graphlearning_bit_for_bit(
    codes: Tensor, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphlearning = pytest.importorskip("graphlearning")
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    system = build_graph(codes, k=5).laplacian
    rng = np.random.default_rng(0)
    sources = []
    for columns, size in ((2, 1.0), (3, 1e-3), (5, 1e3), (2, 10.0)):  # some converge long before others
        sources.append(system @ (size * rng.normal(size=(40, columns))).astype(np.float32))
    together = conjugate_gradients(system, sources, tolerance=1e-2)
    for u, b in zip(together, sources, strict=True):
        expected = graphlearning.utils.conjgrad(system, b, tol=1e-2)
        assert np.array_equal(u, expected)
        (alone,) = conjugate_gradients(system, [b], tolerance=1e-2)
        assert np.array_equal(alone, expected)
        assert alone.dtype == expected.dtype


def test_equations_without_a_finite_solution_are_rejected() -> None:
    system, b = sparse.eye_array(5, format="csr", dtype=np.float32), np.ones((5, 2), dtype=np.float32)
    for sources in ([b, b * np.nan], [b * np.nan]):
        with pytest.raises(UserError, match="no finite solution"):
            conjugate_gradients(system, sources, tolerance=1e-3)


def test_poisson_scores_match_graphlearnings_solver_bit_for_bit(blobs: Blobs) -> None:
    graphlearning = pytest.importorskip("graphlearning")
    x, y = blobs
    graph, positions = build_graph(x, k=8), torch.tensor(_first_of_each_class(y, 2))
    root = np.sqrt(graph.inverse_degree)[:, None]
    source = PoissonEquation(graph).source(positions, y[positions])
    u = root * graphlearning.utils.conjgrad(graph.laplacian, root * source, tol=1e-3)
    assert np.array_equal(poisson_scores(graph, positions, y[positions], 3).numpy(), u[graph.place])


def test_poisson_learning_predicts_the_classes_of_graphlearning(blobs: Blobs) -> None:
    graphlearning = pytest.importorskip("graphlearning")
    x, y = blobs
    graph, positions = build_graph(x, k=8), torch.tensor(_first_of_each_class(y, 2))
    theirs = graphlearning.ssl.poisson(graph.weights).fit_predict(positions.numpy(), y[positions].numpy())
    assert poisson_scores(graph, positions, y[positions], 3).argmax(1).tolist() == theirs.tolist()


@pytest.mark.parametrize("slack", [0.1, 0.4])
def test_classes_are_shared_out_within_the_slack(slack: float) -> None:
    scores = np.random.default_rng(0).random((2000, 4)) + np.array([0, 0.1, 0.3, 0])
    before = np.bincount(scores.argmax(1), minlength=4) / 2000
    weighted, weights = share_out(scores, np.ones(4), slack)
    share = np.bincount(weighted.argmax(1), minlength=4) / 2000
    assert before.max() > (1 + slack) / 4 + 0.01, "the example must start out of bounds"
    assert ((share >= (1 - slack) / 4 - 1e-3) & (share <= (1 + slack) / 4 + 1e-3)).all()
    low = scores.min()
    assert weighted == pytest.approx((scores - low) / (scores.max() - low) * weights)


@pytest.mark.parametrize("kind", ["spread out", "nearly one class", "tied"])
def test_shares_match_a_count_of_every_node_at_every_step(kind: str) -> None:
    rng = np.random.default_rng(1)
    scores = rng.random((2000, 4)).astype(np.float32)
    classes = np.eye(4, dtype=np.float32)[rng.choice(4, 2000, p=[0.5, 0.3, 0.15, 0.05])]
    scores = {"spread out": scores, "nearly one class": 0.8 * classes + 0.2 * scores, "tied": classes}[kind]
    plain = (scores - scores.min()) / (scores - scores.min()).max()
    weights = expected = np.ones(4)
    for _ in range(300):
        expected = plain * weights.astype(np.float32)
        share = np.bincount(expected.argmax(1), minlength=4) / 2000
        excess = share - share.clip(0.225, 0.275)
        if np.abs(excess).max() <= 1e-3:
            break
        weights = weights - 0.1 * excess
        weights = weights / weights.mean()
    found, found_weights = share_out(scores, np.ones(4), 0.1)
    assert np.array_equal(found, expected)
    assert np.array_equal(found_weights, weights)


def test_poisson_mbo_matches_a_dense_implementation(blobs: Blobs) -> None:
    x, y = blobs
    graph, positions = build_graph(x, k=8), torch.tensor(_first_of_each_class(y, 1))
    walk = graph.weights.toarray() / graph.weights.toarray().sum(1, keepdims=True)
    source = np.zeros((150, 3))
    source[positions, y[positions]] = 1
    source[positions] -= 1 / 3
    source /= graph.weights.toarray().sum(1, keepdims=True)
    weighted, weights = share_out(poisson_scores(graph, positions, y[positions], 3).double().numpy(), np.ones(3), 0.25)
    for _ in range(20):
        u = np.eye(3)[weighted.argmax(1)]
        for _ in range(10):
            u = walk @ u + source
        weighted, weights = share_out(u, weights, 0.25)
    found = poisson_mbo(graph, positions, y[positions], 3, slack=0.25)
    assert (found.argmax(1).numpy() == weighted.argmax(1)).mean() > 0.98
    assert found.sum(1).numpy() == pytest.approx(1, abs=1e-5)
    assert (found >= 0).all()
    share = found.argmax(1).bincount() / 150
    assert ((share > 0.25 - 0.02) & (share < 1.25 / 3 + 0.02)).all()


def test_poisson_mbo_scores_absent_classes_zero(blobs: Blobs) -> None:
    x, y = blobs
    found = poisson_mbo(build_graph(x, k=8), torch.tensor(_first_of_each_class(y, 1)), torch.tensor([1, 4, 2]), 6)
    assert (found[:, [0, 3, 5]] == 0).all()


@every_graph_readout
def test_one_label_per_blob_is_enough_on_a_graph(readout: GraphReadout, blobs: Blobs) -> None:
    x, y = blobs
    (predict,) = readout([_sample(x[:100], y[:100], _first_of_each_class(y[:100], 1))])
    assert (predict(x[100:]) == y[100:]).double().mean() > 0.9


@every_graph_readout
def test_transductive_predictions_are_the_classes_of_the_scored_nodes(readout: GraphReadout, blobs: Blobs) -> None:
    x, y = blobs
    sample = dataclasses.replace(_sample(x, y, _first_of_each_class(y[:100], 2)), scored=50)
    (predict,) = readout([sample])
    scores = _node_scores(readout, build_graph(x, k=8), sample)
    assert torch.equal(predict(x[100:]), scores[100:].argmax(1))
    for others in (x[:50], x[101:], x[99:]):
        with pytest.raises(ValueError, match="no others"):
            predict(others)


@every_graph_readout
def test_inductive_predictions_extend_the_classes_of_the_nodes(readout: GraphReadout, blobs: Blobs) -> None:
    x, y = blobs
    sample = _sample(x[:100], y[:100], _first_of_each_class(y[:100], 2))
    graph = build_graph(sample.unlabelled, k=8)
    (predict,) = readout([sample])
    assert torch.equal(predict(x), inductive(graph, _node_scores(readout, graph, sample))(x))


def test_a_node_is_its_own_nearest_neighbour_when_predicted_as_a_new_point(blobs: Blobs) -> None:
    x, y = blobs
    graph = build_graph(x, k=2)  # the point itself has weight 1, the second exp(-4)
    scores = torch.eye(3)[y]
    assert torch.equal(inductive(graph, scores)(x), y)


# the head


def test_heads_trained_together_match_a_plain_loop(blobs: Blobs) -> None:
    """Layers, dropout and Adam are written the usual way, one head at a time; logits agree within float error."""
    x, y = blobs
    samples = [dataclasses.replace(_sample(x, y, list(range(i, i + 30))), seed=i) for i in (0, 40, 80)]
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
    samples = [dataclasses.replace(_sample(x, y, list(range(i, i + 30))), seed=i) for i in (0, 40, 80)]

    def train(samples: Sequence[Sample]) -> list[Predictor]:
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
    sample = _sample(x, y, list(range(40)))
    found = knn(sample, k=4)(x[40:])
    for row, guess in zip(_distances(x[40:], sample.inputs), found.tolist(), strict=True):
        voters = sample.labels.numpy()[np.argsort(row)[:4]].tolist()
        most = max(voters.count(v) for v in voters)
        assert guess == next(v for v in voters if voters.count(v) == most)


def test_knn_and_centroid_do_not_normalise_codes() -> None:
    x = torch.tensor([[1.0, 0.0], [10.0, 1.0]])
    sample = _sample(x, torch.tensor([0, 1]), [0, 1])
    assert knn(sample, k=1)(torch.tensor([[9.0, 0.0]])).tolist() == [1]
    assert centroid(sample)(torch.tensor([[9.0, 0.0]])).tolist() == [1]


def test_centroid_predicts_the_class_with_the_nearest_mean(blobs: Blobs) -> None:
    x, y = blobs
    y = torch.tensor([4, 0, 2])[y]
    sample = _sample(x, y, list(range(40)), classes=6)
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
    sample = _sample(x, y, [*_first_of_each_class(y, 1), 40, 41])
    assert sample.labels.unique(return_counts=True)[1].min() == 1
    found = metric(sample, steps=3, learning_rate=1e-3, per_class=4, temperature=0.1, k=3)(x)
    assert torch.equal(found, knn(sample, k=3)(x))


# logistic regression


def _scaled(x: Tensor) -> Array:
    centred: Array = (x - x.mean(0)).double().numpy()
    scaled: Array = centred / np.sqrt((centred**2).mean())
    return scaled


def test_linear_uses_the_fixed_penalty_where_classes_are_small(blobs: Blobs) -> None:
    x, y = blobs
    positions = _first_of_each_class(y, 4)
    theirs = LogisticRegression(C=1e-4).fit(_scaled(x)[positions], y[positions]).predict(_scaled(x))
    assert linear(_sample(x, y, positions), C=1e-4, max_iter=1000)(x).tolist() == theirs.tolist()


def test_linear_chooses_its_penalty_inside_the_subset(blobs: Blobs) -> None:
    """The fixed penalty, far off on either side, has no effect there."""
    x, y = blobs
    sample = _sample(x, y, _first_of_each_class(y, 20))
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
        penalties.add(found)
    assert len(penalties) > 1, "the examples must differ"


def test_self_training_without_unlabelled_codes_is_logistic_regression(blobs: Blobs) -> None:
    x, y = blobs
    found = self_training(
        _sample(x, y, list(range(150))), C=0.1, max_iter=1000, threshold=0.9, rounds=5, unlabelled=100
    )(x)
    assert found.tolist() == LogisticRegression(C=0.1).fit(_scaled(x), y).predict(_scaled(x)).tolist()
