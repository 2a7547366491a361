"""Which contender a number of labels calls for, when nobody has a test set to choose with."""

from collections.abc import Mapping

from ssl_irmae.errors import UserError, unknown_name
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.on_codes import READOUTS
from ssl_irmae.protocols.contenders.registry import CONTENDERS, contenders_of
from ssl_irmae.protocols.contenders.trained import FROM_ENCODER, FROM_SCRATCH

_FROZEN = {"propagate": "poisson", "propagate_prior": "poisson_prior"}
"""By the readout of a contender that trains a network: the readout of frozen codes that is most like it."""

_MANY = 20  # labels per class
_STEPS = 300


def usual_readout(labels: int, classes: int) -> str:
    """Return what a number of labels calls for, on codes or on pixels.

    On development images (docs/results/few-labels) with up to 10 labels per class, networks made fewer errors than
    Poisson learning on MNIST and more on Fashion-MNIST, and took a hundred times as long; with 50 labels per class
    consistency training made fewer on both. ``poisson-prior`` and ``propagate-prior`` are never usual: they assume
    that classes are about equally common.

    Args:
        labels: Number of labels.
        classes: Number of classes.

    >>> usual_readout(100, 10), usual_readout(1000, 10)
    ('poisson', 'consistency')
    """
    return "consistency" if labels >= _MANY * classes else "poisson"


def contenders_for_few_labels(encoder: str) -> dict[str, Contender]:
    """Return every contender whose classifier can be kept, by name, those of an encoder among them.

    Networks are trained three times as long as where many contenders are compared.
    """
    every = {**CONTENDERS, **contenders_of(encoder)}
    sources = (None, encoder, "pixels", "pca")
    # a linear stack of its own is not folded when it is kept
    kept = {name: c for name, c in every.items() if not c.transductive and "depth" not in c.settings}
    return {name: c.with_steps(_STEPS) for name, c in kept.items() if c.representation in sources}


def on_representation(representation: str, readout: str, known: Mapping[str, Contender]) -> str:
    """Name the contender of a readout on a representation; a network that starts from pixels starts from scratch."""
    return next(name for name in (f"{representation}-{readout}", f"scratch-{readout}") if name in known)


def frozen_counterpart(name: str, known: Mapping[str, Contender]) -> str:
    """Name the contender on frozen codes that stands in for another where fitting it many times would take long.

    A frozen contender stands in for itself, and for a network from scratch the codes are pixels.
    """
    contender = known[name]
    if contender.frozen:
        return name
    readout = _FROZEN.get(contender.readout, "linear_probe")
    representation = contender.representation or "pixels"
    return next(
        other
        for other, c in known.items()
        if c.representation == representation and c.readout == readout and c.reads == "code"
    )


def from_scratch(learner: str) -> bool:
    """Return whether a learner starts from nothing, so that no encoder is needed."""
    return learner in FROM_SCRATCH


def contender_of(representation: str, *, readout: str | None, learner: str | None) -> str:
    """Name the contender of a readout on a representation, or of a learner that starts from it or from nothing.

    Args:
        representation: Its name, as contenders use it.
        readout: Name of a readout.
        learner: Name of a learner, if there is no readout.

    Raises:
        UserError: If there are both, or the name is unknown or that of a readout whose classifier cannot be kept.

    >>> contender_of("mine", readout="knn", learner=None), contender_of("mine", readout=None, learner="vib")
    ('mine-knn', 'vib')
    """
    if readout is not None and learner is not None:
        raise UserError(
            f"`readout` {readout!r} and `learner` {learner!r}: labels are learned from once; give one of them"
        )
    readouts = [name for name, contender in READOUTS.items() if not contender.transductive]
    learners = [name for name, c in {**FROM_ENCODER, **FROM_SCRATCH}.items() if "depth" not in c.settings]
    kind, name, names = ("readout", readout, readouts) if learner is None else ("learner", learner, learners)
    other, others = ("learner", learners) if learner is None else ("readout", readouts)
    if name in others:
        raise UserError(f"`{kind}`: {name!r} is a {other}: give it as `{other}`")
    if name not in names:
        raise unknown_name(kind, str(name), names)
    return name if name in FROM_SCRATCH else f"{representation}-{name}"
