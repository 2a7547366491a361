"""Readouts do what their formulas say: against re-typings in numpy, dense solves, and the packages they go around."""

import dataclasses
import threading
from collections.abc import Callable, Sequence

import numpy as np
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

from ssl_irmae._support.extras import EXTRAS
from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.graphs.conjugate_gradients import conjugate_gradients
from ssl_irmae.protocols.graphs.graph import build_graph, inductive
from ssl_irmae.protocols.graphs.in_threads import in_threads
from ssl_irmae.protocols.graphs.neighbours import Neighbours
from ssl_irmae.protocols.graphs.shares import share_out
from ssl_irmae.protocols.learners.training import batches
from ssl_irmae.protocols.readouts import Memo, Predictor, Sample
from ssl_irmae.protocols.readouts.linear import linear_probe, validated_penalty
from ssl_irmae.protocols.readouts.metric import metric
from ssl_irmae.protocols.readouts.metric_learning import class_batches, nearest, supcon
from ssl_irmae.protocols.readouts.mlp import mlp_heads
from ssl_irmae.protocols.readouts.nearest import centroid, knn
from ssl_irmae.protocols.readouts.poisson import (
    poisson,
    poisson_mbo,
    poisson_prior,
    poisson_prior_together,
    poisson_scores,
)
from ssl_irmae.protocols.readouts.self_training import self_training
from ssl_irmae.protocols.readouts.spread import spread, spread_scores, spread_transductive


@pytest.fixture
def codes() -> Tensor:
    """Forty points in the plane."""
    return torch.from_numpy(np.random.default_rng(3).normal(size=(40, 2)).astype(np.float32))


@pytest.fixture
def blobs() -> tuple[Tensor, Tensor]:
    """Three round blobs of 60, 50 and 40 points, shuffled, with their numbers."""
    rng = np.random.default_rng(1)
    y = rng.permutation(np.repeat([0, 1, 2], [60, 50, 40]))
    x = np.array([[0, 0], [4, 0], [0, 4]])[y] + rng.normal(size=(150, 2))
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)


def _sample(x: Tensor, y: Tensor, positions: list[int], classes: int = 3) -> Sample:
    i = torch.tensor(positions)
    return Sample(x[i], y[i], x, i, classes, 0, torch.device("cpu"), "fp32", Memo())


def _firsts(y: Tensor, each: int) -> list[int]:
    return [int(i) for c in y.unique() for i in (y == c).nonzero()[:each]]


def _distances(a: Tensor, b: Tensor) -> np.ndarray:
    return np.sqrt(((a.double().numpy()[:, None] - b.double().numpy()[None]) ** 2).sum(2))


# the graph


def test_neighbours_are_those_of_a_tree(codes: Tensor) -> None:
    distances, positions = Neighbours(codes[:30]).find(codes[30:], 5)
    expected, where = cKDTree(codes[:30].double()).query(codes[30:].double(), 5)
    assert positions.numpy() == pytest.approx(where)
    assert distances.numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("decay", [0.3, 0.85, 1.0])  # few directions are enough, not for all queries, for none
@pytest.mark.parametrize("own", [False, True])
def test_neighbours_among_many_are_exact_however_many_directions_they_vary_in(decay: float, own: bool) -> None:
    rng = np.random.default_rng(0)
    spread_out = rng.normal(size=(8400, 48)) * decay ** np.arange(48)
    turned = spread_out @ np.linalg.qr(rng.normal(size=(48, 48)))[0] + 5
    many = torch.from_numpy(turned.astype(np.float32))
    many[4100:4200] = many[:100]  # duplicates
    reference, x = many[:4200], many[:4200] if own else many[4200:]
    d = cdist(x.double(), reference.double())
    if own:
        np.fill_diagonal(d, np.inf)
    expected = d.argsort(axis=1, kind="stable")[:, :6]
    distances, positions = Neighbours(reference).search(x, 6, own=own)
    assert np.array_equal(positions.numpy(), expected)
    assert distances.numpy() == pytest.approx(np.take_along_axis(d, expected, 1), rel=1e-12)


def test_a_question_asked_again_is_answered_from_memory_and_another_is_not(codes: Tensor) -> None:
    neighbours = Neighbours(codes[:30])
    first = neighbours.find(codes[30:], 5)
    assert neighbours.find(codes[30:].clone(), 5) is first
    other = neighbours.find(codes[30:] + 1, 5)
    assert torch.equal(other[1], Neighbours(codes[:30]).find(codes[30:] + 1, 5)[1])
    assert neighbours.find(codes[30:] + 1, 3)[0].shape == (10, 3)


def test_graph_weights_are_those_of_the_formula(codes: Tensor) -> None:
    k = 6
    d = _distances(codes, codes)
    directed = np.zeros((40, 40))
    for i in range(40):
        others = sorted((j for j in range(40) if j != i), key=lambda j: d[i, j])[:k]
        for j in others:
            directed[i, j] = np.exp(-4 * d[i, j] ** 2 / d[i, others[-1]] ** 2)
    weights = build_graph(codes, k=k).weights.toarray()
    assert connected_components(directed, directed=False)[0] == 1, "the case must need no ties"
    assert weights == pytest.approx((directed + directed.T) / 2, rel=1e-5)


def test_parts_of_a_graph_are_tied_by_their_shortest_way() -> None:
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


# what spreads along it


def test_label_spreading_is_its_closed_form(codes: Tensor) -> None:
    graph = build_graph(codes, k=5)
    positions, labels = torch.tensor([2, 9, 30]), torch.tensor([0, 3, 0])
    W = graph.weights.toarray()
    root = np.diag(1 / np.sqrt(W.sum(1)))
    Y = np.zeros((40, 4))
    Y[positions, labels] = 1
    F = 0.1 * np.linalg.inv(np.eye(40) - 0.9 * root @ W @ root) @ Y
    found = spread_scores(graph, positions, labels, 4, alpha=0.9)
    assert found[:, [0, 3]].numpy() == pytest.approx(F[:, [0, 3]], abs=1e-4)
    assert (found[:, [1, 2]] == -torch.inf).all()


def test_label_spreading_agrees_with_scikit_learn(blobs: tuple[Tensor, Tensor]) -> None:
    x, y = blobs
    graph, positions = build_graph(x, k=8), torch.tensor(_firsts(y, 2))
    known = np.full(150, -1)
    known[positions] = y[positions]
    theirs = LabelSpreading(kernel=lambda *_: graph.weights, alpha=0.9, max_iter=2000, tol=1e-6)
    theirs.fit(np.arange(150)[:, None], known)
    ours = spread_scores(graph, positions, y[positions], 3, alpha=0.9)
    assert (ours / ours.sum(1, keepdim=True)).numpy() == pytest.approx(theirs.label_distributions_, abs=1e-2)
    assert ours.argmax(1).tolist() == theirs.transduction_.tolist()


def test_poisson_learning_solves_poissons_equation(codes: Tensor) -> None:
    pytest.importorskip(EXTRAS["graph"])
    graph = build_graph(codes, k=5)
    positions, labels = torch.tensor([2, 9, 30, 31]), torch.tensor([0, 3, 0, 1])
    W = graph.weights.toarray()
    degree = W.sum(1)
    source = np.zeros((40, 4))
    source[positions, labels] = 1
    source[positions] -= source[positions].mean(0)
    u = np.linalg.pinv(np.diag(degree) - W) @ source
    u -= degree @ u / degree.sum()  # the solution is free up to a constant; this is Calder's choice
    found = poisson_scores(graph, positions, labels, 4)
    assert found[:, [0, 1, 3]].numpy() == pytest.approx(u[:, [0, 1, 3]], abs=1e-2 * np.abs(u).max())
    assert (found[:, 2] == -torch.inf).all()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_work_in_threads_keeps_its_order_and_its_groups_small(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    together = threading.Barrier(threads, timeout=60)

    def work(some: Sequence[int]) -> list[int]:
        assert len(some) <= 7
        together.wait()  # for as many others as there are threads
        return [i * i for i in some]

    items = range(5 * threads)  # one group each
    assert in_threads(work, items, most=7) == [i * i for i in items]
    assert in_threads(work, [], most=7) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_class_prior_gives_every_subset_the_bits_it_has_alone(
    codes: Tensor, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(EXTRAS["graph"])
    y = torch.arange(len(codes)) % 3
    samples = [_sample(codes, y, [i, i + 1, i + 2, i + 3]) for i in range(5)]
    alone = [poisson_prior(sample, k=5, slack=0.1)(codes) for sample in samples]
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    together = poisson_prior_together(samples, k=5, slack=0.1)
    assert all(torch.equal(one, predict(codes)) for one, predict in zip(alone, together, strict=True))


def test_what_is_remembered_of_an_equation_is_for_the_same_labels_at_the_same_places_alone(codes: Tensor) -> None:
    pytest.importorskip(EXTRAS["graph"])
    y = torch.arange(len(codes)) % 3
    sample = _sample(codes, y, [0, 1, 2, 3])
    others = [
        dataclasses.replace(sample, labels=sample.labels.roll(1)),
        dataclasses.replace(sample, positions=sample.positions + 8, inputs=codes[8:12]),
    ]
    for readout in (lambda s: poisson(s, k=5), lambda s: poisson_prior(s, k=5, slack=0.1)):
        for each in (sample, *others, sample):
            alone = dataclasses.replace(each, memo=Memo())
            assert torch.equal(readout(each)(codes), readout(alone)(codes))


@pytest.mark.parametrize("threads", [1, 2])
def test_many_equations_have_bit_for_bit_the_solutions_graphlearning_gives_each(
    codes: Tensor, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    graphlearning = pytest.importorskip(EXTRAS["graph"])
    system = build_graph(codes, k=5).laplacian
    rng = np.random.default_rng(0)
    sources = []
    for columns, size in ((2, 1.0), (3, 1e-3), (5, 1e3), (2, 10.0)):  # some end long before others
        sources.append(system @ (size * rng.normal(size=(40, columns))).astype(np.float32))
    found = conjugate_gradients(system, sources, tolerance=1e-2)
    for u, b in zip(found, sources, strict=True):
        assert np.array_equal(u, graphlearning.utils.conjgrad(system, b, tol=1e-2))


def test_equations_without_a_finite_solution_are_refused() -> None:
    system, b = sparse.eye_array(5, format="csr", dtype=np.float32), np.ones((5, 2), dtype=np.float32)
    with pytest.raises(UserError, match="no finite solution"):
        conjugate_gradients(system, [b, b * np.nan], tolerance=1e-3)


def test_poisson_learning_agrees_with_graphlearning(blobs: tuple[Tensor, Tensor]) -> None:
    graphlearning = pytest.importorskip(EXTRAS["graph"])
    x, y = blobs
    graph, positions = build_graph(x, k=8), torch.tensor(_firsts(y, 2))
    theirs = graphlearning.ssl.poisson(graph.weights).fit_predict(positions.numpy(), y[positions].numpy())
    assert poisson_scores(graph, positions, y[positions], 3).argmax(1).tolist() == theirs.tolist()


@pytest.mark.parametrize("slack", [0.1, 0.4])
def test_classes_are_shared_out_within_the_slack(slack: float) -> None:
    scores = np.random.default_rng(0).random((2000, 4)) + np.array([0, 0.1, 0.3, 0])
    before = np.bincount(scores.argmax(1), minlength=4) / 2000
    weighted, weights = share_out(scores, np.ones(4), slack)
    share = np.bincount(weighted.argmax(1), minlength=4) / 2000
    assert before.max() > (1 + slack) / 4 + 0.01, "the case must need it"
    assert ((share >= (1 - slack) / 4 - 1e-3) & (share <= (1 + slack) / 4 + 1e-3)).all()
    low = scores.min()
    assert weighted == pytest.approx((scores - low) / (scores.max() - low) * weights)


@pytest.mark.parametrize("kind", ["spread out", "nearly one class", "tied"])
def test_classes_are_shared_out_as_if_every_node_were_looked_at_each_time(kind: str) -> None:
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
    found, theirs = share_out(scores, np.ones(4), 0.1)
    assert np.array_equal(found, expected)
    assert np.array_equal(theirs, weights)


def test_poisson_mbo_agrees_with_a_dense_retyping(blobs: tuple[Tensor, Tensor]) -> None:
    pytest.importorskip(EXTRAS["graph"])
    x, y = blobs
    graph, positions = build_graph(x, k=8), torch.tensor(_firsts(y, 1))
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


def test_poisson_mbo_gives_nothing_to_absent_classes(blobs: tuple[Tensor, Tensor]) -> None:
    pytest.importorskip(EXTRAS["graph"])
    x, y = blobs
    found = poisson_mbo(build_graph(x, k=8), torch.tensor(_firsts(y, 1)), torch.tensor([1, 4, 2]), 6)
    assert (found[:, [0, 3, 5]] == 0).all()


def _spread(sample: Sample) -> Predictor:
    return spread(sample, k=8, alpha=0.99)


@pytest.mark.parametrize(
    "learn",
    [_spread, lambda s: poisson(s, k=8), lambda s: poisson_prior(s, k=8, slack=0.3)],
    ids=["spread", "poisson", "poisson-prior"],
)
def test_one_label_a_blob_is_enough_on_a_graph(
    learn: Callable[[Sample], Predictor], blobs: tuple[Tensor, Tensor]
) -> None:
    if learn is not _spread:
        pytest.importorskip(EXTRAS["graph"])
    x, y = blobs
    sample = _sample(x[:100], y[:100], _firsts(y[:100], 1))
    assert (learn(sample)(x[100:]) == y[100:]).double().mean() > 0.9


def test_transductive_predictions_are_those_of_the_nodes(blobs: tuple[Tensor, Tensor]) -> None:
    x, y = blobs
    sample = _sample(x, y, _firsts(y[:100], 2))
    graph = build_graph(x, k=8)
    scores = spread_scores(graph, sample.positions, sample.labels, 3, alpha=0.9)
    predict = spread_transductive(sample, k=8, alpha=0.9)
    assert torch.equal(predict(x[100:]), scores[100:].argmax(1))
    with pytest.raises(ValueError, match="no others"):
        predict(x[:50])


def test_a_node_asked_as_a_new_point_is_its_own_nearest_neighbour(blobs: tuple[Tensor, Tensor]) -> None:
    x, y = blobs
    graph = build_graph(x, k=2)  # the point itself weighs 1, the second exp(-4)
    scores = torch.eye(3)[y]
    assert torch.equal(inductive(graph, scores)(x), y)


# the head


def test_heads_trained_together_are_those_of_a_plain_loop(blobs: tuple[Tensor, Tensor]) -> None:
    """Within float error: the logits of layers, dropout and Adam written the usual way, one head at a time."""
    x, y = blobs
    samples = [dataclasses.replace(_sample(x, y, list(range(i, i + 30))), seed=i) for i in (0, 40, 80)]
    settings = {"width": 16, "dropout": 0.5, "steps": 60, "learning_rate": 1e-2, "batch_size": 20}
    found = mlp_heads(samples, **settings)
    scaled = torch.from_numpy(_scaled(x)).float()
    for sample, predict in zip(samples, found, strict=True):
        draw = batches(30, 20, generator("cpu", sample.seed, "labelled"))
        with seeded(sample.seed, "head"):
            net = nn.Sequential(
                *(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.5)),
                *(nn.Linear(16, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3, bias=False)),
            )
            optimizer = torch.optim.Adam(net.parameters(), 1e-2)
            for _ in range(60):
                i = next(draw)
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(scaled[sample.positions[i]]), sample.labels[i])
                torch.autograd.backward(loss)
                optimizer.step()
        logits = net.eval()(scaled)
        top = logits.topk(2).values
        clear = top[:, 0] - top[:, 1] > 1e-3
        assert clear.sum() > 130
        assert torch.equal(predict(x)[clear], logits.argmax(1)[clear])


# nearest neighbours, means and projections


def test_the_nearest_points_are_those_of_a_tree_however_many() -> None:
    points = torch.from_numpy(np.random.default_rng(0).normal(100, 1, size=(6000, 5)).astype(np.float32))
    x = points[:50] + 0.1
    expected = cKDTree(points.double()).query(x.double(), 7)[1]
    assert np.array_equal(nearest(x, points, 7).numpy(), expected)
    assert np.array_equal(Neighbours(points).search(x, 7)[1].numpy(), expected)


def test_knn_is_a_vote_whose_ties_go_to_the_nearest(blobs: tuple[Tensor, Tensor]) -> None:
    x, y = blobs
    sample = _sample(x, y, list(range(40)))
    found = knn(sample, k=4)(x[40:])
    for row, guess in zip(_distances(x[40:], sample.inputs), found.tolist(), strict=True):
        voters = sample.labels.numpy()[np.argsort(row)[:4]].tolist()
        most = max(voters.count(v) for v in voters)
        assert guess == next(v for v in voters if voters.count(v) == most)


def test_knn_is_not_led_by_the_direction_of_a_code_alone() -> None:
    x = torch.tensor([[1.0, 0.0], [10.0, 1.0]])
    sample = _sample(x, torch.tensor([0, 1]), [0, 1])
    assert knn(sample, k=1)(torch.tensor([[9.0, 0.0]])).tolist() == [1]
    assert centroid(sample)(torch.tensor([[9.0, 0.0]])).tolist() == [1]


def test_centroid_takes_the_class_with_the_nearest_mean(blobs: tuple[Tensor, Tensor]) -> None:
    x, y = blobs
    y = torch.tensor([4, 0, 2])[y]
    sample = _sample(x, y, list(range(40)), classes=6)
    means = np.array([sample.inputs[sample.labels == c].double().numpy().mean(0) for c in (0, 2, 4)])
    nearest = ((x[40:].double().numpy()[:, None] - means) ** 2).sum(2).argmin(1)
    assert centroid(sample)(x[40:]).tolist() == np.array([0, 2, 4])[nearest].tolist()


def test_batches_hold_every_class_equally_and_leave_the_sampler_as_it_was(blobs: tuple[Tensor, Tensor]) -> None:
    _, y = blobs
    theirs = common_functions.NUMPY_RANDOM
    first, again, other = (list(class_batches(y, 4, 5, seed, "batches")) for seed in (0, 0, 1))
    assert common_functions.NUMPY_RANDOM is theirs
    assert len(first) == 5
    for batch in first:
        assert y[batch].bincount().tolist() == [4, 4, 4]
        assert len(batch.unique()) == 12
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_contrastive_loss_is_khoslas() -> None:
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
def test_the_contrastive_loss_refuses_batches_it_would_call_perfect(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="two examples"):
        supcon(torch.randn(3, 2), torch.tensor(labels), temperature=0.1)


def test_metric_with_one_example_a_class_is_knn_on_the_code(blobs: tuple[Tensor, Tensor]) -> None:
    x, y = blobs
    sample = _sample(x, y, [*_firsts(y, 1), 40, 41])
    assert sample.labels.unique(return_counts=True)[1].min() == 1
    found = metric(sample, steps=3, learning_rate=1e-3, per_class=4, temperature=0.1, k=3)(x)
    assert torch.equal(found, knn(sample, k=3)(x))


# logistic regression


def _scaled(x: Tensor) -> np.ndarray:
    centred = (x - x.mean(0)).double().numpy()
    return centred / np.sqrt((centred**2).mean())


def test_the_probe_keeps_its_penalty_where_classes_are_small(blobs: tuple[Tensor, Tensor]) -> None:
    x, y = blobs
    positions = _firsts(y, 4)
    theirs = LogisticRegression(C=1e-4).fit(_scaled(x)[positions], y[positions]).predict(_scaled(x))
    assert linear_probe(_sample(x, y, positions), C=1e-4, max_iter=1000)(x).tolist() == theirs.tolist()


def test_the_probe_chooses_its_penalty_inside_the_subset(blobs: tuple[Tensor, Tensor]) -> None:
    """The fixed one, far off on either side, must not matter there."""
    x, y = blobs
    sample = _sample(x, y, _firsts(y, 20))
    weak, strong = (linear_probe(sample, C=C, max_iter=1000)(x) for C in (1e-6, 1e6))
    assert torch.equal(weak, strong)
    assert (weak == y).double().mean() > 0.9


def test_the_probe_chooses_the_penalty_with_the_least_loss_of_all() -> None:
    """Written the usual way: scikit-learn's own cross-validation, over the whole path, in double precision."""
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1, 2], 40)
    chosen = set()
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
        chosen.add(found)
    assert len(chosen) > 1, "the cases must differ"


def test_self_training_without_unlabelled_codes_is_logistic_regression(blobs: tuple[Tensor, Tensor]) -> None:
    x, y = blobs
    found = self_training(
        _sample(x, y, list(range(150))), C=0.1, max_iter=1000, threshold=0.9, rounds=5, unlabelled=100
    )(x)
    assert found.tolist() == LogisticRegression(C=0.1).fit(_scaled(x), y).predict(_scaled(x)).tolist()
