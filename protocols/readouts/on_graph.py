"""From the scores of a graph's nodes to predictors."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ssl_irmae.protocols.graphs.graph import Graph, build_graph
from ssl_irmae.protocols.predictors.on_graph import OnGraph
from ssl_irmae.protocols.readouts.sample import Memo, Predictor, Sample


def graph_of(sample: Sample, *, k: int, parts: int = 1) -> Graph:
    """Return the graph over a sample's unlabelled codes, built once for all trials that share them.

    Args:
        sample: Codes or features, shape (m, d).
        k: Neighbours of each node.
        parts: Number of encoders whose codes stand side by side.
    """
    return shared_graph(sample.memo, sample.unlabelled, k=k, parts=parts)


def shared_graph(memo: Memo, codes: Tensor, *, k: int, parts: int = 1) -> Graph:
    """Return the graph over unlabelled codes (n, d), built once for all that share a memo."""
    return memo.once(f"graph of {k} neighbours, {parts} parts", lambda: build_graph(codes, k=k, parts=parts))


def predictors(graph: Graph, samples: Sequence[Sample], scores: Sequence[Tensor]) -> list[Predictor]:
    """Make a predictor for each sample: transductive if its scored inputs are nodes of the graph, else inductive.

    Args:
        graph: Graph over the unlabelled codes that the samples share.
        samples: One for each predictor.
        scores: Class scores of the nodes, (n, classes), for each sample.
    """
    return [
        transductive(sample, node_scores) if sample.scored else inductive(graph, node_scores, sample.labels)
        for sample, node_scores in zip(samples, scores, strict=True)
    ]


def inductive(graph: Graph, scores: Tensor, labels: Tensor) -> OnGraph:
    """Make a predictor for any input from the class scores of a graph's nodes.

    Each node counts as the class it scores highest. A new point takes the class with the largest total weight among
    its k nearest nodes, by each part of the graph; its prediction does not depend on the other new points.

    Args:
        graph: Graph over the unlabelled codes.
        scores: Class scores of its nodes, (n, classes).
        labels: The labels of the sample, int64 (m,): only their classes are predicted.
    """
    present = torch.unique(labels)
    return OnGraph(graph.parts, scores[:, present], present, graph.k, scores.shape[1])


def transductive(sample: Sample, scores: Tensor) -> Predictor:
    """Make a predictor for the scored inputs alone, which are nodes of the graph themselves.

    Args:
        sample: Its unlabelled codes end with the scored ones.
        scores: Class scores of the nodes, (n, classes).
    """

    def predict(x: Tensor) -> Tensor:
        if not torch.equal(sample.unlabelled[-sample.scored :], x):
            raise ValueError("a transductive readout predicts the scored inputs it was fitted with, and no others")
        return scores[-sample.scored :].argmax(1)

    return predict
