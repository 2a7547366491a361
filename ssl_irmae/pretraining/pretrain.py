"""Pretraining from start to end: images in, a finished run folder and its encoder out."""

import contextlib
import inspect
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssl_irmae._support import torchrun
from ssl_irmae._support.extras import require
from ssl_irmae._support.files import check_folder
from ssl_irmae._support.progress import Listener, Message, Pretrained, silent
from ssl_irmae._support.stages import Stages
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.columns import Columns
from ssl_irmae.datasets.reading import count
from ssl_irmae.datasets.registry import Dataset
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.methods import find_method
from ssl_irmae.networks.own import name_of
from ssl_irmae.networks.registry import Network, check_name, find_networks
from ssl_irmae.pretraining.open_run import make_run
from ssl_irmae.pretraining.optimizers import USUAL, check_optimizer
from ssl_irmae.pretraining.plateau import NOTABLE
from ssl_irmae.pretraining.processes import LostContactError
from ssl_irmae.pretraining.recipe import CHECKPOINT
from ssl_irmae.pretraining.recipes import DEFAULT, find_recipe
from ssl_irmae.pretraining.run_folder import Run
from ssl_irmae.pretraining.tensorboard import shown_in_tensorboard
from ssl_irmae.pretraining.together import together
from ssl_irmae.strength import check_strength


@dataclass(frozen=True, repr=False)
class PretrainingResult:
    """A finished pretraining run.

    Args:
        encoder: The encoder, with its card in ``encoder.config.card``.
        folder: The run folder.
        steps_before: Optimiser steps taken in earlier sessions.
        images_per_second: Median speed of training; None if there was nothing left to train.
        seconds: Seconds by stage.
    """

    encoder: Encoder
    folder: Path
    steps_before: int
    images_per_second: float | None
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, object]:
        """Return everything but the weights, as plain values that JSON can hold."""
        return {
            "folder": str(self.folder),
            "steps_before": self.steps_before,
            "images_per_second": self.images_per_second,
            "seconds": self.seconds,
            "config": self.encoder.config.model_dump(mode="json"),
        }

    def __repr__(self) -> str:
        architecture, card = self.encoder.config.architecture, self.encoder.config.card
        error, columns = card["reconstruction_mse_test"], self.encoder.config.columns
        on = "test"
        if error is None:
            error, on = card["reconstruction_mse_train"], "training images" if columns is None else "training rows"
        measured = f"{error:.4f}" if columns is None else f"{error:.2g} of standardised columns"
        plateau = f", no better than the {_mean(columns)}" if card.get("plateau_steps") == card["steps"] else ""
        return (
            f"{architecture.method} of {card['dataset']}: effective rank {card['effective_rank']:.1f} of "
            f"{architecture.latent_dim}, reconstruction MSE {measured} ({on}){plateau}, in {self.folder}"
        )


def pretrain(
    *,
    method: str = "irmae",
    dataset: Dataset = "mnist",
    out: str | Path | None = None,
    recipe: str = DEFAULT,
    epochs: int | None = None,
    max_steps: int | None = None,
    minutes: float | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    optimizer: str = USUAL,
    latent_dim: int | None = None,
    depth: int | None = None,
    init_scale: float | None = None,
    share_weights: bool | None = None,
    variant: str | None = None,
    init: str | None = None,
    strength: float | None = None,
    image_size: int | None = None,
    network: Network | None = None,
    precision: str = "auto",
    device: str = "auto",
    seed: int = 0,
    data_dir: str | Path | None = None,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    strict: bool = False,
    resume: bool = False,
    tensorboard: bool = False,
    command: str | None = None,
    progress: Listener = silent,
) -> PretrainingResult:
    """Train an encoder on images, or on rows of numbers, without labels.

    The recipe ``"short"`` is Adam at 5e-4 with batches of 32, for ten epochs, but at least 3,000 and at most 20,000
    steps; over the last fifth of them the learning rate falls linearly to zero. ``"paper"`` is that of the IRMAE paper
    for MNIST, which made the bundled encoders: Adam at a constant 1e-4 with batches of 32, for 100 epochs.

    A run that was stopped continues exactly where it was when it is called again with the same arguments. A finished
    one is trained further with more ``epochs`` at a constant rate alone, as in ``"paper"``: where the rate falls to
    zero, the length is fixed before the first step. On a machine without the GPU or the arithmetic that it began with
    it continues with what there is, and a ``Message`` says so.

    In a script that ``torchrun`` starts several times, all processes train one run together, with the losses of one
    process within float error. The one of rank 0 alone writes; all return the same encoder.

    Rows of numbers are standardised: of each column its mean is subtracted, and it is divided by its standard
    deviation over the training rows. Both are kept with the encoder.

    Args:
        method: A name in ``METHODS``, such as ``"irmae"``, ``"ae"`` or ``"vae"``, or that of a plug-in.
        dataset: A name, a path or arrays, as in ``load_images``; labels are not used.
        out: Run folder; ``runs/DATASET-METHOD`` unless given.
        recipe: ``"short"`` or ``"paper"``: the learning rate, the batch size and the length, where they are not given.
        epochs: Passes over the images, those of earlier sessions included.
        max_steps: Optimiser steps after which to stop, if that comes first; a falling learning rate is zero there.
        minutes: Minutes of training, instead of ``epochs`` and ``max_steps``. The speed is measured before the first
            step, and the number of steps that follows from it is kept in the folder: the run never depends on time.
        batch_size: Images per step.
        learning_rate: Learning rate, before it falls; the recipe's is for Adam.
        optimizer: What takes the steps: ``"adam"``; ``"adamw"``, with a weight decay of 0.01; ``"sgd"``;
            ``"momentum"``, which is SGD with a momentum of 0.9; ``"rmsprop"`` or ``"adagrad"``. Other settings are
            torch's. The last four need a ``learning_rate`` of their own.
        latent_dim: Code width d; unless given, the paper's: 128 for grey, 32 for colour, 512 from 48 pixels on; for
            rows the number of columns, up to 128.
        depth: Number l of linear layers (IRMAE only); unless given, the paper's: 8 for grey, 2 for colour, 4 from
            48 pixels on, and 4 for rows; but by the recipe ``"short"`` no more than 4, or 2 with fewer than 20,000
            images or rows.
        init_scale: Factor on the initial weights of these layers (IRMAE only); 1 unless given.
        share_weights: Whether one matrix serves as all these layers (IRMAE only).
        variant: What else is different in these layers (IRMAE only): ``"free"``; ``"tied"``, where every second one is
            the transpose of the one before it; ``"frozen"``, as they were initialised; ``"relu"``, with a ReLU between
            any two, which are not folded then.
        init: Initial weights of these layers (IRMAE only): ``"default"``, torch's, or ``"orthogonal"``.
        strength: The one number of a method that says how much it does, such as the weight of its penalty, or the
            weight decay of ``"irmae-wd"`` (docs/using/README.md); unless given, the usual one.
        image_size: 8 to 256 pixels, to which images of any size are resized; the data set's own size unless given, 32
            for the user's images. Rows have none.
        network: The family of networks, ``"conv"`` (the paper's, and its layers at other sizes), ``"residual"`` or
            ``"mlp"``; or a function of your own that returns an encoder and a decoder (docs/extending/networks.md).
            Unless given, ``"conv"``, and ``"mlp"`` for rows.
        precision: ``"fp32"``, ``"bf16"``, or ``"auto"``: bf16 where the hardware has it, and fp32 for rows.
        device: ``"auto"`` or a device that torch knows, such as ``"cuda:1"``.
        seed: Seed of initial weights, order of images and noise.
        data_dir: Folder of the data; ``default_data_dir()`` unless given.
        labels_from: A table of labels beside a folder of pictures, as in ``load_images``: labels are not used, but give
            it if the encoder is to be evaluated with it, so that both see the same data.
        classes: The labels that may be in that table, as in ``load_images``.
        strict: Whether to refuse images of which anything was left out or changed.
        resume: Whether to require a run that can be continued.
        tensorboard: Whether to write losses, spectra and reconstructions into the folder ``tensorboard`` of the run
            folder while training, for TensorBoard to show. What is trained stays the same, bit for bit.
        command: Command line to record on the encoder's card; unless given, this call.
        progress: Called with ``Fetched``, ``Pretrained`` and ``Message`` events. If it raises, the run is saved first.

    Raises:
        UserError: If an argument, the images or the folder cannot be used.
        NonFiniteLossError: If the loss diverges; the last good checkpoint is kept.
        LostProcessError: If another of several processes ends; the last checkpoint is kept.
    """
    arguments = locals().copy()
    named = find_recipe(recipe)
    if learning_rate is not None and not 0 < learning_rate < float("inf"):
        raise UserError(f"`learning_rate` must be positive, got {learning_rate:g}: the paper's is 1e-4")
    if minutes is not None and not 0 < minutes < float("inf"):
        raise UserError(f"`minutes` must be positive, got {minutes:g}: write for example 5")
    given = [name for name, value in (("epochs", epochs), ("max_steps", max_steps)) if value is not None]
    if minutes is not None and given:
        raise UserError(f"`minutes` {minutes:g} and `{given[0]}` both say how long to train: give one of them")
    for name, value, least in (
        ("epochs", epochs, 1),
        ("max_steps", max_steps, 1),
        ("batch_size", batch_size, 1),
        ("seed", seed, 0),
    ):
        if value is not None and value < least:
            raise UserError(f"`{name}` must be at least {least}, got {value}")
    if tensorboard:
        require("tensorboard", "`tensorboard`")
    check_optimizer(optimizer, learning_rate)
    check_name(network)
    find_method(method)  # a typing error is reported before anything is fetched
    check_strength(method, strength)
    folder = Path("runs") / f"{_name(dataset)}-{method}" if out is None else Path(out)
    check_folder(folder)
    if resume and not (folder / CHECKPOINT).is_file():
        raise UserError(f"`resume`: {folder} has no checkpoint to continue from; leave `resume` out to start")

    def architecture(images: int, channels: int, size: int) -> Architecture:
        return Architecture.paper(
            method=method,
            channels=channels,
            image_size=size,
            latent_dim=latent_dim,
            depth=depth,
            most_depth=named.most_depth(images),
            init_scale=init_scale,
            share_weights=share_weights,
            variant=variant,
            init=init,
            strength=strength,
            networks=find_networks(network, channels=channels, image_size=size, code=latent_dim),
        )

    stages = Stages()
    with together(device) as processes:
        with stages("load"):
            run = make_run(
                folder,
                architecture=architecture,
                dataset=dataset,
                image_size=image_size,
                recipe=recipe,
                batch_size=batch_size,
                learning_rate=learning_rate,
                steps=lambda n: named.steps(n, batch_size=batch_size, epochs=epochs, max_steps=max_steps),
                minutes=minutes,
                optimizer=optimizer,
                precision=precision,
                device=device,
                seed=seed,
                data_dir=data_dir,
                labels_from=labels_from,
                classes=classes,
                strict=strict,
                processes=processes,
                progress=progress,
            )
        if run.resumed_at:
            progress(Message(f"continuing {folder} at step {run.resumed_at}"))
        shown = tensorboard and processes.first
        with (
            stages("train"),
            shown_in_tensorboard(run, progress) if shown else contextlib.nullcontext(progress) as listener,
        ):
            images_per_second = train(run, progress=listener)
        if run.state.step == run.resumed_at:
            progress(Message(f"{folder} has had its {count(run.state.step, 'step')}: nothing to train"))
        with stages("measure"), processes.first_alone():
            encoder = run.finish(_call(arguments) if command is None else command)
    return PretrainingResult(encoder, folder, run.resumed_at, images_per_second, stages.rounded())


def train(run: Run, *, progress: Listener = silent) -> float | None:
    """Train a run for as many steps as its recipe says, those of earlier sessions included.

    Args:
        run: An open run.
        progress: Called with a ``Pretrained`` event every few steps. A ``Message`` says before them if the run
            continues elsewhere than it began, and after them if it was long, or still is, on a plateau. If it raises,
            the run is saved first.

    Returns:
        Images per second, the median over events; None if there was nothing left to train.

    Raises:
        NonFiniteLossError: If a loss is not finite; the last good checkpoint is kept.
        UserError: If another process is training in this folder, or has done so since it was opened.
    """
    total = run.state.limit()
    on_plateau = run.state.on_plateau and run.state.step >= NOTABLE
    rank = run.history[-1]["effective_rank"] if run.history else None
    rates: list[float] = []
    if run.move is not None and run.state.step < total:
        progress(Message(f"{run.folder} {run.move}"))
    with contextlib.closing(run.train()) as records:
        for record in records:
            rates.append(record.images_per_second)
            rank = rank if record.effective_rank is None else record.effective_rank
            left, on_plateau = on_plateau and not record.on_plateau, record.on_plateau and record.step >= NOTABLE
            event = Pretrained(
                step=record.step,
                first_step=run.resumed_at,
                total_steps=total,
                epoch=record.epoch if record.epoch_done else record.epoch + 1,
                epoch_done=record.epoch_done,
                loss=record.loss,
                recent_loss=record.recent_loss,
                effective_rank=rank,
                images_per_second=record.images_per_second,
                seconds_left=(total - record.step) * run.recipe.batch_size / statistics.median_high(rates),
                on_plateau=on_plateau,
                noun=run.images.noun,
            )
            stopped: BaseException | None = None
            try:
                progress(event)
                if left:
                    progress(
                        Message(f"left the plateau by step {record.step:,}: now better than the {_mean(run.columns)}")
                    )
            except LostContactError:
                raise
            except BaseException as error:
                stopped = error
            if run.processes.any(stopped is not None or torchrun.has_ended()):  # all stop at the same step
                run.save()
                raise stopped or KeyboardInterrupt
    if rates and run.state.on_plateau:
        progress(Message(_ended_on_plateau(run)))
    return statistics.median_high(rates) if rates else None


def _ended_on_plateau(run: Run) -> str:
    depth, mean = run.recipe.architecture.depth, _mean(run.columns)
    fewer = f", or with fewer linear layers than {depth}" if depth and depth > 1 else ""
    return (
        f"{run.folder} ends on the plateau: after {count(run.state.step, 'step')} reconstructions are no better than "
        f"the {mean}, so its codes say next to nothing about {'an image' if run.columns is None else 'a row'}; train "
        f"longer{fewer}"
    )


def _mean(columns: Columns | None) -> str:
    return "mean picture" if columns is None else "mean row"


def _name(dataset: Dataset) -> str:
    return Path(dataset).resolve().stem if isinstance(dataset, str | Path) else "arrays"


def _call(arguments: Mapping[str, object]) -> str:
    """Write a call of ``pretrain`` with the arguments that differ from the defaults."""
    given = []
    for name, parameter in inspect.signature(pretrain).parameters.items():
        value = arguments[name]
        value = str(value) if isinstance(value, Path) else value
        value = name_of(value) if name == "network" and callable(value) else value
        if name == "dataset" and not isinstance(value, str):
            given.append("dataset=arrays")
        elif name not in ("command", "progress") and value != parameter.default:
            given.append(f"{name}={value!r}")
    return f"ssl_irmae.pretrain({', '.join(given)})"
