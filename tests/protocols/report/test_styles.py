"""How contenders are told apart: colour is the representation, dashes the family of readouts."""

import itertools

from matplotlib.colors import to_hex

from ssl_irmae.protocols.contenders.contender import Family
from ssl_irmae.protocols.contenders.registry import CONTENDERS
from ssl_irmae.protocols.report.styles import DASHES, group_by_representation, styles_of
from tests.protocols.conftest import MakeRow

READOUTS: dict[str, Family] = {"linear": "linear", "knn": "neighbours", "centroid": "neighbours", "poisson": "graph"}


def test_colour_is_the_representation_and_dashes_are_the_family(make_row: MakeRow) -> None:
    rows = [
        make_row(f"{representation}-{readout}", 0, 1.0, representation=representation, reads="code", family=family)
        for representation in ("irmae", "pixels", "one-of-mine")
        for readout, family in READOUTS.items()
    ]
    styles = styles_of(rows)
    for a, b in itertools.combinations(rows, 2):
        left, right = styles[a.contender], styles[b.contender]
        assert (left.light == right.light) == (left.dark == right.dark) == (a.representation == b.representation)
        assert (left.dash == right.dash) == (a.family == b.family)
        if a.representation == b.representation:
            assert (left.dash, left.marker) != (right.dash, right.marker)
    assert styles["irmae-linear"].dash == ()
    assert to_hex(styles["irmae-knn"].light) == styles["irmae-knn"].light


def test_every_family_of_the_registry_has_dashes() -> None:
    assert {contender.family for contender in CONTENDERS.values()} <= DASHES.keys()


def test_an_unknown_family_is_drawn_as_other(make_row: MakeRow) -> None:
    style = styles_of([make_row("a", 0, 1.0, family="from a later version")])["a"]
    assert style.family == "other"
    assert style.dash == DASHES["other"]


def test_only_what_a_name_does_not_say_is_marked(make_row: MakeRow) -> None:
    rows = [
        make_row("plain", 0, 1.0, reads="code"),
        make_row("graph", 0, 1.0, transductive=True),
        make_row("irmae-poisson-transductive", 0, 1.0, representation="irmae", transductive=True, test_peeks=50),
        make_row("mine-features-spread-transductive", 0, 1.0, representation="mine", transductive=True),
        # names that a user gave
        make_row("not-transductive-but-fast", 0, 1.0, representation="irmae", transductive=True),
        make_row("leaky-relu", 0, 1.0, test_peeks=50),
    ]
    styles = styles_of(rows)
    assert [styles[row.contender].marked(row.contender) for row in rows] == [
        "plain",
        "graph (transductive)",
        "irmae-poisson-transductive (leaky)",
        "mine-features-spread-transductive",
        "not-transductive-but-fast (transductive)",
        "leaky-relu (leaky)",
    ]
    assert styles["plain"].frozen
    assert not styles["graph"].frozen


def test_names_in_the_registry_say_what_is_transductive() -> None:
    assert {name for name in CONTENDERS if "transductive" in name} == {
        name for name, contender in CONTENDERS.items() if contender.transductive
    }


def test_contenders_are_grouped_by_representation(make_row: MakeRow) -> None:
    rows = [make_row("a-linear", 0, 1.0, representation="a"), make_row("supervised", 0, 1.0)]
    rows.append(make_row("a-knn", 0, 1.0, representation="a"))
    assert group_by_representation(styles_of(rows)) == {"a": ["a-linear", "a-knn"], "scratch": ["supervised"]}
