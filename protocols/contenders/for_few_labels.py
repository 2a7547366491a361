"""Which contender a number of labels calls for, when nobody has a test set to choose with."""

from collections.abc import Mapping

from ssl_irmae.protocols.contenders.contender import Contender

_FROZEN = {"propagate": "poisson", "propagate_prior": "poisson_prior"}
"""By the readout of a contender that trains a network: the readout of frozen codes that is most like it."""

USUAL_BECAUSE = "the fewest errors with about so many labels per class on development images of MNIST and Fashion-MNIST"


def usual_readout(labels: int, classes: int) -> str:
    """Return the readout that makes the fewest errors on development images with about so many labels per class.

    Args:
        labels: Number of labels.
        classes: Number of classes.
    """
    raise NotImplementedError


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
