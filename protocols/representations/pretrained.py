"""Which pretrained encoders a protocol uses: bundled, the user's own, or pretrained quickly on the spot."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs
import torch

from ssl_irmae._support.compute import find_precision
from ssl_irmae.architecture import Architecture
from ssl_irmae.encoders.encoder import BUNDLED, WEIGHTS, Encoder, find_encoder, list_bundled, read_config, weights_hash
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.run_folder import Run, make_run
from ssl_irmae.protocols.contenders.registry import CONTENDERS, Contender, contenders_of
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.task import Data

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
        pretrain_seed: Of its pretraining, if its card tells.
        quick: Whether it was pretrained for a few steps on the spot.
        pretraining: How it was pretrained, in words without the seed, if its card tells.
        data_fingerprint: Of the images it was pretrained on, if its card tells.
    """

    name: str
    hash: str
    architecture: Architecture
    folder: Path
    pretrain_seed: int | None = None
    quick: bool = False
    pretraining: str | None = None
    data_fingerprint: str | None = None

    def noting_other_data(self, data: Data) -> Self:
        """Add to the words on its pretraining where its card names other data than these, or none.

        Other data are images or labels that differ from these training images and their labels in anything.
        """
        if self.data_fingerprint == data.source_fingerprint:
            return self
        which = (
            f"names other data ({self.data_fingerprint[:12]})" if self.data_fingerprint else "does not name its data"
        )
        return dataclasses.replace(self, pretraining="; ".join(filter(None, (self.pretraining, f"its card {which}"))))

    def reads(self, channels: int, image_size: int) -> bool:
        """Say whether it reads images of this kind as they are."""
        return (self.architecture.channels, self.architecture.image_size) == (channels, image_size)

    def load(self) -> Encoder:
        """Load it, afresh at every call."""
        return Encoder.from_pretrained(self.folder)


def open_encoder(name: str, name_or_path: str | Path) -> PretrainedEncoder:
    """Refer to an encoder on disk by the name that contenders use for it.

    Raises:
        UserError: If there is no such encoder.
    """
    folder = find_encoder(name_or_path)
    config = read_config(folder)
    card, a = config.card, config.architecture
    told = None
    if "steps" in card:
        depth = "" if a.depth is None else f" of depth {a.depth}"
        told = (
            f"{a.method}{depth}, {card['steps']:,} steps of {card['batch_size']} images, learning rate "
            f"{card['learning_rate']:g}, {card['precision']}"
        )
    return PretrainedEncoder(
        name,
        weights_hash(folder),
        a,
        folder,
        card.get("seed"),
        pretraining=told,
        data_fingerprint=card.get("data_fingerprint"),
    )


def own_encoders(paths: Iterable[str], seeds: Sequence[int] = ()) -> dict[str, tuple[PretrainedEncoder, ...]]:
    """Open the encoders that the user names, each under the last part of its path.

    Args:
        paths: Folders; with several pretraining seeds, each has ``{seed}`` in the place of the seed.
        seeds: Of the pretraining; empty for one encoder a path.

    Raises:
        UserError: If one does not exist, or two would share a name, or one would hide a method's; if ``{seed}`` is
            missing where seeds are given, or the other way round.
    """
    encoders: dict[str, tuple[PretrainedEncoder, ...]] = {}
    for path in paths:
        if ("{seed}" in path) != bool(seeds):
            raise UserError(
                f"--encoder {path}: with --pretrain-seeds, and only then, write {{seed}} where the folders differ, "
                "such as runs/mine-{seed}"
            )
        name = Path(path).name.replace("{seed}", "").strip("-_.") or "own"
        if name in encoders or CONTENDERS.keys() & contenders_of(name).keys():
            raise UserError(f"--encoder {path}: the name {name!r} is taken: rename the folder")
        folders = [path.replace("{seed}", str(seed)) for seed in seeds] or [path]
        encoders[name] = tuple(open_encoder(name, folder) for folder in folders)
        told = [encoder.pretrain_seed for encoder in encoders[name]]
        if seeds and told != list(seeds):
            raise UserError(f"--encoder {path}: the cards tell pretraining seeds {told}, not {list(seeds)}")
    return encoders


def needed_methods(contenders: Iterable[Contender]) -> list[str]:
    """List the pretrained encoders that contenders name, once each, in order."""
    return list(dict.fromkeys(c.encoder for c in contenders if c.encoder is not None and c.encoder not in FLOORS))


def encoder_of_method(
    method: str,
    data: Data,
    *,
    dataset: str,
    device: torch.device,
    data_dir: Path | None,
    train: Train,
    seed: int | None = None,
) -> PretrainedEncoder:
    """Find the bundled encoder of a method for a data set, or pretrain one quickly and keep it in the user's cache.

    Args:
        method: ``"irmae"``, ``"ae"`` or ``"vae"``.
        data: What it will encode; a bundled encoder is used if it was pretrained on these very images and reads them
            at this size.
        dataset: A name, or a path to the user's own images.
        device: Where to pretrain.
        data_dir: Where data are kept.
        train: Called with a run that is not finished.
        seed: Of the pretraining; None takes the bundled encoder, or seed 0.
    """
    channels, size = data.train.images.shape[1:3]
    bundled = BUNDLED / f"{data.train.name}-{method}"
    if bundled.name in list_bundled() and seed is None:
        found = open_encoder(method, bundled)
        if found.data_fingerprint == data.source_fingerprint and found.reads(channels, size):
            return found
    precision = find_precision("auto", device)
    kind = f"{channels}x{size}-{precision}-{device.type}{f'-seed{seed}' if seed else ''}"
    name = f"{data.train.name}-{method}-{data.source_fingerprint[:12]}-{kind}"
    folder = platformdirs.user_cache_path("ssl-irmae") / "encoders" / name
    if not (folder / WEIGHTS).is_file() or read_config(folder).card["steps"] < QUICK_STEPS:
        run = make_run(
            folder,
            architecture=lambda *_: Architecture.reference(method=method, channels=channels, image_size=size),
            dataset=dataset,
            image_size=size,
            batch_size=32,
            learning_rate=_QUICK_LEARNING_RATE,
            precision=precision,
            device=str(device),
            seed=seed or 0,
            data_dir=data_dir,
        )
        train(run, QUICK_STEPS)
    return dataclasses.replace(open_encoder(method, folder), quick=True)
