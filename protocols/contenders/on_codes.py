"""Readouts of frozen codes as contenders, on any representation."""

from dataclasses import replace

from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.settings import CUTSSL, METRIC, MLP, POISSON, PRIOR, SELF_TRAINING, SPREAD
from ssl_irmae.protocols.readouts.centroid import centroid
from ssl_irmae.protocols.readouts.cutssl import cutssl
from ssl_irmae.protocols.readouts.knn import knn
from ssl_irmae.protocols.readouts.linear import linear, revision
from ssl_irmae.protocols.readouts.metric import metric
from ssl_irmae.protocols.readouts.mlp import mlp
from ssl_irmae.protocols.readouts.poisson import poisson
from ssl_irmae.protocols.readouts.poisson_prior import poisson_prior
from ssl_irmae.protocols.readouts.self_training import self_training
from ssl_irmae.protocols.readouts.spread import spread

PRIOR_NOTE = "assumes, without reading it from any label, that classes are about equally common"
_REGRESSION = ("torch", "numpy", "scipy", "scikit-learn")
_GRAPH = ("torch", "numpy", "scipy")

_LINEAR_NOTE = (
    "C is chosen by cross-validation inside the subset where each class has five labels (on 2,000 of its examples "
    "where it has more); elsewhere it is the fixed one times the labels per class, and all classes weigh the same"
)
_MLP_NOTE = "the same number of steps at every budget, each of up to 100 labels, so not all of 60,000 are seen"
_METRIC_NOTE = (
    "if a class has a single label, nothing can be trained, and this is knn on the code; otherwise it takes the same "
    "number of steps at every budget, each with up to four labels per class, so of thousands of labels not all are seen"
)
_TRANSDUCTIVE_NOTE = "sees what is scored, without labels, before it predicts it"

READOUTS: dict[str, Contender] = {
    "linear": Contender(
        "linear_probe",
        linear,
        "code",
        {"C": 0.01, "max_iter": 1000},
        family="linear",
        summary="logistic regression; C chosen by cross-validation if the subset is large enough",
        software=_REGRESSION,
        deterministic_at_full_set=True,
        cross_validated=("C",),
        note=_LINEAR_NOTE,
        reads_unlabelled=False,
        revision=revision,
    ),
    "mlp": Contender(
        "mlp_head",
        mlp,
        "code",
        MLP,
        family="mlp",
        summary="two hidden layers with dropout, the head of the IRMAE code",
        paper="Jing et al., 2020",
        software=("torch",),
        several=True,
        note=_MLP_NOTE,
        reads_unlabelled=False,
    ),
    "knn": Contender(
        "knn",
        knn,
        "code",
        {"k": 1},
        family="neighbours",
        summary="the class of the nearest labelled code",
        software=("torch", "numpy", "pytorch-metric-learning"),
        deterministic_at_full_set=True,
        reads_unlabelled=False,
    ),
    "centroid": Contender(
        "centroid",
        centroid,
        "code",
        {},
        family="neighbours",
        summary="the class with the nearest mean code",
        software=("torch", "pytorch-metric-learning"),
        deterministic_at_full_set=True,
        reads_unlabelled=False,
    ),
    "metric": Contender(
        "metric",
        metric,
        "code",
        METRIC,
        family="neighbours",
        summary="a linear projection trained on the supervised contrastive loss, then k-NN",
        paper="Khosla et al., 2020",
        software=("torch", "numpy", "pytorch-metric-learning"),
        note=_METRIC_NOTE,
        reads_unlabelled=False,
    ),
    "self-training": Contender(
        "self_training",
        self_training,
        "code",
        SELF_TRAINING,
        family="linear",
        summary="logistic regression that adds its own confident guesses",
        paper="Yarowsky, 1995",
        software=_REGRESSION,
        deterministic_at_full_set=True,
        draws_unlabelled=True,
    ),
    "spread": Contender(
        "spread",
        spread,
        "code",
        SPREAD,
        family="graph",
        summary="label spreading on a k-NN graph of all codes",
        paper="Zhou et al., 2003",
        software=_GRAPH,
        deterministic_at_full_set=True,
        several=True,
    ),
    "poisson": Contender(
        "poisson",
        poisson,
        "code",
        POISSON,
        family="graph",
        summary="Poisson learning on a k-NN graph of all codes",
        paper="Calder et al., 2020",
        software=_GRAPH,
        deterministic_at_full_set=True,
        several=True,
    ),
    "poisson-prior": Contender(
        "poisson_prior",
        poisson_prior,
        "code",
        PRIOR,
        family="graph",
        summary="Poisson learning, with classes held to nearly equal shares",
        paper="Calder et al., 2020",
        software=_GRAPH,
        deterministic_at_full_set=True,
        several=True,
        note=PRIOR_NOTE,
    ),
    "cutssl": Contender(
        "cutssl",
        cutssl,
        "code",
        CUTSSL,
        family="graph",
        summary="a low cut of a k-NN graph of all codes, with classes held to nearly equal shares",
        paper="Holtz et al., 2024",
        software=_GRAPH,
        deterministic_at_full_set=True,
        several=True,
        note=PRIOR_NOTE,
    ),
}


def _transductive(contender: Contender) -> Contender:
    """Return the readout on a graph that includes the scored images."""
    return replace(
        contender,
        readout=f"{contender.readout}_transductive",
        transductive=True,
        note="; ".join(filter(None, (contender.note, _TRANSDUCTIVE_NOTE))),
    )


READOUTS |= {
    f"{name}-transductive": _transductive(READOUTS[name]) for name in ("spread", "poisson", "poisson-prior", "cutssl")
}
