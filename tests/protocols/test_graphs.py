"""Graphs and what is solved on them agree with dense solves, scikit-learn and graphlearning."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.semi_supervised import LabelSpreading
from torch import Tensor

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.graphs.conjugate_gradients import conjugate_gradients
from ssl_irmae.protocols.graphs.graph import build_graph, extend
from ssl_irmae.protocols.graphs.in_threads import in_threads
from ssl_irmae.protocols.graphs.label_spreading import spread_scores
from ssl_irmae.protocols.graphs.neighbours import Neighbours
from ssl_irmae.protocols.graphs.partition import lowest_cut
from ssl_irmae.protocols.graphs.poisson_equation import PoissonEquation, poisson_scores
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.graphs.shares import share_out
from tests.protocols.blobs import Blobs, distances_between, first_of_each_class


def test_neighbours_match_a_k_d_tree(codes: Tensor) -> None:
    distances, positions = Neighbours(codes[:30]).find(codes[30:], 5)
    expected, expected_positions = cKDTree(codes[:30].double()).query(codes[30:].double(), 5)
    assert positions.numpy() == pytest.approx(expected_positions)
    assert distances.numpy() == pytest.approx(expected, abs=1e-6)


def check_exact(points: Tensor, x: Tensor, *, exclude_self: bool) -> None:
    """Compare the ten nearest points with those of brute force in double precision."""
    d = cdist(x.double(), points.double())
    if exclude_self:
        np.fill_diagonal(d, np.inf)
    expected = d.argsort(axis=1, kind="stable")[:, :10]
    distances, positions = Neighbours(points).search(x, 10, exclude_self=exclude_self)
    assert np.array_equal(positions.numpy(), expected)
    assert distances.numpy() == pytest.approx(np.take_along_axis(d, expected, 1), rel=1e-12)


@pytest.mark.parametrize("decay", [0.3, 0.85, 1.0])  # few directions suffice for all, some, none of the queries
@pytest.mark.parametrize("exclude_self", [False, True])
def test_neighbours_among_many_points_are_exact(decay: float, exclude_self: bool) -> None:
    rng = np.random.default_rng(0)
    axis_aligned = rng.normal(size=(8400, 48)) * decay ** np.arange(48)
    rotated = axis_aligned @ np.linalg.qr(rng.normal(size=(48, 48)))[0] + 5
    many = torch.from_numpy(rotated.astype(np.float32))
    many[4100:4200] = many[:100]  # duplicates
    check_exact(many[:4200], many[:4200] if exclude_self else many[4200:], exclude_self=exclude_self)


@pytest.mark.parametrize("exclude_self", [False, True])
@pytest.mark.parametrize("size", [600, 4200])  # compared in all directions at once, and in few directions first
def test_neighbours_within_groups_that_are_far_apart_are_exact(size: int, exclude_self: bool) -> None:
    rng = np.random.default_rng(0)
    far = rng.normal(size=(size, 40)) * 0.5 ** np.arange(40)
    far[::2] += 1e4
    far[100:200] = far[100]  # more equal points than candidates
    points = torch.from_numpy(far.astype(np.float32))
    check_exact(points, points if exclude_self else points + 0.25, exclude_self=exclude_self)


def test_it_is_known_whether_neighbours_are_kept(codes: Tensor) -> None:
    assert Neighbours(codes).others_are_kept(5), "few are found at once"
    many = torch.linspace(0, 1, 8200)[:, None] ** 2
    assert not Neighbours(many).others_are_kept(5)
    Neighbours(many).find_others(5)
    assert Neighbours(many).others_are_kept(5)
    assert not Neighbours(many).others_are_kept(6)
    assert not Neighbours(many + 1).others_are_kept(5)


def test_a_repeated_query_is_answered_from_memory_and_another_is_not(codes: Tensor) -> None:
    neighbours = Neighbours(codes[:30])
    first = neighbours.find(codes[30:], 5)
    assert neighbours.find(codes[30:].clone(), 5) is first
    other = neighbours.find(codes[30:] + 1, 5)
    assert torch.equal(other[1], Neighbours(codes[:30]).find(codes[30:] + 1, 5)[1])
    assert neighbours.find(codes[30:] + 1, 3)[0].shape == (10, 3)


def test_graph_weights_match_their_formula(codes: Tensor) -> None:
    k = 6
    d = distances_between(codes, codes)
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
    d = distances_between(codes[30:], codes[:30])
    for x, found, row in zip(codes[30:], extend(graph.parts, scores, codes[30:], k=3), d, strict=True):
        near = np.argsort(row)[:3]
        w = np.exp(-4 * row[near] ** 2 / row[near[-1]] ** 2)
        assert found.numpy() == pytest.approx(w @ scores.double().numpy()[near] / w.sum(), rel=1e-5)
        assert torch.equal(extend(graph.parts, scores, x[None], k=3)[0], found)


def test_the_graph_of_several_encoders_is_the_mean_of_their_graphs(codes: Tensor) -> None:
    other = torch.randn(codes.shape, generator=torch.Generator().manual_seed(1))
    several, *alone = (
        build_graph(x, k=5, parts=n) for x, n in ((torch.cat([codes, other], 1), 2), (codes, 1), (other, 1))
    )
    for graph in alone:
        assert connected_components(graph.weights)[0] == 1, "the example must be connected without bridges"
    assert several.weights.toarray() == pytest.approx(sum(g.weights.toarray() for g in alone) / 2)
    assert torch.equal(several.nearest, torch.cat([g.nearest for g in alone], 1))
    assert several.k == 5
    scores, x = torch.rand(40, 3), torch.randn(6, codes.shape[1])
    one_by_one = torch.stack([extend(g.parts, scores, x, k=5) for g in alone])
    assert torch.allclose(extend(several.parts, scores, torch.cat([x, x], 1), k=5), one_by_one.mean(0))


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
    graph, positions = build_graph(x, k=8), torch.tensor(first_of_each_class(y, 2))
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
    graph, positions = build_graph(x, k=8), torch.tensor(first_of_each_class(y, 2))
    root = np.sqrt(graph.inverse_degree)[:, None]
    source = PoissonEquation(graph).source(positions, y[positions])
    u = root * graphlearning.utils.conjgrad(graph.laplacian, root * source, tol=1e-3)
    assert np.array_equal(poisson_scores(graph, positions, y[positions], 3).numpy(), u[graph.place])


def test_poisson_scores_of_a_connected_graph_are_those_of_the_plain_equation_bit_for_bit(blobs: Blobs) -> None:
    x, y = blobs
    graph, positions = build_graph(x, k=8), torch.tensor(first_of_each_class(y, 2))
    assert connected_components(neighbours_alone(graph.nearest))[0] == 1, "the example must be connected"
    onehot = np.eye(3, dtype=np.float32)[y[positions].numpy()]
    source = np.zeros((150, 3), dtype=np.float32)
    source[graph.place[positions.numpy()]] = onehot - onehot.mean(0)
    root = np.sqrt(graph.inverse_degree)[:, None]
    (u,) = conjugate_gradients(graph.laplacian, [root * source], tolerance=1e-3)
    assert np.array_equal(poisson_scores(graph, positions, y[positions], 3).numpy(), (root * u)[graph.place])


def far_groups(*sizes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return points in groups that no neighbour joins, of two overlapping classes each, their groups and classes."""
    rng = np.random.default_rng(0)
    group = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    y = torch.from_numpy(rng.integers(0, 2, len(group)))
    x = torch.stack([100.0 * group, 3.0 * y], 1) + torch.from_numpy(rng.normal(size=(len(group), 2))).float()
    components = connected_components(neighbours_alone(build_graph(x, k=8).nearest), directed=False)[1]
    assert torch.equal(torch.from_numpy(components).long(), group), "the groups must be the components"
    return x, group, y


def neighbours_alone(nearest: Tensor) -> sparse.csr_array:
    """Return the edges to the nearest others of each node, (n, k), without weights and bridges."""
    n, k = nearest.shape
    return sparse.csr_array((np.ones(n * k), (np.repeat(np.arange(n), k), nearest.flatten().numpy())), (n, n))


def test_poisson_learning_solves_groups_that_are_far_apart_as_it_would_each_alone() -> None:
    x, group, y = far_groups(180, 120)
    positions = torch.cat([torch.arange(20), torch.arange(180, 210)])
    labels = y + group  # class 1 is in both
    for subset in (positions, positions[[0, 5, 9, 30, 45]]):
        every = poisson_scores(build_graph(x, k=8), subset, labels[subset], 5)
        assert torch.isinf(every).all(0).tolist() == [False, False, False, True, True]
        found = every[:, :3]
        for i in (0, 1):
            inside = group[subset] == i
            at = subset[inside]
            alone = poisson_scores(build_graph(x[group == i], k=8), at - 180 * i, labels[at], 3)
            there, known = found[group == i], alone.isfinite()
            assert torch.equal(there[known], alone[known])
            assert (there[~known] == found.min()).all()
            assert there[known].min() > found.min()
            assert torch.equal(there.argmax(1), alone.argmax(1))


def test_several_subsets_on_groups_that_are_far_apart_are_solved_as_each_is_alone() -> None:
    x, _, y = far_groups(60, 70, 50)
    graph = build_graph(x, k=8)
    subsets = [(i, y[i]) for i in (torch.arange(12), torch.arange(50, 180), torch.tensor([3, 100]))]
    for subset, found in zip(subsets, PoissonEquation(graph).scores(subsets, 2), strict=True):
        assert torch.equal(found, poisson_scores(graph, *subset, 2))


def test_labels_of_one_class_in_a_group_that_is_far_away_change_no_other() -> None:
    x, group, y = far_groups(180, 60)
    graph, first = build_graph(x, k=8), torch.arange(20)
    expected = poisson_scores(build_graph(x[:180], k=8), first, y[first], 3).argmax(1)
    for count, c in ((1, 1), (10, 1), (10, 2)):
        positions = torch.cat([first, 180 + torch.arange(count)])
        labels = torch.cat([y[first], torch.full((count,), c)])
        found = poisson_scores(graph, positions, labels, 3).argmax(1)
        assert torch.equal(found, torch.cat([expected, torch.full((60,), c)]))
        sharpened = poisson_mbo(graph, positions, labels, 3, slack=0.1)
        assert torch.isfinite(sharpened).all()
        assert sharpened.sum(1).numpy() == pytest.approx(1, abs=1e-5)
    assert torch.equal(poisson_scores(graph, torch.tensor([0, 180]), torch.tensor([0, 1]), 2).argmax(1), group)


@pytest.mark.parametrize("sizes", [(180, 60, 70), (60, 180, 70)])
def test_a_group_without_labels_has_the_scores_across_its_bridge(sizes: tuple[int, int, int]) -> None:
    x, group, y = far_groups(*sizes)
    positions = torch.arange(20)
    found = poisson_scores(build_graph(x, k=8), positions, y[positions], 2)
    alone = poisson_scores(build_graph(x[group == 0], k=8), positions, y[positions], 2)
    assert torch.equal(found[group == 0], alone)
    largest = int(np.argmax(sizes))
    for a, b in ((1, 0), (2, largest)):  # to the largest, from which it leads to labels if it has none
        nearest = torch.cdist(x[group == a].double(), x[group == b].double()).amin(0).argmin()
        assert (found[group == a] == found[group == b][nearest]).all()


def test_blank_pictures_do_not_change_what_poisson_learning_makes_of_digits() -> None:
    x, y = (torch.from_numpy(a) for a in load_digits(return_X_y=True))
    positions = torch.arange(100)
    alone = poisson_scores(build_graph(x.float(), k=10), positions, y[:100], 10).argmax(1)
    beside = build_graph(torch.cat([x.float(), torch.zeros(200, 64)]), k=10)
    labelled = torch.cat([positions, len(x) + torch.arange(10)])
    for blank in (0, 10):
        labels = torch.cat([y[:100], torch.full((10,), blank)])
        found = poisson_scores(beside, labelled, labels, 11).argmax(1)
        assert torch.equal(found[: len(x)], alone)
        assert (found[len(x) :] == blank).all()


def test_poisson_learning_predicts_the_classes_of_graphlearning(blobs: Blobs) -> None:
    graphlearning = pytest.importorskip("graphlearning")
    x, y = blobs
    graph, positions = build_graph(x, k=8), torch.tensor(first_of_each_class(y, 2))
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
    graph, positions = build_graph(x, k=8), torch.tensor(first_of_each_class(y, 1))
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


def four_blobs() -> tuple[Tensor, Tensor, Tensor]:
    """Return points, their classes and the four centres: the corners of a square."""
    centres = torch.tensor([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0], [8.0, 8.0]])
    y = torch.arange(4).repeat_interleave(60)
    return centres[y] + torch.from_numpy(np.random.default_rng(0).normal(size=(240, 2))).float(), y, centres


def test_a_short_cut_finds_clusters_without_a_label() -> None:
    x, y, _ = four_blobs()
    graph = build_graph(x, k=8)
    part = lowest_cut(graph, 4, slack=0.1, starts=16)[graph.place]
    assert min(np.bincount(part[y == c]).max() for c in range(4)) >= 58
    assert len(set(part)) == 4


def test_a_label_that_lies_in_another_cluster_does_not_take_its_name() -> None:
    x, y, centres = four_blobs()
    labelled = torch.cdist(centres, x).argmin(1)
    labelled[0] = torch.where(y == 3, (x - centres[0]).norm(dim=1), torch.inf).argmin()  # a 0 that looks like a 3
    classes = torch.arange(4)

    def wrong(starts: int) -> int:
        scores = poisson_mbo(build_graph(x, k=8), labelled, classes, 4, slack=0.1, starts=starts)
        return int((scores.argmax(1) != y).sum())

    assert wrong(starts=16) < 5
    assert wrong(starts=0) > 30, "the example must mislead Poisson learning"


def test_the_partition_names_only_what_few_labels_leave_open(blobs: Blobs) -> None:
    x, y = blobs
    graph = build_graph(x, k=8)
    for count, same in ((4, False), (5, True)):
        positions = torch.tensor(first_of_each_class(y, count))
        poisson_mbo(graph, positions, y[positions], 3, slack=0.15, starts=16)
        assert (not graph.partitions) == same
        graph.partitions.clear()


def test_poisson_mbo_scores_absent_classes_zero(blobs: Blobs) -> None:
    x, y = blobs
    found = poisson_mbo(
        build_graph(x, k=8), torch.tensor(first_of_each_class(y, 1)), torch.tensor([1, 4, 2]), 6, slack=0.15
    )
    assert (found[:, [0, 3, 5]] == 0).all()
