"""Poisson learning on a graph of unlabelled codes, for so few labels that label propagation fails."""

from collections.abc import Sequence

from ssl_irmae.protocols.graphs.poisson_equation import PoissonEquation
from ssl_irmae.protocols.readouts.on_graph import graph_of, predictors
from ssl_irmae.protocols.readouts.sample import Predictor, Sample


def poisson(samples: Sequence[Sample], *, k: int, parts: int = 1) -> list[Predictor]:
    """Solve Poisson's equation on the graph of unlabelled codes; a new point is classified by its nearest nodes.

    See ``poisson_scores`` for the equation and ``inductive`` for new points. Only classes of the subset are predicted.

    Args:
        samples: Codes or features, shape (m, d); they share everything but labels and seed.
        k: Neighbours in the graph.
        parts: Number of encoders whose codes stand side by side: the graph is the mean of theirs.

    Returns:
        A predictor for each sample, bit for bit the one it gets alone.
    """
    equation = equation_of(samples[0], k=k, parts=parts)
    subsets = [(sample.positions, sample.labels) for sample in samples]
    return predictors(equation.graph, samples, equation.scores(subsets, samples[0].classes))


def equation_of(sample: Sample, *, k: int, parts: int = 1) -> PoissonEquation:
    """Return Poisson's equation on the graph over a sample's unlabelled codes, set up once for all trials."""
    return sample.memo.once(
        f"Poisson's equation on {k} neighbours, {parts} parts",
        lambda: PoissonEquation(graph_of(sample, k=k, parts=parts)),
    )
