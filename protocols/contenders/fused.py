"""Several encoders at once as contenders: readouts of the mean of their graphs, and learners from its labels."""

from dataclasses import replace

from ssl_irmae.protocols.contenders.contender import Contender, Setting
from ssl_irmae.protocols.contenders.on_codes import PRIOR_NOTE, READOUTS
from ssl_irmae.protocols.contenders.settings import FUSED_PRIOR, FUSED_PROPAGATE
from ssl_irmae.protocols.learners.fused import fused_propagate

FUSED: dict[str, tuple[str, ...]] = {"fused": ("irmae", "vae", "ae")}
"""Representations that stand for several pretrained encoders, whose codes stand side by side in this order."""

(_FUSED,) = FUSED
_PARTS: dict[str, Setting] = {"parts": len(FUSED[_FUSED])}
_NETWORK_NOTE = (
    "trains a residual network from scratch, not an encoder; from 100 labels on, the labelled images get a batch of "
    "their own in every step"
)
_NAMED_NOTE = "below five labels per class, labels only name the parts into which the graph falls without them"

ON_FUSED: dict[str, Contender] = {
    "poisson": replace(
        READOUTS["poisson"],
        settings={**READOUTS["poisson"].settings, **_PARTS},
        representation=_FUSED,
        summary="Poisson learning on the mean of the graphs of all three",
    ),
    "poisson-prior": replace(
        READOUTS["poisson-prior"],
        settings={**FUSED_PRIOR, **_PARTS},
        representation=_FUSED,
        summary="the same, with classes held to nearly equal shares; a few labels only name parts of the graph",
        note=f"{PRIOR_NOTE}; {_NAMED_NOTE}",
    ),
}
"""Readouts of frozen codes."""

FROM_FUSED: dict[str, Contender] = {
    "propagate": Contender(
        "fused_propagate",
        fused_propagate,
        "images",
        {**FUSED_PROPAGATE, **_PARTS},
        family="network, pseudo-labels",
        summary="labels spread along these graphs, then consistency training of a residual network from scratch",
        paper="Calder et al., 2020; Sohn et al., 2020; He et al., 2016",
        software=("torch", "numpy", "scipy"),
        representation=_FUSED,
        note=_NETWORK_NOTE,
    ),
    "propagate-prior": Contender(
        "fused_propagate_prior",
        fused_propagate,
        "images",
        {**FUSED_PROPAGATE, **_PARTS, **FUSED_PRIOR},
        family="network, pseudo-labels",
        summary="the same, assuming that classes are about equally common",
        paper="Calder et al., 2020; Sohn et al., 2020; He et al., 2016",
        software=("torch", "numpy", "scipy"),
        representation=_FUSED,
        note=f"{_NETWORK_NOTE}; {PRIOR_NOTE}; {_NAMED_NOTE}",
    ),
}
"""Networks trained on labels that are spread along the graph."""

FUSED_CONTENDERS: dict[str, Contender] = {
    f"{_FUSED}-{name}": contender for name, contender in {**ON_FUSED, **FROM_FUSED}.items()
}
