"""Pretrain an encoder briefly and keep it below the home of all caches, once for all that need it."""

from collections.abc import Sequence
from pathlib import Path

from ssl_irmae._support.compute import Precision
from ssl_irmae._support.files import is_file
from ssl_irmae._support.home import home, make_folder
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae._support.waiting import wait_for
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.registry import Dataset
from ssl_irmae.encoders.encoder import read_config
from ssl_irmae.encoders.files import CONFIG, WEIGHTS
from ssl_irmae.methods import REVISIONS
from ssl_irmae.networks.registry import DEFAULT, Network, find_networks
from ssl_irmae.pretraining.open_run import make_run
from ssl_irmae.pretraining.optimizers import USUAL
from ssl_irmae.pretraining.pretrain import train
from ssl_irmae.pretraining.recipes import find_recipe

_RECIPE = "short"


def brief_architecture(
    method: str, *, images: int, channels: int, image_size: int, network: Network | None = DEFAULT
) -> Architecture:
    """Return the networks of these encoders, with as deep a stack as their recipe has for the images."""
    depth = find_recipe(_RECIPE).most_depth(images)
    networks = find_networks(network, channels=channels, image_size=image_size)
    return Architecture.paper(
        method=method, channels=channels, image_size=image_size, most_depth=depth, networks=networks
    )


def brief_steps(images: int) -> int:
    """Return for how many optimiser steps the recipe of these encoders trains on a number of images."""
    return find_recipe(_RECIPE).steps(images)


def brief_folder(
    name: str, architecture: Architecture, steps: int, *, optimizer: str = USUAL, learning_rate: float | None = None
) -> Path:
    """Return where such an encoder is kept.

    Args:
        name: Beginning of the folder's name, which says everything that the encoder depends on; networks, the code
            of plug-ins, depth, recipe and steps are appended.
        architecture: What is trained.
        steps: Optimiser steps.
        optimizer: What takes them.
        learning_rate: Its learning rate; None for the recipe's.
    """
    recipe = find_recipe(_RECIPE)
    revision = REVISIONS.get(architecture.method, 1)
    changed = "" if revision == 1 else f"-revision{revision}"
    depth = "" if architecture.depth is None else f"-depth{architecture.depth}"
    rate = f"{learning_rate or recipe.learning_rate:g}-{recipe.cooldown:g}"
    taken_by = "" if optimizer == USUAL else f"-{optimizer}"
    network = "" if architecture.network == DEFAULT else f"-{architecture.network}"
    code = "".join(f"-{plugin.origin.stamp}" for plugin in architecture.plugins)
    trained = f"{_RECIPE}-{steps}x{recipe.batch_size}-{rate}{taken_by}"
    return home() / "encoders" / f"{name}{changed}{network}{code}{depth}-{trained}"


def pretrain_briefly(
    name: str,
    *,
    architecture: Architecture,
    dataset: Dataset,
    steps: int,
    precision: Precision,
    device: str,
    seed: int = 0,
    optimizer: str = USUAL,
    learning_rate: float | None = None,
    data_dir: Path | None = None,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    message: str,
    command: str,
    progress: Listener = silent,
) -> Path:
    """Pretrain an encoder for a few steps, unless it is there; a pretraining that was stopped continues.

    Its learning rate falls to zero at the end of these steps, as in the recipe ``"short"`` of ``pretrain``. Of two
    processes that need the same encoder, the second waits for the first.

    Args:
        name: Beginning of the folder's name, as ``brief_folder`` takes it.
        architecture: What to train, such as ``brief_architecture`` of a method.
        dataset: The images.
        steps: Optimiser steps, such as ``brief_steps`` of the images.
        precision: Arithmetic of the networks.
        device: Where to train.
        seed: Seed of initial weights, order of images and noise.
        optimizer: What takes the steps, a name in ``OPTIMIZERS``.
        learning_rate: Its learning rate, before it falls; None for the recipe's.
        data_dir: Where data are kept.
        labels_from: The table of labels that the data are loaded with, if there is one.
        classes: The labels that may be in it, if they were declared.
        message: What a person is told before it begins.
        command: What the card records as the command.
        progress: Called with every event.

    Returns:
        The folder of the encoder.

    Raises:
        UserError: If the folder cannot be written to, or the images cannot be learned from.
    """
    folder = brief_folder(name, architecture, steps, optimizer=optimizer, learning_rate=learning_rate)
    if is_pretrained(folder, steps):
        return folder
    make_folder(folder)
    with wait_for(folder / ".pretraining.lock", f"pretraining the encoder {folder.name}", progress):
        if not is_pretrained(folder, steps):
            progress(Message(message))
            run = make_run(
                folder,
                architecture=lambda *_: architecture,
                dataset=dataset,
                image_size=architecture.image_size,
                recipe=_RECIPE,
                learning_rate=learning_rate,
                steps=lambda _: steps,
                optimizer=optimizer,
                precision=precision,
                device=device,
                seed=seed,
                data_dir=data_dir,
                labels_from=labels_from,
                classes=classes,
            )
            train(run, progress=progress)
            run.finish(command)
    return folder


def is_pretrained(folder: Path, steps: int) -> bool:
    """Return whether the encoder is finished: its configuration is the last file to be written."""
    if not is_file(folder / CONFIG) or not is_file(folder / WEIGHTS):
        return False
    return bool(read_config(folder).card["steps"] >= steps)
