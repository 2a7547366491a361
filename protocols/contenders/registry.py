"""Every contender by name."""

import difflib
from collections.abc import Mapping
from dataclasses import replace

from ssl_irmae.errors import UserError
from ssl_irmae.plugins.lookup import unknown_with_plugins
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.fused import FUSED_CONTENDERS
from ssl_irmae.protocols.contenders.on_codes import READOUTS
from ssl_irmae.protocols.contenders.trained import FROM_ENCODER, FROM_SCRATCH


def contenders_of(encoder: str) -> dict[str, Contender]:
    """Return the contenders of a pretrained encoder: ``NAME-linear``, ``NAME-features-linear``, ``NAME-joint``, ..."""
    on_code = {f"{encoder}-{name}": c for name, c in READOUTS.items()}
    on_features = {f"{encoder}-features-{name}": replace(c, reads="features") for name, c in READOUTS.items()}
    trained = {f"{encoder}-{name}": c for name, c in FROM_ENCODER.items()}
    every = {**on_code, **on_features, **trained}
    return {name: replace(contender, representation=encoder) for name, contender in every.items()}


def contenders_of_codes(name: str) -> dict[str, Contender]:
    """Return the contenders of codes that were not made here, which have readouts alone: ``NAME-linear``, ..."""
    return {each: contender for each, contender in contenders_of(name).items() if contender.reads == "code"}


def _without_features(contenders: dict[str, Contender]) -> dict[str, Contender]:
    """Leave out contenders that read features, which for an AE and a VAE are the code."""
    return {name: c for name, c in contenders.items() if c.reads != "features"}


_FLOORS = ("pixels", "pca", "random")
CONTENDERS: dict[str, Contender] = {
    **contenders_of("irmae"),
    **_without_features(contenders_of("ae")),
    **_without_features(contenders_of("vae")),
    **FUSED_CONTENDERS,
    **{f"{floor}-{name}": replace(c, representation=floor) for floor in _FLOORS for name, c in READOUTS.items()},
    **FROM_SCRATCH,
}
# pixels alone are wide enough for the regression along principal axes, which differs from the one before in last digits
CONTENDERS["pixels-linear"] = replace(CONTENDERS["pixels-linear"], revision=3)
_ALONE = {*FUSED_CONTENDERS, "supervised-residual"}  # the candidates of docs/results/settings are not theirs
SETTING_GROUPS: dict[str, tuple[str, ...]] = {
    **{
        group: tuple(n for n in CONTENDERS if n.endswith(f"-{group}") and n not in {*FROM_SCRATCH, *_ALONE})
        for group in (*READOUTS, *FROM_ENCODER)
    },
    **{name: (name,) for name in FROM_SCRATCH if name not in _ALONE},
}
"""The contenders that share one choice of settings: a readout on all representations, a learner from all encoders."""
# transductive readouts have the settings of the inductive ones
_GROUPS = {name: group.removesuffix("-transductive") for group, names in SETTING_GROUPS.items() for name in names}
_GROUPS |= {name: name for name in _ALONE}


def setting_group(contender: str, representation: str | None) -> str | None:
    """Return the group whose settings a contender has; None if it is not one of ours.

    Args:
        contender: Its name; contenders of a user's encoder have the settings of ours.
        representation: Name of its representation.

    >>> setting_group("mine-features-linear", "mine"), setting_group("my-readout", None)
    ('linear', None)
    """
    name = contender if representation is None else f"irmae{contender.removeprefix(representation)}"
    return _GROUPS.get(contender, _GROUPS.get(name))


DEFAULT = (
    "irmae-linear",
    "irmae-joint",
    "irmae-poisson-prior",
    "ae-linear",
    "ae-joint",
    "vae-linear",
    "vae-joint",
    "supervised",
    "vib",
    "pixels-linear",
    "pixels-poisson-prior",
)
"""What ``evaluate`` runs by default: what a first look needs, with two floors that pretraining has to beat."""

DEFAULT_OF_ENCODER = ("linear", "joint", "poisson-prior")
"""What of an encoder that the user names joins the default contenders: no floor's readout lacks its counterpart."""

DEFAULT_OF_CODES = tuple(name for name, contender in READOUTS.items() if not contender.transductive)
"""What of codes that were not made here joins the default contenders."""

DEFAULT_BASELINE = "supervised"
"""The contender that is subtracted unless another is chosen, if it is run."""

READOUT_NOTES: dict[str, str] = {c.readout: c.note for c in CONTENDERS.values() if c.note}
"""What a reader of a table needs to know, by the id of the readout."""


def choose(names: list[str], known: Mapping[str, Contender]) -> dict[str, Contender]:
    """Pick contenders by name, in the order given.

    Raises:
        UserError: If a name is unknown; it lists the known ones and the nearest, or says why a floor has no such row.
    """
    for name in names:
        if name not in known:
            floor, _, learner = name.partition("+")[0].partition("-")
            if floor in _FLOORS and learner in FROM_ENCODER:
                raise UserError(
                    f"unknown contender {name!r}: {learner} trains a pretrained encoder further, not {floor}; "
                    f"take for example irmae{name.removeprefix(floor)}"
                )
            if any(other.startswith(f"{name}-") for other in known):
                raise UserError(
                    f"unknown contender {name!r}: name what learns from it too, such as {name}-linear, or all by "
                    f"'{name}-*'"
                )
            sources = sorted({other.partition("-")[0] for other in known})
            readout = name.removeprefix(f"{floor}-")
            if not difflib.get_close_matches(floor, sources, n=1) and f"irmae-{readout}" in CONTENDERS:
                raise UserError(
                    f"unknown contender {name!r}: no encoder and no codes are called {floor!r} here: name their folder "
                    "or file too"
                )
            raise unknown_with_plugins("contender", name, known)
    return {name: known[name] for name in names}
