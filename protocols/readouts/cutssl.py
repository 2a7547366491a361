"""CutSSL with a class prior: all classes are about equally common."""

from collections.abc import Sequence

from ssl_irmae.protocols.graphs.minimum_cut import cut_scores
from ssl_irmae.protocols.readouts.on_graph import graph_of, predictors
from ssl_irmae.protocols.readouts.sample import Predictor, Sample


def cutssl(samples: Sequence[Sample], *, k: int, slack: float, rounds: int, parts: int = 1) -> list[Predictor]:
    """Divide the graph of unlabelled codes along a low cut, into classes of nearly equal sizes.

    The prior is an assumption, not read from any label: each class has the same share of the graph's nodes, up to a
    fraction ``slack``. See ``cut_scores``. A new point has no share to keep: it is classified by its nearest nodes, as
    in ``poisson``.

    Args:
        samples: Codes or features, shape (m, d); they share everything but labels and seed.
        k: Neighbours in the graph.
        slack: How far a class's share may be from the uniform one, as a fraction of it.
        rounds: Rounds before solutions are made integer, as in ``cut_scores``.
        parts: Number of encoders whose codes stand side by side: the graph is the mean of theirs.

    Returns:
        A predictor for each sample, bit for bit the one it gets alone.
    """
    graph = graph_of(samples[0], k=k, parts=parts)
    subsets = [(sample.positions, sample.labels) for sample in samples]
    return predictors(graph, samples, cut_scores(graph, subsets, samples[0].classes, slack=slack, rounds=rounds))
