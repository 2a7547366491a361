"""Which contender a number of labels calls for, when nobody has a test set to choose with."""

from collections.abc import Mapping

from ssl_irmae.protocols.contenders.contender import Contender

_FROZEN = {"propagate": "poisson", "propagate_prior": "poisson_prior"}
"""By the readout of a contender that trains a network: the readout of frozen codes that is most like it."""

_MANY = 20  # labels per class


def usual_readouts(labels: int, classes: int) -> tuple[str, ...]:
    """Return the readouts that a number of labels calls for, the usual one first.

    On development images of MNIST and Fashion-MNIST, Poisson learning made the fewest errors with few labels. From
    about 20 labels per class on, logistic regression did on one of the two sets, and there are enough labels for
    cross-validation to tell (docs/results/few-labels).

    Args:
        labels: Number of labels.
        classes: Number of classes.

    >>> usual_readouts(10, 10), usual_readouts(500, 10)
    (('poisson',), ('poisson', 'linear'))
    """
    return ("poisson", "linear") if labels >= _MANY * classes else ("poisson",)


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


def can_be_kept(contender: Contender) -> bool:
    """Return whether its classifier can be kept for pictures that come later."""
    return not contender.transductive
