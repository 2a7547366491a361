"""Low cuts of labelled graphs, against enumeration and exact solutions; sizes of classes, against their definition."""

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.graphs.graph import Graph, build_graph
from ssl_irmae.protocols.graphs.minimum_cut import cut_scores
from ssl_irmae.protocols.graphs.shares import nearest_within, size_bounds
from tests.protocols.blobs import Array, Blobs, first_of_each_class

LABELS = torch.arange(3)  # of the first three nodes of a small graph


def small_graph(seed: int) -> Graph:
    """Return a graph over twelve points of three groups that overlap; the first three are one of each."""
    group = np.r_[0:3, np.arange(3).repeat(3)]
    centres = np.array([[0, 0], [2, 0], [0, 2]])
    points = centres[group] + np.random.default_rng(seed).normal(size=(12, 2))
    return build_graph(torch.from_numpy(points).float(), k=4)


def equal_divisions() -> Array:
    """Return all divisions of twelve nodes into classes of four, the first three labelled: (1680, 12)."""
    rest = np.array(list(itertools.product(range(3), repeat=9)))
    every = np.hstack([np.tile(LABELS.numpy(), (len(rest), 1)), rest])
    equal: Array = every[(every[:, :, None] == np.arange(3)).sum(1).max(1) == 4]
    return equal


def cuts(graph: Graph, divisions: Array) -> Array:
    """Return the weight of the edges between classes, for each division."""
    apart = divisions[:, :, None] != divisions[:, None]
    total: Array = (graph.weights.toarray() * apart).sum((1, 2)) / 2
    return total


def divide(graph: Graph) -> Array:
    """Return the class of each node of a small graph."""
    classes: Array = cut_scores(graph, [(LABELS, LABELS)], 3, slack=0, rounds=100)[0].argmax(1).numpy()
    return classes


def solved_exactly(graph: Graph) -> Array:
    """Return the class of each node, where every round solves its linear equation, with all constraints in it."""
    W = graph.weights.toarray()
    degree, Y = W.sum(1), np.eye(3)
    L, D, source = np.diag(degree[3:]) - W[3:, 3:], np.diag(degree[3:]), W[3:, :3] @ Y
    constraints = np.vstack([np.kron(np.eye(9), np.ones((1, 3))), np.kron(np.ones((1, 9)), np.eye(3))])
    totals = np.r_[np.ones(9), np.full(3, 3)]

    def solve(matrix: Array, right: Array) -> Array:
        system = np.block([[np.kron(matrix, np.eye(3)), constraints.T], [constraints, np.zeros((12, 12))]])
        x: Array = np.linalg.lstsq(system, np.r_[right.ravel(), totals])[0][:27].reshape(9, 3)
        return x

    x, multipliers, s, rho = solve(L, source), np.zeros((9, 3)), 0.1, 0.4
    for i in range(200):
        if i >= 100:
            s *= 1.05
            multipliers *= rho / (10 * s)
            rho = 10 * s
        copies = np.maximum(x + multipliers, 0)
        multipliers = x + multipliers - copies
        x = solve(L - s * D + rho * D, source + rho * D @ (copies - multipliers))
    classes: Array = np.r_[LABELS.numpy(), x.argmax(1)]
    return classes


def test_most_divisions_of_small_graphs_are_the_lowest_cut_and_all_are_among_the_lowest() -> None:
    divisions = equal_divisions()
    assert len(divisions) == 1680  # 9! / (3!)^3
    shares_below = []
    for seed in range(20):
        graph = small_graph(seed)
        (found,) = cuts(graph, divide(graph)[None])
        shares_below.append((cuts(graph, divisions) < found - 1e-9).mean())
    assert np.mean(np.equal(shares_below, 0)) > 0.5
    assert max(shares_below) < 0.05


def test_one_step_of_diffusion_in_place_of_a_solution_leads_to_cuts_as_low() -> None:
    graphs = [small_graph(seed) for seed in range(10)]
    ours, exact = (
        np.array([cuts(graph, solve(graph)[None])[0] for graph in graphs]) for solve in (divide, solved_exactly)
    )
    assert np.isclose(ours, exact).mean() >= 0.8
    assert ours.mean() == pytest.approx(exact.mean(), rel=0.05)


def test_classes_have_their_sizes_and_labelled_nodes_their_classes(blobs: Blobs) -> None:
    x, y = blobs
    positions = torch.tensor(first_of_each_class(y, 2))
    graph, wrong = build_graph(x, k=8), y[positions].roll(1)  # what is given counts, not what is near
    for labels in (y[positions], wrong):
        (scores,) = cut_scores(graph, [(positions, labels)], 3, slack=0, rounds=100)
        assert torch.equal(scores[positions], torch.eye(3)[labels])
        assert scores.argmax(1).bincount().tolist() == [50, 50, 50]
        assert scores.sum(1).numpy() == pytest.approx(1, abs=1e-5)
        assert (scores >= 0).all()
        assert (scores.max(1).values > 0.95).double().mean() > 0.95, "hardly any node is left between classes"


def test_slack_lets_the_cut_be_lower_within_its_bounds() -> None:
    rng = np.random.default_rng(0)
    classes = torch.arange(3).repeat_interleave(torch.tensor([36, 30, 24]))
    centres = torch.tensor([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
    graph = build_graph(centres[classes] + torch.from_numpy(rng.normal(size=(90, 2))).float(), k=6)
    subset = (torch.tensor([0, 36, 66]), torch.arange(3))

    def found(slack: float) -> Array:
        counts: Array = cut_scores(graph, [subset], 3, slack=slack, rounds=100)[0].argmax(1).bincount().numpy()
        return counts

    assert found(0).tolist() == [30, 30, 30]
    assert found(0.1).tolist() == [33, 30, 27]
    assert found(0.3).tolist() == [36, 30, 24]


def test_what_a_subset_lacks_is_not_predicted_and_what_is_labelled_stays(blobs: Blobs) -> None:
    x, y = blobs
    mostly_one = (torch.arange(100), (torch.arange(100) == 99).long())  # more than its share
    three, one, every, unequal = cut_scores(
        build_graph(x, k=8),
        [
            (torch.tensor(first_of_each_class(y, 1)), torch.tensor([1, 4, 2])),
            (torch.tensor([3, 5]), torch.tensor([4, 4])),
            (torch.arange(150), y),
            mostly_one,
        ],
        6,
        slack=0.1,
        rounds=100,
    )
    assert (three[:, [0, 3, 5]] == 0).all()
    assert torch.equal(one, torch.eye(6)[torch.full((150,), 4)])
    assert torch.equal(every, torch.eye(6)[y])
    assert torch.equal(unequal[:100], torch.eye(6)[mostly_one[1]])
    assert unequal.argmax(1).bincount().tolist() == [99, 51], "all that are left make up for it"


def test_graphs_that_are_not_finite_are_rejected(blobs: Blobs) -> None:
    x, y = blobs
    graph, positions = build_graph(x, k=8), torch.tensor(first_of_each_class(y, 1))
    graph.laplacian.data[:] = np.nan
    with pytest.raises(UserError, match="no finite solution"):
        cut_scores(graph, [(positions, y[positions])], 3, slack=0.1, rounds=100)


def test_sizes_within_bounds_are_the_nearest() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        sizes = rng.normal(10, 4, size=5)
        low = sizes.mean() - 2 * rng.random(5)
        high = sizes.mean() + 2 * rng.random(5)
        found = nearest_within(sizes, low, high)
        assert found.sum() == pytest.approx(sizes.sum())
        nearest = minimize(
            lambda c, sizes=sizes: ((c - sizes) ** 2).sum(),
            np.full(5, sizes.mean()),
            bounds=list(zip(low, high, strict=True)),
            constraints={"type": "eq", "fun": lambda c, sizes=sizes: c.sum() - sizes.sum()},
            tol=1e-12,
        )
        assert found == pytest.approx(nearest.x, abs=1e-4)


@pytest.mark.parametrize("labelled", [[0, 0, 0], [1, 5, 20], [60, 0, 0], [60, 30, 9], [34, 33, 33]])
def test_bounds_of_sizes_can_be_met_whatever_is_labelled(labelled: list[int]) -> None:
    for slack in (0, 0.1, 0.5):
        low, high = size_bounds(np.array(labelled), 100, slack)
        assert (low >= 0).all()
        assert (low <= high + 1e-9).all()
        assert low.sum() - 1e-9 <= 100 - sum(labelled) <= high.sum() + 1e-9
