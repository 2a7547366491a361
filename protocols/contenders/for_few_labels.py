"""Which contender a number of labels calls for, when nobody has a test set to choose with."""

from collections.abc import Mapping

from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.registry import CONTENDERS, contenders_of

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
