"""The rows of the table: each a representation with a readout, or an end-to-end learner, with its fixed settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ssl_irmae.errors import unknown_name
from ssl_irmae.protocols.readouts import Predictor
from ssl_irmae.protocols.readouts.joint import joint
from ssl_irmae.protocols.readouts.linear_probe import linear_probe
from ssl_irmae.protocols.readouts.supervised import supervised
from ssl_irmae.protocols.readouts.vib import vib

Reads = Literal["code", "features", "images"]
Setting = int | float

# Fixed beforehand on held-out training images, never on test images, from four candidates for every contender:
# docs/results/settings/choose.py runs them and checks that these are the winners.
_TRAINING: dict[str, Setting] = {"steps": 100, "batch_size": 32, "learning_rate": 1e-3}
_JOINT: dict[str, Setting] = {**_TRAINING, "unlabelled_batch_size": 16, "reconstruction_weight": 1.0}
_LINEAR: dict[str, Setting] = {"C": 0.1, "max_iter": 1000}


@dataclass(frozen=True)
class Contender:
    """One row of the table.

    Args:
        readout: Called with a sample, the pretrained autoencoder if it starts from one, and the settings.
        reads: What the readout is given: a frozen encoder's ``"code"`` or ``"features"``, or ``"images"``.
        settings: Fixed beforehand, passed by name.
        encoder: The method of the pretrained encoder, or the name of the user's own; None for learning from scratch.
        deterministic: Whether the readout makes no random choice, so that repeating it on one subset shows nothing.
    """

    readout: Callable[..., Predictor]
    reads: Reads
    settings: Mapping[str, Setting]
    encoder: str | None = None
    deterministic: bool = False

    @property
    def frozen(self) -> bool:
        """Whether the encoder is used as it is, so that images are encoded once for all trials."""
        return self.reads != "images"


_linear = Contender(linear_probe, "code", _LINEAR, deterministic=True)
_joint = Contender(joint, "images", _JOINT)

CONTENDERS: dict[str, Contender] = {
    "irmae-linear": replace(_linear, encoder="irmae"),
    "irmae-joint": replace(_joint, encoder="irmae", settings={**_JOINT, "reconstruction_weight": 10.0}),
    "ae-linear": replace(_linear, encoder="ae"),
    "ae-joint": replace(_joint, encoder="ae"),
    "vae-linear": replace(_linear, encoder="vae"),
    "vae-joint": replace(_joint, encoder="vae"),
    "supervised": Contender(supervised, "images", {**_TRAINING, "learning_rate": 2e-3}),
    "vib": Contender(vib, "images", {**_TRAINING, "learning_rate": 3e-3, "beta": 1e-3}),
}


def contenders_of(encoder: str) -> dict[str, Contender]:
    """Name the contenders that a pretrained encoder of the user's own brings: ``NAME-linear`` and ``NAME-joint``."""
    return {
        f"{encoder}-linear": replace(_linear, encoder=encoder),
        f"{encoder}-joint": replace(_joint, encoder=encoder),
    }


def choose(names: list[str], known: Mapping[str, Contender]) -> dict[str, Contender]:
    """Pick contenders by name, in the order given.

    Raises:
        UserError: If a name is unknown; it lists the known ones and the nearest.
    """
    for name in names:
        if name not in known:
            raise unknown_name("contender", name, known)
    return {name: known[name] for name in names}


def call_readout(contender: Contender, sample: Any, autoencoder: Any) -> Predictor:
    """Run a contender's readout with its settings."""
    start = () if contender.frozen or contender.encoder is None else (autoencoder,)
    return contender.readout(sample, *start, **contender.settings)
