"""Find the pretrained encoders of a protocol: bundled ones, the user's, or short ones pretrained on the spot."""

import contextlib
import dataclasses
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from ssl_irmae._support.compute import Precision, find_precision
from ssl_irmae._support.files import sha256
from ssl_irmae._support.home import home
from ssl_irmae._support.progress import Listener, silent
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.registry import Dataset
from ssl_irmae.encoders.code_scale import read_scale
from ssl_irmae.encoders.encoder import Encoder, read_config, weights_hash
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.encoders.files import BUNDLED, find_encoder, list_bundled
from ssl_irmae.encoders.kind import describe_other_kind, times_worse
from ssl_irmae.errors import UserError
from ssl_irmae.methods import METHODS, is_method
from ssl_irmae.networks.own import Pair
from ssl_irmae.networks.registry import DEFAULT, Network, function_of
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.fused import FUSED
from ssl_irmae.protocols.contenders.registry import CONTENDERS, contenders_of
from ssl_irmae.protocols.readouts.scaling import Scaling
from ssl_irmae.protocols.representations.brief_pretraining import (
    brief_architecture,
    brief_folder,
    brief_steps,
    is_pretrained,
    pretrain_briefly,
)
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.representations.representation import Encode
from ssl_irmae.protocols.storage.rows import Pretraining
from ssl_irmae.protocols.task import Task

_FEW = 1  # the shortest pretraining of the recipe, and the stack that fits it, however many images there are
QUICK_STEPS = brief_steps(_FEW)


@dataclass(frozen=True)
class OpenedEncoder:
    """A pretrained encoder under the name that contenders use for it.

    Args:
        name: The method, or the name of the user's encoder.
        hash: SHA-256 of weights and architecture and, where these are of a plug-in, of its code as it is now.
        architecture: Shape of the networks.
        folder: Folder with its files.
        pretraining: How it was pretrained, as far as its card records it.
        pretrain_seed: Seed of its pretraining, if its card records one.
        quick: Whether it was pretrained for a few steps on the spot.
        data_fingerprint: Fingerprint of the images it was pretrained on, if its card records one.
    """

    name: str
    hash: str
    architecture: Architecture
    folder: Path
    pretraining: Pretraining
    pretrain_seed: int | None = None
    quick: bool = False
    data_fingerprint: str | None = None

    def noting_other_data(self, task: Task) -> Self:
        """Return the encoder, noting if its card names no data or others than the task's training images.

        Of other data it is also noted whether they differ in kind.

        Raises:
            UserError: If both are rows of numbers, and their columns have other names.
        """
        columns = read_config(self.folder).columns
        if columns is not None:
            columns.require(
                task.train.columns, width=task.train.images.shape[1], title=task.train.name
            )  # which the fingerprint does not hold
        if self.data_fingerprint and self.data_fingerprint in (task.source_fingerprint, task.unlabelled_fingerprint):
            return self
        times = times_worse(self.load(), task.train.images)
        noted = {
            "other_data": (self.data_fingerprint or "")[:12],
            "times_worse": None if times is None else round(times, 1),
        }
        return dataclasses.replace(self, pretraining=self.pretraining.model_copy(update=noted))

    def other_kind(self, images: Tensor) -> str | None:
        """Say that images, uint8 (n, c, h, w), differ in kind from those it was pretrained on; None if they do not."""
        times = times_worse(self.load(), images)
        return None if times is None else describe_other_kind(self.folder.name, times)

    def scaling(self, task: Task) -> Scaling | None:
        """Return the scale of the codes of a task's training images, if these are the images of its pretraining."""
        if self.architecture.plugins or task.scored_on == "folds":
            return None  # their code may have changed since it was measured; a fold leaves only a part of the images
        fingerprint = task.source_fingerprint if task.scored_on == "test" else task.train.fingerprint
        if self.data_fingerprint != fingerprint:
            return None
        scale = read_scale(self.folder, fingerprint)
        return None if scale is None else Scaling(*scale)

    @property
    def network(self) -> None:
        """None: the hash says it."""

    @property
    def learns(self) -> bool:
        """False: it has learned already."""
        return False

    def takes(self, channels: int, image_size: int) -> bool:
        """Return whether it reads images of this kind as they are."""
        return (self.architecture.channels, self.architecture.image_size) == (channels, image_size)

    def found_here(self) -> Self:
        """Return the encoder where this process finds it: in its folder, among the bundled ones, or in the cache.

        Raises:
            UserError: If it is in none of these, or has other weights there.
        """
        for folder in (self.folder, BUNDLED / self.folder.name, home() / "encoders" / self.folder.name):
            with contextlib.suppress(OSError, ValueError):
                return dataclasses.replace(self, folder=_require(folder, self.hash, self.architecture))
        raise UserError(
            f"the worker on {platform.node()} finds no encoder {self.name} with the weights {self.hash[:8]} in "
            f"{self.folder}: let its folder, or SSL_IRMAE_HOME, be where all workers reach it"
        )

    def load(self) -> Encoder:
        """Load the encoder; every call returns a new one."""
        return Encoder.from_pretrained(self.folder, network=self.architecture.function)

    def fit(self, train: Tensor, device: torch.device) -> Encode:  # noqa: ARG002 (as of every representation)
        """Return the function that encodes images; it learns nothing from the training images."""
        encoder = self.load().to(device)

        def read(images: Tensor, reads: Reads) -> Tensor:
            return encoder.encode(images, reads)

        return read


def open_encoder(name: str, name_or_path: str | Path, network: Pair | None = None) -> OpenedEncoder:
    """Open an encoder on disk under the name that contenders use for it.

    Args:
        name: That name.
        name_or_path: Name of a bundled encoder, or a folder.
        network: The function that returns its networks, if they are one's own.

    Raises:
        UserError: If there is no such encoder, or it cannot be loaded.
    """
    folder = find_encoder(name_or_path)
    # one that cannot be loaded is reported before any work
    config = Encoder.from_pretrained(folder, network=network).config
    card, architecture = config.card, config.architecture
    recorded = {name: card[name] for name in ("steps", "batch_size", "learning_rate", "precision") if "steps" in card}
    recorded |= {name: getattr(architecture, name) for name in ("method", "depth", "strength", "variant", "init")}
    recorded["optimizer"] = card.get("optimizer")
    return OpenedEncoder(
        name,
        _with_code(weights_hash(folder), architecture),
        architecture,
        folder.absolute(),  # as workers find it
        Pretraining(network=_unusual(architecture), **recorded),
        card.get("seed"),
        data_fingerprint=card.get("data_fingerprint"),
    )


def user_encoders(
    paths: str | Path | Sequence[str | Path] | Mapping[str, Any],
    seeds: Sequence[int] = (),
    network: Network | None = None,
) -> dict[str, tuple[OpenedEncoder, ...]]:
    """Open the encoders that the user names.

    Args:
        paths: Folders or bundled names, or one of these, by the name that contenders use; in a sequence, the last part
            of each path is the name. With pretraining seeds, each path has ``{seed}`` in the place of the seed. An
            encoder by the name of its method, in a mapping or as ``"irmae=runs/mine"``, takes the place of the bundled.
            Whatever else is in a mapping is an object that makes codes (``user_codes``), and left out here.
        seeds: Seeds of the pretraining; empty for one encoder per path.
        network: The function that returns the networks of those that were pretrained with networks of one's own, or
            the name it was registered under; the others do without it.

    Raises:
        UserError: If an encoder does not exist, if its name is that of another or of another method, or if ``{seed}``
            is missing from a path although seeds are given, or the other way round.
    """
    paths = [paths] if isinstance(paths, str | Path) else paths
    if isinstance(paths, Mapping):
        named = [(name, path) for name, path in paths.items() if isinstance(path, str | Path)]
    else:
        named = [_named(path) for path in _listed(paths)]
    encoders: dict[str, tuple[OpenedEncoder, ...]] = {}
    taken = set(CONTENDERS) - {name for method in METHODS for name in contenders_of(method)}
    for name, path in named:
        text = str(path)
        if ("{seed}" in text) != bool(seeds):
            raise UserError(
                f"`pretrain_seeds`: write {{seed}} in place of the seed in `encoders` too, such as runs/mine-{{seed}}, "
                f"not {text}"
                if seeds
                else f"`encoders`: {text}: {{seed}} needs `pretrain_seeds`, such as 0,1"
            )
        contenders = contenders_of(name).keys()
        if contenders & taken:
            raise UserError(f"`encoders`: the name {name!r} of {text} is taken; rename the folder")
        taken |= contenders
        folders = [text.replace("{seed}", str(seed)) for seed in seeds] or [text]
        encoders[name] = tuple(open_encoder(name, folder, needed_function(network, folder)) for folder in folders)
        others = [e.architecture.method for e in encoders[name] if e.architecture.method != name]
        if others and is_method(name):
            raise UserError(f"`encoders`: {text} is called {name}, but was pretrained as {others[0]}; use its own name")
        recorded = [encoder.pretrain_seed for encoder in encoders[name]]
        if seeds and recorded != list(seeds):
            raise UserError(
                f"`encoders`: the cards of {text} record pretraining seeds {recorded}, not {list(seeds)} as "
                "`pretrain_seeds` says"
            )
    return encoders


def needed_methods(contenders: Iterable[Contender], chosen_on: str | None = None) -> list[str]:
    """List the pretrained encoders that contenders name, each once, in order of first appearance.

    A name of ``FUSED`` stands for several.

    Args:
        contenders: Those that are run.
        chosen_on: What typical images are chosen on, which may be one more.
    """
    named = dict.fromkeys([*(c.representation for c in contenders), chosen_on])
    every = dict.fromkeys(part for name in named if name is not None for part in FUSED.get(name, (name,)))
    return [name for name in every if name not in FLOORS]


def find_encoder_of_method(
    method: str, task: Task, *, device: torch.device, seed: int | None = None, network: Network = DEFAULT
) -> OpenedEncoder | None:
    """Find the bundled encoder of a method for a data set, or one that was pretrained on the spot before.

    Args:
        method: A name in ``METHODS``, or that of a plug-in.
        task: The images to encode; a bundled encoder is used if it was pretrained on exactly these training images and
            reads them at this size.
        device: Where it would be pretrained.
        seed: Seed of the pretraining; None takes the bundled encoder or, if there is none, seed 0.
        network: The family of its networks, or a function of one's own.

    Returns:
        The encoder; None if it has to be pretrained.
    """
    channels, size = task.train.images.shape[1:3]
    bundled = BUNDLED / f"{task.train.name}-{method}"
    architecture = _brief_architecture(method, task, network)
    if bundled.name in list_bundled() and seed is None and network == DEFAULT:
        found = open_encoder(method, bundled)
        if found.data_fingerprint == task.source_fingerprint and found.takes(channels, size):
            return found
    folder = brief_folder(_brief_name(method, task, device, seed), architecture, QUICK_STEPS)
    if not is_pretrained(folder, QUICK_STEPS):
        return None
    return dataclasses.replace(open_encoder(method, folder, architecture.function), quick=True)


def encoder_of_method(
    method: str,
    task: Task,
    *,
    dataset: Dataset,
    device: torch.device,
    data_dir: Path | None,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    progress: Listener = silent,
    seed: int | None = None,
    network: Network = DEFAULT,
) -> OpenedEncoder:
    """Find the bundled encoder of a method for a data set, or pretrain one briefly and keep it below ``home()``.

    If another process is pretraining the same encoder, this one waits and uses it.

    Args:
        method: A name in ``METHODS``, or that of a plug-in.
        task: The images to encode, as ``find_encoder_of_method`` takes them.
        dataset: What the task was loaded from.
        device: Where to pretrain.
        data_dir: Where data are kept.
        labels_from: The table of labels that the task was loaded with, if there is one.
        classes: The labels that may be in it, if they were declared.
        progress: Called with every event of the pretraining.
        seed: Seed of the pretraining; None takes the bundled encoder or, if there is none, seed 0.
        network: The family of its networks, or a function of one's own.

    Raises:
        UserError: If the folder of such encoders cannot be written to.
    """
    found = find_encoder_of_method(method, task, device=device, seed=seed, network=network)
    if found is not None:
        return found
    name, architecture = task.train.name, _brief_architecture(method, task, network)
    of_network = "" if network == DEFAULT else f" with networks {architecture.network}"
    path = pretrain_briefly(
        _brief_name(method, task, device, seed),
        architecture=architecture,
        dataset=dataset,
        steps=QUICK_STEPS,
        precision=_precision(task, device),
        device=str(device),
        seed=seed or 0,
        data_dir=data_dir,
        labels_from=labels_from,
        classes=classes,
        message=f"no bundled {method} encoder for {name}{of_network}: pretraining one for {QUICK_STEPS:,} steps, kept "
        "for next time; for results to report, pretrain one thoroughly with `ssl-irmae pretrain`",
        command=f"ssl-irmae evaluate --dataset {name}",
        progress=progress,
    )
    return dataclasses.replace(open_encoder(method, path, architecture.function), quick=True)


def not_yet_pretrained(
    method: str, task: Task, *, seed: int | None = None, network: Network = DEFAULT
) -> OpenedEncoder:
    """Describe an encoder that ``encoder_of_method`` would pretrain: it has no weights and no hash yet."""
    architecture = _brief_architecture(method, task, network)
    return OpenedEncoder(method, "", architecture, Path(), Pretraining(method=method), seed or 0, quick=True)


def _brief_architecture(method: str, task: Task, network: Network) -> Architecture:
    channels, size = task.train.images.shape[1:3]
    chosen = None if task.train.are_rows and network == DEFAULT else network
    return brief_architecture(method, images=_FEW, channels=channels, image_size=size, network=chosen)


def _precision(task: Task, device: torch.device) -> Precision:
    return "fp32" if task.train.are_rows else find_precision("auto", device)


def _with_code(weights: str, architecture: Architecture) -> str:
    """Add the code of plug-ins to the hash of an encoder: what it makes of images depends on that too."""
    stamps = [plugin.origin.stamp for plugin in architecture.plugins]
    return sha256(json.dumps([weights, *stamps]).encode()) if stamps else weights


def _require(folder: Path, expected: str, architecture: Architecture) -> Path:
    """Return a folder if it has the encoder of a hash."""
    if _with_code(weights_hash(folder), architecture) != expected:
        raise UserError(f"{folder} has other weights")
    return folder


def _unusual(architecture: Architecture) -> str | None:
    """Return the name of an architecture's networks where they are not the usual ones."""
    return None if architecture.network == DEFAULT else architecture.network


def needed_function(network: Network | None, name_or_path: str) -> Pair | None:
    """Return the function that a user gave, if an encoder needs one."""
    function = function_of(network)
    return function if function and read_config(find_encoder(name_or_path)).architecture.own else None


def _brief_name(method: str, task: Task, device: torch.device, seed: int | None) -> str:
    """Name everything that an encoder pretrained on the spot depends on, apart from its recipe."""
    channels, size = task.train.images.shape[1:3]
    kind = f"{channels}x{size}-{_precision(task, device)}-{device.type}{f'-seed{seed}' if seed else ''}"
    return f"{task.train.name}-{method}-{task.source_fingerprint[:12]}-{kind}"


def _listed(paths: object) -> list[str | Path]:
    listed: list[str | Path] = []
    for path in paths if isinstance(paths, Sequence) else [paths]:
        if isinstance(path, str | Path):
            listed.append(path)
        else:
            raise UserError(
                f"`encoders`: a {type(path).__name__} is not a folder; if it is an object that makes codes, give it a "
                "name, as in {'mine': model}"
            )
    return listed


def _named(path: str | Path) -> tuple[str, str | Path]:
    """Read ``"irmae=runs/mine"``, or name a folder by the last part of its path."""
    method, equals, rest = str(path).partition("=")
    if equals and is_method(method):
        return method, rest
    return Path(path).name.replace("{seed}", "").strip("-_.") or "own", path
