"""How contenders are told apart in figures: colour is the representation, line style the family of readouts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ssl_irmae.protocols.contenders.registry import contenders_of
from ssl_irmae.protocols.storage.rows import Row

Marker = Literal["circle", "square", "triangle", "diamond", "plus", "down"]

# Okabe and Ito (2008), "Color universal design": distinguishable by colour-blind readers. Each on white and on black.
_COLOURS = {
    "irmae": ("#0072b2", "#5ab4f0"),
    "ae": ("#d07c00", "#f0b040"),
    "vae": ("#009e73", "#2fcf9f"),
    "fused": ("#000000", "#ffffff"),
    "pixels": ("#7a7a7a", "#a8a8a8"),
    "pca": ("#3597d2", "#9fd8ff"),
    "random": ("#b8608f", "#e59fc6"),
    "scratch": ("#c84a00", "#ff8a4a"),
}
# for the user's encoders: Tol (2021), "Colour schemes", muted
_OTHER_COLOURS = (("#332288", "#a99bff"), ("#7a7a00", "#d8d850"), ("#882255", "#e07fb0"), ("#225522", "#7fc97f"))
_MARKERS: tuple[Marker, ...] = ("circle", "square", "triangle", "diamond", "down", "plus")

DASHES: dict[str, tuple[float, ...]] = {
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
"""For each family of readouts the lengths of dash and gap, in line widths; () is a solid line."""


@dataclass(frozen=True)
class Style:
    """How one contender is drawn.

    Args:
        representation: The encoder's name, ``"fused"``, ``"pixels"``, ``"pca"``, ``"random"``, or ``"scratch"``.
        family: Family of the readout or learner: a key of :data:`DASHES`.
        frozen: Whether the representation is read as it is, rather than trained with the labels.
        transductive: Whether the readout looked at the scored images.
        leaky: Whether its error is the best of several looks at the scored labels.
        says_transductive: Whether the registry gave it its name, which then says that it is transductive.
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
    says_transductive: bool
    light: str
    dark: str
    dash: tuple[float, ...]
    marker: Marker

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader must not overlook about the contender."""
        kinds = {"transductive": self.transductive, "leaky": self.leaky}
        return tuple(kind for kind, applies in kinds.items() if applies)

    def marked(self, name: str) -> str:
        """Write a contender's name with what a reader must not overlook, unless the name says so itself."""
        marks = [mark for mark in self.marks if not (mark == "transductive" and self.says_transductive)]
        return f"{name} ({', '.join(marks)})" if marks else name


def styles_of(rows: Iterable[Row]) -> dict[str, Style]:
    """Give every contender its style, in the order in which they appear."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.contender, row)
    others = [r for r in dict.fromkeys(_representation(row) for row in first.values()) if r not in _COLOURS]
    colours = _COLOURS | {name: _OTHER_COLOURS[i % len(_OTHER_COLOURS)] for i, name in enumerate(others)}
    styles: dict[str, Style] = {}
    used: dict[tuple[str, str], int] = {}
    for name, row in first.items():
        representation, family = _representation(row), row.family if row.family in DASHES else "other"
        n = used.get((representation, family), 0)
        used[representation, family] = n + 1
        styles[name] = Style(
            representation,
            family,
            row.reads != "images",
            row.transductive,
            row.test_peeks > 1,
            row.transductive and name in contenders_of(representation),
            *colours[representation],
            DASHES[family],
            _MARKERS[(list(DASHES).index(family) + n) % len(_MARKERS)],
        )
    return styles


def group_by_representation(styles: Mapping[str, Style]) -> dict[str, list[str]]:
    """List contenders by representation, in the order in which those appear."""
    groups: dict[str, list[str]] = {}
    for name, style in styles.items():
        groups.setdefault(style.representation, []).append(name)
    return groups


def _representation(row: Row) -> str:
    return row.representation or "scratch"
