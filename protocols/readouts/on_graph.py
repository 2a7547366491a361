"""From the scores of a graph's nodes to predictions."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.protocols.graphs.graph import Graph, build_graph
from ssl_irmae.protocols.readouts.sample import Predictor, Sample


def graph_of(sample: Sample, *, k: int) -> Graph:
    """Return the graph over a sample's unlabelled codes, built once for all trials that share them."""
    return sample.memo.once(f"graph of {k} neighbours", lambda: build_graph(sample.unlabelled, k=k))


def inductive(graph: Graph, scores: Tensor) -> Predictor:
    """Make a predictor of any input from the scores of a graph's nodes.

    Each node counts as the class it scores highest; a new point takes the class with the largest weight among its k
    nearest nodes. It looks at no other new point.

    Args:
        graph: Over the unlabelled codes.
        scores: Of its nodes, (n, classes).
    """
    votes = F.one_hot(scores.argmax(1), scores.shape[1])
    return lambda x: graph.extend(votes, x).argmax(1)


def transductive(sample: Sample, scores: Tensor) -> Predictor:
    """Make a predictor of the scored inputs alone, which are nodes of the graph themselves.

    Args:
        sample: Its unlabelled codes end with the scored ones.
        scores: Of the nodes, (n, classes).
    """

    def predict(x: Tensor) -> Tensor:
        if not torch.equal(sample.unlabelled[-len(x) :], x):
            raise ValueError("a transductive readout predicts the inputs that its unlabelled ones end with, no others")
        return scores[-len(x) :].argmax(1)

    return predict
