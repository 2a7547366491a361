"""Poisson learning with a class prior: all classes are about equally common."""

from collections.abc import Sequence

from ssl_irmae.protocols.graphs.poisson_mbo import mbo_scores
from ssl_irmae.protocols.readouts.on_graph import predictors
from ssl_irmae.protocols.readouts.poisson import equation_of
from ssl_irmae.protocols.readouts.sample import Predictor, Sample


def poisson_prior(
    samples: Sequence[Sample], *, k: int, slack: float, parts: int = 1, starts: int = 0
) -> list[Predictor]:
    """Sharpen ``poisson`` by Poisson MBO, which holds all classes of the subset to nearly equal shares.

    The prior is an assumption, not read from any label: each class has the same share of the graph's nodes, up to a
    fraction ``slack``. See ``poisson_mbo``. A new point has no share to keep: it is classified by its nearest nodes, as
    in ``poisson``.

    Args:
        samples: Codes or features, shape (m, d); they share everything but labels and seed.
        k: Neighbours in the graph.
        slack: How far a class's share may be from the uniform one, as a fraction of it.
        parts: Number of encoders whose codes stand side by side: the graph is the mean of theirs.
        starts: Random starts of the partition that a few labels name, as in ``poisson_mbo``.

    Returns:
        A predictor for each sample, bit for bit the one it gets alone.
    """
    equation = equation_of(samples[0], k=k, parts=parts)
    subsets = [(sample.positions, sample.labels) for sample in samples]
    scores = mbo_scores(equation, subsets, samples[0].classes, slack=slack, starts=starts)
    return predictors(equation.graph, samples, scores)
