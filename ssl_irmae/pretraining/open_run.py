"""From arguments to an open run: images loaded, what is automatic resolved, the length planned."""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.columns import Columns
from ssl_irmae.datasets.image_set import ImageSet, Split, fit_images
from ssl_irmae.datasets.reading import listed
from ssl_irmae.datasets.registry import Dataset, default_image_size, load_images
from ssl_irmae.errors import NoTestSplitError, UserError
from ssl_irmae.networks.sizes import ROW, check_side, is_row
from ssl_irmae.pretraining.elsewhere import find_place
from ssl_irmae.pretraining.minutes import with_steps
from ssl_irmae.pretraining.optimizers import USUAL
from ssl_irmae.pretraining.processes import ALONE, Processes
from ssl_irmae.pretraining.recipe import Recipe, recorded_recipe
from ssl_irmae.pretraining.recipes import find_recipe
from ssl_irmae.pretraining.run_folder import Run


def make_run(
    folder: Path,
    *,
    architecture: Callable[[int, int, int], Architecture],
    dataset: Dataset,
    image_size: int | None,
    recipe: str,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    steps: Callable[[int], int] | None = None,
    minutes: float | None = None,
    optimizer: str = USUAL,
    precision: str,
    device: str,
    seed: int,
    data_dir: str | Path | None = None,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    strict: bool = False,
    processes: Processes = ALONE,
    progress: Listener = silent,
) -> Run:
    """Load the images, resolve what is automatic, plan the length, and open the run folder.

    Args:
        folder: The run folder.
        architecture: Called with the number of images, their channels and size in pixels, once those are known.
        dataset: A name, a path or arrays, as in ``load_images``.
        image_size: 8 to 256 pixels; None is the data set's own size, 32 for the user's images. Rows of numbers have
            none.
        recipe: Name in ``RECIPES``, with the numbers that are not given here.
        batch_size: Images per step.
        learning_rate: Learning rate, before any cooldown.
        steps: Called with the number of images, once that is known, for the optimiser steps altogether; None takes the
            recipe's.
        minutes: Minutes of training, instead of these steps: they are turned into steps, once for this folder.
        optimizer: What takes the steps, a name in ``OPTIMIZERS``.
        precision: ``"auto"``, ``"fp32"`` or ``"bf16"``. Automatic is what the run in the folder began with, if that is
            available here; fp32 for rows of numbers.
        device: ``"auto"`` or a device that torch knows; automatic likewise.
        seed: Seed of initial weights, order of images and noise.
        data_dir: Folder of the data.
        labels_from: A table of labels, as in ``load_images``; labels are not used, but are part of the fingerprint.
        classes: The labels that may be in that table, as in ``load_images``.
        strict: Whether to refuse images of which anything was left out or changed.
        processes: The processes that train together: the first loads the images before the others do.
        progress: Called with what ``load_images`` reports, and with a ``Message`` if minutes were turned into steps.

    Raises:
        UserError: If the images, a setting or the folder cannot be used.
    """
    named = find_recipe(recipe)
    size = default_image_size(dataset) if image_size is None else image_size
    if not is_row(size):
        check_side(size)  # before anything is loaded
    chosen, arithmetic = find_place(device, precision, recorded_recipe(folder))

    def load(split: Split) -> ImageSet:
        return load_images(
            dataset,
            split,
            data_dir=data_dir,
            image_size=size,
            labels_from=labels_from,
            classes=classes,
            strict=strict,
            progress=progress,
        )

    test = None
    with processes.first_alone():  # what has to be fetched is there for the others
        train = load("train")
        with contextlib.suppress(NoTestSplitError):  # the user's own images need none
            test = load("test")
    if len(train) < 2:
        raise UserError(f"{train.name} has one {train.noun}: pretraining needs at least two")
    columns = Columns.of(train.images, train.columns) if train.are_rows else None
    if columns is None:
        check_side(size)
    elif image_size not in (None, ROW):
        raise UserError(f"`image_size` is about pictures, and {train.name} has rows of numbers: leave it out")
    else:
        size, arithmetic = ROW, "fp32" if precision == "auto" else arithmetic
        if constant := columns.constant:
            names = [repr(columns.names[i]) if columns.names else str(i) for i in constant]
            progress(Message(f"{train.name}: nothing is learned of constant columns ({listed(names)})"))
    networks = architecture(len(train), train.images.shape[1], size)
    planned = Recipe(
        architecture=networks,
        dataset=train.name,
        data_fingerprint=train.fingerprint,
        seed=seed,
        batch_size=batch_size or named.batch_size,
        learning_rate=learning_rate or named.learning_rate,
        precision=arithmetic,
        device=str(chosen),
        recipe=recipe,
        cooldown=named.cooldown,
        steps=named.steps(len(train), batch_size=batch_size) if steps is None else steps(len(train)),
        minutes=minutes,
        optimizer=optimizer,
    )
    train, test = _fitted(train, networks, columns), None if test is None else _fitted(test, networks, columns)
    if minutes is not None:
        planned = with_steps(planned, folder, train.images, progress, processes)
    return Run(folder, planned, train, test, columns=columns, processes=processes)


def _fitted(images: ImageSet, networks: Architecture, columns: Columns | None) -> ImageSet:
    fitted = fit_images(images.images, channels=networks.channels, image_size=networks.image_size)
    fitted = fitted if columns is None else columns.standardise(fitted)
    return dataclasses.replace(images, images=fitted)
