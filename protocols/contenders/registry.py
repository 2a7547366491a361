"""Every contender by name, with its fixed settings."""

from collections.abc import Mapping
from dataclasses import replace

from ssl_irmae.errors import unknown_name
from ssl_irmae.protocols.contenders.contender import Contender, Setting
from ssl_irmae.protocols.learners.consistency import consistency
from ssl_irmae.protocols.learners.finetune import finetune
from ssl_irmae.protocols.learners.joint import joint
from ssl_irmae.protocols.learners.propagate import propagate, propagate_prior
from ssl_irmae.protocols.learners.supervised import supervised
from ssl_irmae.protocols.learners.vib import vib
from ssl_irmae.protocols.readouts.centroid import centroid
from ssl_irmae.protocols.readouts.knn import knn
from ssl_irmae.protocols.readouts.linear import linear
from ssl_irmae.protocols.readouts.metric import metric
from ssl_irmae.protocols.readouts.mlp import mlp
from ssl_irmae.protocols.readouts.poisson import poisson
from ssl_irmae.protocols.readouts.poisson_prior import poisson_prior
from ssl_irmae.protocols.readouts.self_training import self_training
from ssl_irmae.protocols.readouts.spread import spread

# Fixed beforehand on held-out training images, never on test images, from four candidates for every group with settings
# to choose: docs/results/settings/choose.py runs them and checks that these are the winners.
_TRAINING: dict[str, Setting] = {"steps": 100, "batch_size": 64, "learning_rate": 1e-3}
_JOINT: dict[str, Setting] = {**_TRAINING, "unlabelled_batch_size": 32, "reconstruction_weight": 1.0}
_CONSISTENCY: dict[str, Setting] = {
    **_TRAINING,
    "learning_rate": 3e-3,
    "unlabelled_batch_size": 128,
    "confidence": 0.8,
    "reconstruction_weight": 0.0,
}
_MLP: dict[str, Setting] = {"width": 128, "dropout": 0.5, "steps": 500, "learning_rate": 1e-3, "batch_size": 100}
_METRIC: dict[str, Setting] = {"steps": 100, "learning_rate": 1e-3, "per_class": 4, "temperature": 0.1, "k": 5}
_SELF_TRAINING: dict[str, Setting] = {
    "C": 0.1,
    "max_iter": 1000,
    "threshold": 0.8,
    "rounds": 5,
    "unlabelled": 2000,
}
_SPREAD: dict[str, Setting] = {"k": 10, "alpha": 0.99}
_POISSON: dict[str, Setting] = {"k": 10}
_PRIOR: dict[str, Setting] = {"k": 10, "slack": 0.1}
_PROPAGATE: dict[str, Setting] = {**_CONSISTENCY, "learning_rate": 1e-3, "k": 10}

_REGRESSION = ("torch", "numpy", "scipy", "scikit-learn")
_GRAPH = ("torch", "numpy", "scipy")

_LINEAR_NOTE = (
    "C is chosen by cross-validation inside the subset where each class has five labels (on 2,000 of its examples "
    "where it has more); elsewhere it is the fixed one"
)
_MLP_NOTE = "the same number of steps at every budget, each of up to 100 labels, so not all of 60,000 are seen"
_METRIC_NOTE = (
    "where a class has a single label nothing can be trained, and it is knn on the code; elsewhere the same number of "
    "steps at every budget, each of up to four labels per class, so not all are seen where there are thousands"
)
_PRIOR_NOTE = "assumes, without reading it from any label, that classes are about equally common"
_CONSISTENCY_NOTE = "without reconstruction, whose weight is 0 by default"
_VIB_NOTE = (
    "its code is as wide as the paper's encoder (K = 128 for images of 32 x 32); it trains on one sample of the code "
    "and predicts from the mean"
)
_TRANSDUCTIVE_NOTE = "sees the scored images, without labels, before it predicts them"

# classifiers of frozen codes
_READOUTS: dict[str, Contender] = {
    "linear": Contender(
        "linear_probe",
        linear,
        "code",
        {"C": 0.01, "max_iter": 1000},
        family="linear",
        summary="logistic regression; C chosen inside the subset where it is large enough",
        software=_REGRESSION,
        deterministic_at_full_set=True,
        cross_validated=("C",),
        note=_LINEAR_NOTE,
    ),
    "mlp": Contender(
        "mlp_head",
        mlp,
        "code",
        _MLP,
        family="mlp",
        summary="two hidden layers with dropout, the head of the IRMAE code",
        paper="Jing et al., 2020",
        software=("torch",),
        several=True,
        note=_MLP_NOTE,
    ),
    "knn": Contender(
        "knn",
        knn,
        "code",
        {"k": 1},
        family="neighbours",
        summary="the nearest labelled codes vote",
        software=("torch", "numpy", "pytorch-metric-learning"),
        deterministic_at_full_set=True,
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
    ),
    "metric": Contender(
        "metric",
        metric,
        "code",
        _METRIC,
        family="neighbours",
        summary="a linear projection trained on the supervised contrastive loss, then k-NN",
        paper="Khosla et al., 2020",
        software=("torch", "numpy", "pytorch-metric-learning"),
        note=_METRIC_NOTE,
    ),
    # it draws unlabelled images at random, and at the full set there are none
    "self-training": Contender(
        "self_training",
        self_training,
        "code",
        _SELF_TRAINING,
        family="linear",
        summary="logistic regression that adds its own confident guesses",
        paper="Yarowsky, 1995",
        software=_REGRESSION,
        deterministic_at_full_set=True,
    ),
    "spread": Contender(
        "spread",
        spread,
        "code",
        _SPREAD,
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
        _POISSON,
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
        _PRIOR,
        family="graph",
        summary="Poisson learning, with classes held to nearly equal shares",
        paper="Calder et al., 2020",
        software=_GRAPH,
        deterministic_at_full_set=True,
        several=True,
        note=_PRIOR_NOTE,
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


_READOUTS |= {f"{name}-transductive": _transductive(_READOUTS[name]) for name in ("spread", "poisson", "poisson-prior")}

# networks trained from a pretrained encoder
_LEARNERS: dict[str, Contender] = {
    "finetune": Contender(
        "finetune",
        finetune,
        "images",
        {**_TRAINING, "learning_rate": 3e-4},
        family="network, labels only",
        summary="encoder and linear head trained on the labels alone",
        software=("torch",),
    ),
    "joint": Contender(
        "joint",
        joint,
        "images",
        _JOINT,
        family="network, reconstruction",
        summary="encoder and head trained on labels and on reconstruction",
        paper="Jing et al., 2020",
        software=("torch",),
        takes_metric_loss=True,
    ),
    "consistency": Contender(
        "consistency",
        consistency,
        "images",
        _CONSISTENCY,
        family="network, pseudo-labels",
        summary="labels, and confident pseudo-labels across two views of an image",
        paper="Sohn et al., 2020",
        software=("torch",),
        note=_CONSISTENCY_NOTE,
    ),
    "propagate": Contender(
        "propagate",
        propagate,
        "images",
        _PROPAGATE,
        family="network, pseudo-labels",
        summary="Poisson learning gives pseudo-labels, then consistency training",
        paper="Calder et al., 2020; Sohn et al., 2020",
        software=_GRAPH,
        note=_CONSISTENCY_NOTE,
    ),
    "propagate-prior": Contender(
        "propagate_prior",
        propagate_prior,
        "images",
        {**_PROPAGATE, **_PRIOR},
        family="network, pseudo-labels",
        summary="the same, assuming that classes are about equally common",
        paper="Calder et al., 2020; Sohn et al., 2020",
        software=_GRAPH,
        note=f"{_CONSISTENCY_NOTE}; {_PRIOR_NOTE}",
    ),
}

# networks trained from scratch
_SUPERVISED = Contender(
    "supervised",
    supervised,
    "images",
    _TRAINING,
    family="network, labels only",
    summary="the same encoder from scratch, on the labels alone",
    software=("torch",),
)
_FROM_SCRATCH: dict[str, Contender] = {
    "supervised": _SUPERVISED,
    "supervised-irmae": replace(
        _SUPERVISED,
        settings={**_TRAINING, "learning_rate": 4e-3, "depth": 8},
        summary="the same with a linear stack between encoder and head",
        paper="Jing et al., 2020",
    ),
    "supervised-augment": replace(
        _SUPERVISED,
        settings={**_TRAINING, "learning_rate": 2e-3, "views": "strong"},
        summary="the same on strongly augmented images",
    ),
    "vib": Contender(
        "vib",
        vib,
        "images",
        {**_TRAINING, "learning_rate": 3e-3, "beta": 1e-3},
        family="network, bottleneck",
        summary="from scratch with a variational information bottleneck",
        paper="Alemi et al., 2017",
        software=("torch",),
        note=_VIB_NOTE,
    ),
    "scratch-consistency": replace(_LEARNERS["consistency"], settings={**_CONSISTENCY, "learning_rate": 1e-3}),
    "scratch-propagate": replace(_LEARNERS["propagate"], settings={**_PROPAGATE, "learning_rate": 3e-4}),
    "scratch-propagate-prior": replace(
        _LEARNERS["propagate-prior"], settings={**_PROPAGATE, **_PRIOR, "learning_rate": 3e-4}
    ),
}


def contenders_of(encoder: str) -> dict[str, Contender]:
    """Return the contenders of a pretrained encoder: ``NAME-linear``, ``NAME-features-linear``, ``NAME-joint``, ..."""
    on_code = {f"{encoder}-{name}": c for name, c in _READOUTS.items()}
    on_features = {f"{encoder}-features-{name}": replace(c, reads="features") for name, c in _READOUTS.items()}
    trained = {f"{encoder}-{name}": c for name, c in _LEARNERS.items()}
    every = {**on_code, **on_features, **trained}
    return {name: replace(contender, representation=encoder) for name, contender in every.items()}


def _without_features(contenders: dict[str, Contender]) -> dict[str, Contender]:
    """Leave out contenders that read features, which for an AE and a VAE are the code."""
    return {name: c for name, c in contenders.items() if c.reads != "features"}


CONTENDERS: dict[str, Contender] = {
    **contenders_of("irmae"),
    **_without_features(contenders_of("ae")),
    **_without_features(contenders_of("vae")),
    **{
        f"{floor}-{name}": replace(c, representation=floor)
        for floor in ("pixels", "pca", "random")
        for name, c in _READOUTS.items()
    },
    **_FROM_SCRATCH,
}
SETTING_GROUPS: dict[str, tuple[str, ...]] = {
    **{
        group: tuple(n for n in CONTENDERS if n.endswith(f"-{group}") and n not in _FROM_SCRATCH)
        for group in (*_READOUTS, *_LEARNERS)
    },
    **{name: (name,) for name in _FROM_SCRATCH},
}
"""The contenders that share one choice of settings: a readout on all representations, a learner from all encoders."""

DEFAULT = (
    "irmae-linear",
    "irmae-joint",
    "ae-linear",
    "ae-joint",
    "vae-linear",
    "vae-joint",
    "supervised",
    "vib",
)
"""What ``evaluate`` runs by default: the eight that a first look needs."""

DEFAULT_BASELINE = "supervised"
"""The contender that is subtracted unless another is chosen, if it is run."""

READOUT_NOTES: dict[str, str] = {c.readout: c.note for c in CONTENDERS.values() if c.note}
"""What a reader of a table needs to know, by the id of the readout."""


def choose(names: list[str], known: Mapping[str, Contender]) -> dict[str, Contender]:
    """Pick contenders by name, in the order given.

    Raises:
        UserError: If a name is unknown; it lists the known ones and the nearest.
    """
    for name in names:
        if name not in known:
            raise unknown_name("contender", name, known)
    return {name: known[name] for name in names}
