"""Which pretrained encoders a protocol uses: bundled, the user's own, or pretrained quickly on the spot."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ssl_irmae.datasets import SOURCES
from ssl_irmae.encoders import BUNDLED, Encoder, find_encoder, list_bundled, read_config, weights_hash
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders import CONTENDERS, Contender
from ssl_irmae.recipe import Architecture
from ssl_irmae.runs import Run, make_run

QUICK_STEPS = 600
_QUICK_LEARNING_RATE = 1e-3

Train = Callable[[Run, int], None]
"""Trains a run to so many optimiser steps and finishes it; the caller shows progress in it."""


@dataclass(frozen=True)
class PretrainedEncoder:
    """A pretrained encoder under the name that contenders use for it.

    Args:
        name: The method, or the name of the user's own.
        hash: Of weights and architecture.
        architecture: Which networks.
        folder: Where it lies.
    """

    name: str
    hash: str
    architecture: Architecture
    folder: Path

    def load(self) -> Encoder:
        """Load it, afresh at every call."""
        return Encoder.from_pretrained(self.folder)


def open_encoder(name: str, name_or_path: str | Path) -> PretrainedEncoder:
    """Refer to an encoder on disk by the name that contenders use for it.

    Raises:
        UserError: If there is no such encoder.
    """
    folder = find_encoder(name_or_path)
    return PretrainedEncoder(name, weights_hash(folder), read_config(folder).architecture, folder)


def own_encoders(paths: Iterable[str]) -> dict[str, PretrainedEncoder]:
    """Open the encoders that the user names, each under the last part of its path.

    Raises:
        UserError: If one does not exist, or two would share a name, or one would hide a method's.
    """
    encoders: dict[str, PretrainedEncoder] = {}
    taken = {contender.encoder for contender in CONTENDERS.values()}
    for path in paths:
        name = Path(path).name
        if name in encoders or name in taken or f"{name}-linear" in CONTENDERS:
            raise UserError(f"--encoder {path}: the name {name!r} is taken: rename the folder")
        encoders[name] = open_encoder(name, path)
    return encoders


def needed_methods(contenders: Iterable[Contender]) -> list[str]:
    """List the encoders that contenders name, once each, in order."""
    return list(dict.fromkeys(c.encoder for c in contenders if c.encoder is not None))


def encoder_of_method(
    method: str, *, dataset: str, fingerprint: str, device: str, data_dir: Path | None, train: Train
) -> PretrainedEncoder:
    """Find the bundled encoder of a method for a data set, or pretrain one quickly and keep it in the user's cache.

    Args:
        method: ``"irmae"``, ``"ae"`` or ``"vae"``.
        dataset: A name, or a path to the user's own images.
        fingerprint: Of the training images as they come, before resizing.
        device: Where to pretrain.
        data_dir: Where data are kept.
        train: Called with a run that is not finished.
    """
    bundled = f"{dataset}-{method}"
    if bundled in list_bundled() and read_config(BUNDLED / bundled).card.get("data_fingerprint") == fingerprint:
        return open_encoder(method, bundled)
    name = dataset if dataset in SOURCES else Path(dataset).stem
    folder = platformdirs.user_cache_path("ssl-irmae") / "encoders" / f"{name}-{method}-{fingerprint[:12]}"
    run = make_run(
        folder,
        architecture=lambda channels, size: Architecture.reference(method=method, channels=channels, image_size=size),
        dataset=dataset,
        image_size=None,
        batch_size=32,
        learning_rate=_QUICK_LEARNING_RATE,
        precision="auto",
        device=device,
        seed=0,
        data_dir=data_dir,
    )
    if not run.finished or run.resumed_at < QUICK_STEPS:
        train(run, QUICK_STEPS)
    return open_encoder(method, folder)
