"""Pseudo-labels on which the graphs of several encoders agree, for a residual network from scratch."""

import functools
from typing import Any

from torch import Tensor

from ssl_irmae.protocols.graphs.poisson_equation import poisson_scores
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.learners.consistency import train_consistently
from ssl_irmae.protocols.learners.propagate import safe_labels
from ssl_irmae.protocols.learners.residual import as_predictor, fresh_network
from ssl_irmae.protocols.learners.training import batches_at
from ssl_irmae.protocols.predictors.residual import Residual
from ssl_irmae.protocols.readouts.on_graph import shared_graph
from ssl_irmae.protocols.readouts.sample import Sample

_ENOUGH_TRUE = 100  # labels, below which the same few images would come up in every step


def fused_propagate(
    sample: Sample,
    codes: Tensor,
    *,
    k: int,
    parts: int,
    slack: float | None = None,
    starts: int = 0,
    agree: float,
    batch_size: int,
    true_batch_size: int,
    width: int,
    **training: Any,
) -> Residual:
    r"""Train a residual network from scratch on pseudo-labels from the mean of several encoders' graphs.

    Poisson learning labels the graph. An image whose neighbours, by all encoders, have its label in a share of
    ``agree`` or more keeps it; a true label is never replaced. The network then learns by consistency training:

    .. math:: L = \text{CE}(\text{strong}(x_P), y_P) + \text{CE}(\text{strong}(x_L), y_L) + \text{consistency}(x_U)

    Here P are pseudo-labelled images and L those with true labels, which weigh more in batches of their own than among
    thousands of others; subsets below 100 labels leave that term out. See ``train_consistently`` for the last one.

    Encoders err on different images, so neighbours by all of them that agree are hardly ever wrong (see
    ``build_graph``). The network is deeper than an encoder and starts from scratch, as in Sohn et al. (2020): the
    pseudo-labels hold what the encoders know.

    With ``slack`` the pseudo-labels are those of Poisson MBO, whose class prior helps where labels are few. The prior
    is an assumption, not read from any label: all classes are about equally common (see ``poisson_mbo``).

    Args:
        sample: Images, uint8 (m, c, s, s).
        codes: Codes of the unlabelled images by each encoder, side by side, fp32 (n, parts * d).
        k: Neighbours in the graph of each encoder.
        parts: Number of encoders.
        slack: How far a class's share may be from the uniform one, as a fraction of it; None assumes no shares.
        starts: Random starts of the partition that a few labels name, as in ``poisson_mbo``.
        agree: Smallest share of an image's neighbours that must have its label, at most 1.
        batch_size: Pseudo-labelled images per step, those with a true label among them.
        true_batch_size: Images with a true label per step, besides those; 0 for none.
        width: Channels of the first block, as in ``ResidualNetwork``.
        training: The other settings of ``train_consistently``.
    """
    score = poisson_scores if slack is None else functools.partial(poisson_mbo, slack=slack, starts=starts)
    graph = shared_graph(sample.memo, codes, k=k, parts=parts)
    positions, labels = safe_labels(sample, graph, score, agree=agree)
    labelled = [batches_at(sample, positions, labels, batch_size, "labelled")]
    if true_batch_size and len(sample.labels) >= _ENOUGH_TRUE:
        labelled.append(batches_at(sample, sample.positions, sample.labels, true_batch_size, "true labels"))
    net = fresh_network(sample, width=width)
    train_consistently(sample, net, net.parameters(), labelled, **training)
    return as_predictor(net, sample)
