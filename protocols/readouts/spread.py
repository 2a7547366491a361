"""Label spreading on a graph of unlabelled codes."""

from collections.abc import Sequence

from ssl_irmae.protocols.graphs.label_spreading import spread_scores
from ssl_irmae.protocols.readouts.on_graph import graph_of, predictors
from ssl_irmae.protocols.readouts.sample import Predictor, Sample


def spread(samples: Sequence[Sample], *, k: int, alpha: float, parts: int = 1) -> list[Predictor]:
    """Spread labels along the graph of unlabelled codes; a new point is classified by its nearest nodes.

    See ``spread_scores`` for the equation and ``inductive`` for new points.

    Args:
        samples: Codes or features, shape (m, d); they share everything but labels and seed.
        k: Neighbours in the graph.
        alpha: Share of its score that a node takes from its neighbours, 0 to 1.
        parts: Number of encoders whose codes stand side by side: the graph is the mean of theirs.

    Returns:
        A predictor for each sample, bit for bit the one it gets alone.
    """
    graph = graph_of(samples[0], k=k, parts=parts)
    subsets = [(sample.positions, sample.labels) for sample in samples]
    return predictors(graph, samples, spread_scores(graph, subsets, samples[0].classes, alpha=alpha))
