"""Readouts on the graph: several samples at once, the scored nodes, and new points."""

import dataclasses
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from ssl_irmae.protocols.graphs.graph import Graph, build_graph
from ssl_irmae.protocols.graphs.label_spreading import spread_scores
from ssl_irmae.protocols.graphs.minimum_cut import cut_scores
from ssl_irmae.protocols.graphs.poisson_equation import poisson_scores
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.readouts.cutssl import cutssl
from ssl_irmae.protocols.readouts.on_graph import inductive
from ssl_irmae.protocols.readouts.poisson import poisson
from ssl_irmae.protocols.readouts.poisson_prior import poisson_prior
from ssl_irmae.protocols.readouts.sample import Memo, Predictor, Sample
from ssl_irmae.protocols.readouts.spread import spread
from tests.protocols.blobs import Blobs, first_of_each_class, sample_at

GraphReadout = Callable[[Sequence[Sample]], list[Predictor]]


def _spread(samples: Sequence[Sample]) -> list[Predictor]:
    return spread(samples, k=8, alpha=0.99)


def _poisson(samples: Sequence[Sample]) -> list[Predictor]:
    return poisson(samples, k=8)


def _poisson_prior(samples: Sequence[Sample]) -> list[Predictor]:
    return poisson_prior(samples, k=8, slack=0.3)


def _cutssl(samples: Sequence[Sample]) -> list[Predictor]:
    return cutssl(samples, k=8, slack=0.3, rounds=100)


every_graph_readout = pytest.mark.parametrize("readout", [_spread, _poisson, _poisson_prior, _cutssl])


def _node_scores(readout: GraphReadout, graph: Graph, sample: Sample) -> Tensor:
    if readout is _spread:
        return spread_scores(graph, [(sample.positions, sample.labels)], sample.classes, alpha=0.99)[0]
    if readout is _poisson:
        return poisson_scores(graph, sample.positions, sample.labels, sample.classes)
    if readout is _cutssl:
        return cut_scores(graph, [(sample.positions, sample.labels)], sample.classes, slack=0.3, rounds=100)[0]
    return poisson_mbo(graph, sample.positions, sample.labels, sample.classes, slack=0.3)


@pytest.mark.parametrize("threads", [1, 2])
@every_graph_readout
def test_samples_fitted_together_get_the_bits_they_get_alone(
    readout: GraphReadout, codes: Tensor, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    y = torch.arange(len(codes)) % 3
    samples = [sample_at(codes, y, [i, i + 1, i + 2, i + 3]) for i in range(5)]
    alone = [readout([sample])[0](codes) for sample in samples]
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    together = [predict(codes) for predict in readout(samples)]
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("readout", [_poisson, _poisson_prior])
def test_solutions_are_reused_only_for_the_same_labels_at_the_same_positions(
    readout: GraphReadout, codes: Tensor
) -> None:
    y = torch.arange(len(codes)) % 3
    sample = sample_at(codes, y, [0, 1, 2, 3])
    others = [
        dataclasses.replace(sample, labels=sample.labels.roll(1)),
        dataclasses.replace(sample, positions=sample.positions + 8, inputs=codes[8:12]),
    ]
    for each in (sample, *others, sample):
        fresh = dataclasses.replace(each, memo=Memo())
        assert torch.equal(readout([each])[0](codes), readout([fresh])[0](codes))


@every_graph_readout
def test_one_label_per_blob_is_enough_on_a_graph(readout: GraphReadout, blobs: Blobs) -> None:
    x, y = blobs
    (predict,) = readout([sample_at(x[:100], y[:100], first_of_each_class(y[:100], 1))])
    assert (predict(x[100:]) == y[100:]).double().mean() > 0.9


@every_graph_readout
def test_transductive_predictions_are_the_classes_of_the_scored_nodes(readout: GraphReadout, blobs: Blobs) -> None:
    x, y = blobs
    sample = dataclasses.replace(sample_at(x, y, first_of_each_class(y[:100], 2)), scored=50)
    (predict,) = readout([sample])
    scores = _node_scores(readout, build_graph(x, k=8), sample)
    assert torch.equal(predict(x[100:]), scores[100:].argmax(1))
    for others in (x[:50], x[101:], x[99:]):
        with pytest.raises(ValueError, match="no others"):
            predict(others)


@every_graph_readout
def test_inductive_predictions_extend_the_classes_of_the_nodes(readout: GraphReadout, blobs: Blobs) -> None:
    x, y = blobs
    sample = sample_at(x[:100], y[:100], first_of_each_class(y[:100], 2))
    graph = build_graph(sample.unlabelled, k=8)
    (predict,) = readout([sample])
    assert torch.equal(predict(x), inductive(graph, _node_scores(readout, graph, sample), sample.labels)(x))


def test_a_node_is_its_own_nearest_neighbour_when_predicted_as_a_new_point(blobs: Blobs) -> None:
    x, y = blobs
    graph = build_graph(x, k=2)  # the point itself has weight 1, the second exp(-4)
    scores = torch.eye(3)[y]
    assert torch.equal(inductive(graph, scores, y)(x), y)
