"""The rows of the table: each a representation with a readout, or an end-to-end learner, with its fixed settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ssl_irmae._support.extras import require
from ssl_irmae.errors import unknown_name
from ssl_irmae.protocols.learners.consistency import consistency
from ssl_irmae.protocols.learners.finetune import finetune
from ssl_irmae.protocols.learners.joint import joint
from ssl_irmae.protocols.learners.propagate import propagate, propagate_prior
from ssl_irmae.protocols.learners.supervised import supervised
from ssl_irmae.protocols.learners.vib import vib
from ssl_irmae.protocols.readouts import Predictor
from ssl_irmae.protocols.readouts.centroid import centroid
from ssl_irmae.protocols.readouts.knn import knn
from ssl_irmae.protocols.readouts.linear import linear_probe
from ssl_irmae.protocols.readouts.metric import metric
from ssl_irmae.protocols.readouts.mlp import mlp_head, mlp_heads
from ssl_irmae.protocols.readouts.poisson import (
    poisson,
    poisson_prior,
    poisson_prior_together,
    poisson_prior_transductive,
    poisson_prior_transductive_together,
    poisson_together,
    poisson_transductive,
    poisson_transductive_together,
)
from ssl_irmae.protocols.readouts.published_head import last_look, reference_head
from ssl_irmae.protocols.readouts.self_training import self_training
from ssl_irmae.protocols.readouts.spread import (
    spread,
    spread_together,
    spread_transductive,
    spread_transductive_together,
)

Reads = Literal["code", "features", "images"]
Setting = int | float | str


@dataclass(frozen=True)
class Contender:
    """One row of the table.

    Args:
        readout: Called with a sample, the pretrained autoencoder if it starts from one, and the settings.
        reads: What the readout is given: a frozen encoder's ``"code"`` or ``"features"``, or ``"images"``.
        settings: Fixed beforehand, passed by name.
        encoder: The method of the pretrained encoder, the name of the user's own, or a floor's (``"pixels"``,
            ``"pca"``, ``"random"``); None for learning from scratch.
        deterministic: Whether the readout makes no random choice, so that repeating it on one subset shows nothing.
        transductive: Whether the readout looks at the scored images, without labels, before it predicts them.
        looks: Above 1, the readout gives so many predictors and the best on the scored labels counts. That leaks; it
            is what the public reference script does, and there to be compared with.
        extra: The extra of the package that the readout needs, if any.
        note: What a reader of the table has to know about the readout, if anything: a clause.
        together: The readout for many samples that share everything but labels and seed, if that is faster than one by
            one: it returns the predictors that ``readout`` gives, in order, and what else is in the list must not
            matter to any of them.
    """

    readout: Callable[..., Predictor | Iterator[Predictor]]
    reads: Reads
    settings: Mapping[str, Setting]
    encoder: str | None = None
    deterministic: bool = False
    transductive: bool = False
    looks: int = 1
    extra: str | None = None
    note: str = ""
    together: Callable[..., Sequence[Predictor]] | None = None

    @property
    def deterministic_at_full_set(self) -> bool:
        """Whether it makes no random choice there: it may be that only what is unlabelled is drawn from."""
        return self.deterministic or self.readout is self_training

    @property
    def frozen(self) -> bool:
        """Whether the encoder is used as it is, so that images are encoded once for all trials."""
        return self.reads != "images"


# Fixed beforehand on held-out training images, never on test images, from four candidates for every family that has
# something to choose: docs/results/settings/choose.py runs them and checks that these are the winners.
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
_LINEAR_NOTE = (
    "where each class has five labels C is chosen by cross-validation inside the subset (on 2,000 of its examples "
    "where it has more), else it is the fixed one"
)
_MLP_NOTE = "as many steps at every budget, each of up to 100 labels, so that not all of 60,000 are seen"
_METRIC_NOTE = (
    "where a class has a single label nothing can be trained: there it is knn on the code; elsewhere as many "
    "steps at every budget, each of up to four labels a class, so that not all are seen where there are thousands"
)
_PRIOR_NOTE = "assumes, from no label, that classes are about equally common"
_CONSISTENCY_NOTE = "without reconstruction, whose weight is 0 unless told otherwise"
_VIB_NOTE = (
    "a code as wide as the reference encoder's (K = 128 for images of 32 x 32), one sample of it in training, its mean "
    "in prediction"
)
_TRANSDUCTIVE_NOTE = "looks at the scored images, without labels, before it predicts them"

# how labels become a classifier of frozen codes
_READOUTS: dict[str, Contender] = {
    "linear": Contender(linear_probe, "code", {"C": 0.01, "max_iter": 1000}, deterministic=True, note=_LINEAR_NOTE),
    "mlp": Contender(mlp_head, "code", _MLP, note=_MLP_NOTE, together=mlp_heads),
    "knn": Contender(knn, "code", {"k": 1}, deterministic=True),
    "centroid": Contender(centroid, "code", {}, deterministic=True),
    "metric": Contender(metric, "code", _METRIC, note=_METRIC_NOTE),
    "self-training": Contender(self_training, "code", _SELF_TRAINING),
    "spread": Contender(spread, "code", _SPREAD, deterministic=True, together=spread_together),
    "poisson": Contender(poisson, "code", _POISSON, deterministic=True, extra="graph", together=poisson_together),
    "poisson-prior": Contender(
        poisson_prior,
        "code",
        _PRIOR,
        deterministic=True,
        extra="graph",
        note=_PRIOR_NOTE,
        together=poisson_prior_together,
    ),
    "spread-transductive": Contender(
        spread_transductive,
        "code",
        _SPREAD,
        deterministic=True,
        transductive=True,
        note=_TRANSDUCTIVE_NOTE,
        together=spread_transductive_together,
    ),
    "poisson-transductive": Contender(
        poisson_transductive,
        "code",
        _POISSON,
        deterministic=True,
        transductive=True,
        extra="graph",
        note=_TRANSDUCTIVE_NOTE,
        together=poisson_transductive_together,
    ),
    "poisson-prior-transductive": Contender(
        poisson_prior_transductive,
        "code",
        _PRIOR,
        deterministic=True,
        transductive=True,
        extra="graph",
        note=f"{_PRIOR_NOTE}; {_TRANSDUCTIVE_NOTE}",
        together=poisson_prior_transductive_together,
    ),
}

# what is trained further from a pretrained encoder
_LEARNERS: dict[str, Contender] = {
    "finetune": Contender(finetune, "images", {**_TRAINING, "learning_rate": 3e-4}),
    "joint": Contender(joint, "images", _JOINT),
    "consistency": Contender(consistency, "images", _CONSISTENCY, note=_CONSISTENCY_NOTE),
    "propagate": Contender(propagate, "images", _PROPAGATE, extra="graph", note=_CONSISTENCY_NOTE),
    "propagate-prior": Contender(
        propagate_prior,
        "images",
        {**_PROPAGATE, **_PRIOR},
        extra="graph",
        note=f"{_CONSISTENCY_NOTE}; {_PRIOR_NOTE}",
    ),
}

# what is trained from scratch
_FROM_SCRATCH: dict[str, Contender] = {
    "supervised": Contender(supervised, "images", _TRAINING),
    "supervised-irmae": Contender(supervised, "images", {**_TRAINING, "learning_rate": 4e-3, "depth": 8}),
    "supervised-augment": Contender(supervised, "images", {**_TRAINING, "learning_rate": 2e-3, "views": "strong"}),
    "vib": Contender(vib, "images", {**_TRAINING, "learning_rate": 3e-3, "beta": 1e-3}, note=_VIB_NOTE),
    "scratch-consistency": Contender(consistency, "images", {**_CONSISTENCY, "learning_rate": 1e-3}),
    "scratch-propagate": Contender(propagate, "images", {**_PROPAGATE, "learning_rate": 3e-4}, extra="graph"),
    "scratch-propagate-prior": Contender(
        propagate_prior, "images", {**_PROPAGATE, **_PRIOR, "learning_rate": 3e-4}, extra="graph"
    ),
}


def contenders_of(encoder: str) -> dict[str, Contender]:
    """Name the contenders of a pretrained encoder: ``NAME-linear``, ``NAME-features-linear``, ``NAME-joint``, ..."""
    return {
        **{f"{encoder}-{name}": replace(c, encoder=encoder) for name, c in _READOUTS.items()},
        **{
            f"{encoder}-features-{name}": replace(c, encoder=encoder, reads="features") for name, c in _READOUTS.items()
        },
        **{f"{encoder}-{name}": replace(c, encoder=encoder) for name, c in _LEARNERS.items()},
    }


def _without_features(contenders: dict[str, Contender]) -> dict[str, Contender]:
    """Leave out what reads features: those of an AE and a VAE are their code, a floor has none."""
    return {name: c for name, c in contenders.items() if c.reads != "features"}


CONTENDERS: dict[str, Contender] = {
    **contenders_of("irmae"),
    **_without_features(contenders_of("ae")),
    **_without_features(contenders_of("vae")),
    **{
        f"{floor}-{name}": replace(c, encoder=floor)
        for floor in ("pixels", "pca", "random")
        for name, c in _READOUTS.items()
    },
    **_FROM_SCRATCH,
}
FAMILIES: dict[str, tuple[str, ...]] = {
    **{
        family: tuple(n for n in CONTENDERS if n.endswith(f"-{family}") and n not in _FROM_SCRATCH)
        for family in (*_READOUTS, *_LEARNERS)
    },
    **{name: (name,) for name in _FROM_SCRATCH},
}
"""The contenders that share one setting: a readout over all representations, or a learner over all encoders."""

_SCRIPT: dict[str, Setting] = {"epochs": 500, "batch_size": 100, "learning_rate": 1e-3}

REFERENCE_PROTOCOL: dict[str, Contender] = {
    f"{encoder}-{name}": contender
    for encoder in ("irmae", "ae", "vae")
    for name, contender in {
        "best-of-50-looks": Contender(reference_head, "features", _SCRIPT, encoder, looks=50),
        "last-look": Contender(last_look, "features", _SCRIPT, encoder),
    }.items()
}
"""What the public reference script does downstream, and the same without choosing the best look at the test labels."""

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
"""What `evaluate` runs unless told otherwise: the eight that a first look needs."""


def with_steps(contender: Contender, steps: int | None) -> Contender:
    """Give what is trained end to end a number of optimiser steps; heads on frozen codes keep theirs, as with None."""
    if steps is None or contender.frozen:
        return contender
    return replace(contender, settings={**contender.settings, "steps": steps})


def choose(names: list[str], known: Mapping[str, Contender]) -> dict[str, Contender]:
    """Pick contenders by name, in the order given.

    Raises:
        UserError: If a name is unknown (it lists the known ones and the nearest) or its extra is not installed.
    """
    for name in names:
        if name not in known:
            raise unknown_name("contender", name, known)
        extra = known[name].extra
        if extra is not None:
            require(extra, f"the contender {name}")
    return {name: known[name] for name in names}


def call_readouts(contender: Contender, samples: Sequence[Any], autoencoder: Any) -> Sequence[Any]:
    """Run a contender's readout on several samples, together if it can: what ``call_readout`` returns, for each."""
    if contender.together is not None:
        return contender.together(samples, **contender.settings)
    return [call_readout(contender, sample, autoencoder) for sample in samples]


def call_readout(contender: Contender, sample: Any, autoencoder: Any) -> Predictor | Iterator[Predictor]:
    """Run a contender's readout with its settings: a predictor, or one for each look at the scored labels."""
    start = () if contender.frozen or contender.encoder is None else (autoencoder,)
    return contender.readout(sample, *start, **contender.settings)
