"""How contenders are told apart: colour is the representation, line style the family of readouts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ssl_irmae.protocols.storage.rows import Row

Marker = Literal["circle", "square", "triangle", "diamond", "plus", "down"]

# Okabe and Ito (2008), "Color universal design": told apart by colour-blind readers. Each on white and on black.
_COLOURS = {
    "irmae": ("#0072b2", "#5ab4f0"),
    "ae": ("#d07c00", "#f0b040"),
    "vae": ("#009e73", "#2fcf9f"),
    "pixels": ("#7a7a7a", "#a8a8a8"),
    "pca": ("#3597d2", "#9fd8ff"),
    "random": ("#b8608f", "#e59fc6"),
    "scratch": ("#c84a00", "#ff8a4a"),
}
# for encoders of the user's own: Tol (2021), "Colour schemes", muted
_OTHERS = (("#332288", "#a99bff"), ("#7a7a00", "#d8d850"), ("#882255", "#e07fb0"), ("#225522", "#7fc97f"))
_MARKERS: tuple[Marker, ...] = ("circle", "square", "triangle", "diamond", "down", "plus")

FAMILIES: dict[str, tuple[float, ...]] = {
    "linear": (),
    "mlp": (6, 2),
    "neighbours": (1.2, 1.6),
    "graph": (6, 2, 1.2, 2),
    "network, labels only": (10, 2.5),
    "network, reconstruction": (3, 1.5),
    "network, pseudo-labels": (10, 2, 1.5, 2, 1.5, 2),
    "network, bottleneck": (1.2, 3),
    "other": (4, 3),
}
"""The families and the lengths of dash and gap, in line widths, that each is drawn with; () is a solid line."""

_WORDS = {
    "linear": ("linear",),
    "mlp": ("mlp",),
    "neighbours": ("nearest", "knn", "centroid", "metric"),
    "graph": ("spread", "poisson", "self_training", "self-training"),
    "network, pseudo-labels": ("consistency", "propagate"),
    "network, reconstruction": ("joint",),
    "network, bottleneck": ("vib",),
    "network, labels only": ("supervised", "finetune"),
}


@dataclass(frozen=True)
class Look:
    """How one contender is drawn.

    Args:
        representation: The encoder's name, a floor (``"pixels"``, ``"pca"``, ``"random"``), or ``"scratch"``.
        family: Of the readout: a key of ``FAMILIES``.
        frozen: Whether the representation is read as it is, rather than trained with the labels.
        transductive: Whether the readout looked at the scored images.
        leaky: Whether its error is the best of several looks at the scored labels.
        light: Colour on white.
        dark: Colour on black.
        dash: Lengths of dash and gap in line widths; () is solid.
        marker: Shape of the points, different for contenders that share colour and dash.
    """

    representation: str
    family: str
    frozen: bool
    transductive: bool
    leaky: bool
    light: str
    dark: str
    dash: tuple[float, ...]
    marker: Marker

    def marked(self, name: str) -> str:
        """Write a contender's name so that nobody takes it for what it is not."""
        kinds = ("transductive", self.transductive), ("leaky", self.leaky)
        marks = [kind for kind, applies in kinds if applies and kind not in name]
        return f"{name} ({', '.join(marks)})" if marks else name


def looks_of(rows: Iterable[Row]) -> dict[str, Look]:
    """Give every contender its look, in the order in which they appear."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.contender, row)
    own = [r for r in dict.fromkeys(_representation(row) for row in first.values()) if r not in _COLOURS]
    colours = _COLOURS | {name: _OTHERS[i % len(_OTHERS)] for i, name in enumerate(own)}
    looks: dict[str, Look] = {}
    used: dict[tuple[str, str], int] = {}
    for name, row in first.items():
        representation, family = _representation(row), _family(row)
        n = used.get((representation, family), 0)
        used[representation, family] = n + 1
        looks[name] = Look(
            representation,
            family,
            row.reads != "images",
            row.transductive,
            row.looks > 1,
            *colours[representation],
            FAMILIES[family],
            _MARKERS[(list(FAMILIES).index(family) + n) % len(_MARKERS)],
        )
    return looks


def grouped(looks: Mapping[str, Look]) -> dict[str, list[str]]:
    """List contenders by representation, in the order in which those appear."""
    groups: dict[str, list[str]] = {}
    for name, look in looks.items():
        groups.setdefault(look.representation, []).append(name)
    return groups


def _representation(row: Row) -> str:
    return row.encoder or "scratch"


def _family(row: Row) -> str:
    # the name comes second: a readout's function may be named after what its contenders share
    for text in (row.readout, row.contender):
        for family, words in _WORDS.items():
            if any(word in text for word in words):
                return family
    return "other"
