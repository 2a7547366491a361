"""``ssl-irmae pretrain``: train an encoder without labels."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from ssl_irmae._support.stages import Stages
from ssl_irmae.cli.help import DATA, MACHINE, OUTPUT, RUN
from ssl_irmae.cli.options import AnyData, Classes, Device, Json, LabelsFrom, Quiet, Strict, parse_names, parse_network
from ssl_irmae.cli.terminal import handle_errors, print_json, print_result
from ssl_irmae.pretraining.recipes import DEFAULT, RECIPES

EXAMPLES = """
ssl-irmae pretrain
ssl-irmae pretrain --method vae --epochs 20
ssl-irmae pretrain --dataset my-images/ --image-size 64 --out runs/mine
ssl-irmae pretrain --dataset table.csv
ssl-irmae pretrain --minutes 5
ssl-irmae pretrain --recipe paper
"""
EPILOG = """
The first example trains IRMAE on MNIST, into runs/mnist-irmae, by a recipe that is much shorter than the paper's; the
last has the paper's, which made the bundled encoders of MNIST. The same command continues a run that was stopped. With
more --epochs a finished run is trained further, if its learning rate is constant as in the paper's recipe.
""".replace("\n", " ")

_SHORT, _PAPER = RECIPES["short"], RECIPES["paper"]


@handle_errors
def command(
    dataset: AnyData = "mnist",
    image_size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Side to which images of any size are resized, 8 to 256.",
            show_default="the data set's, or 32",
            rich_help_panel=DATA,
        ),
    ] = None,
    labels_from: LabelsFrom = None,
    classes: Classes = None,
    strict: Strict = False,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="irmae, ae, vae; irmae-wd, lorae, rrae, denoising, contractive, sparse, rae, sigreg; or a method "
            "of a plug-in.",
            rich_help_panel=RUN,
        ),
    ] = "irmae",
    strength: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="How much the method does: the weight of its penalty. irmae-wd: the weight decay; denoising: the "
            "share of pixels set to zero; rrae: how many directions of the code are kept. irmae and ae have none.",
            show_default="the method's",
            rich_help_panel=RUN,
        ),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"short: Adam at {_SHORT.learning_rate:g}, falling to zero over the last {_SHORT.cooldown:.0%} of the "
            f"steps. paper: Adam at a constant {_PAPER.learning_rate:g}.",
            rich_help_panel=RUN,
        ),
    ] = DEFAULT,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Passes over the images.",
            show_default=f"short: {_SHORT.epochs}, but {_SHORT.least_steps:,} to {_SHORT.most_steps:,} steps; "
            f"paper: {_PAPER.epochs}",
            rich_help_panel=RUN,
        ),
    ] = None,
    max_steps: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Stop after this many optimiser steps; a falling learning rate reaches zero there.",
            rich_help_panel=RUN,
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help="Train for about so long, in place of --epochs; the number of steps is fixed before the first one.",
            show_default=False,
            rich_help_panel=RUN,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Images per step.", show_default="the recipe's, 32", rich_help_panel=RUN),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="Learning rate, before it falls.",
            show_default="the recipe's, for adam and adamw",
            rich_help_panel=RUN,
        ),
    ] = None,
    optimizer: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="adam, adamw (weight decay 0.01), sgd, momentum (SGD with 0.9), rmsprop, adagrad.",
            rich_help_panel=RUN,
        ),
    ] = "adam",
    latent_dim: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Width of the code.",
            show_default="128 for grey images, 32 for colour, 512 from 48 pixels on; for rows the number of columns, "
            "at most 128",
            rich_help_panel=RUN,
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Number of linear layers (irmae).",
            show_default="8 for grey images, 2 for colour, 4 from 48 pixels on and for rows; in the recipe "
            "short at most 4, and at most 2 below 20,000 images",
            rich_help_panel=RUN,
        ),
    ] = None,
    init_scale: Annotated[
        float | None,
        typer.Option(
            metavar="FACTOR",
            help="Factor on the initial weights of the linear layers (irmae).",
            show_default="1",
            rich_help_panel=RUN,
        ),
    ] = None,
    share_weights: Annotated[
        bool,
        typer.Option(
            "--share-weights",
            help="Use one matrix for all linear layers (irmae).",
            rich_help_panel=RUN,
        ),
    ] = False,
    variant: Annotated[
        Literal["free", "tied", "frozen", "relu"] | None,
        typer.Option(
            metavar="NAME",
            help="free; tied: every second linear layer is the transpose of the one before; frozen: they are not "
            "trained; relu: a ReLU between any two (irmae).",
            show_default="free",
            rich_help_panel=RUN,
        ),
    ] = None,
    init: Annotated[
        Literal["default", "orthogonal"] | None,
        typer.Option(
            metavar="NAME",
            help="Initial weights of the linear layers: default, torch's, or orthogonal (irmae).",
            show_default="default",
            rich_help_panel=RUN,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="conv: the paper's networks, and their layers at other sizes. residual: a small residual network. "
            "mlp: a fully connected one. MODULE:FUNCTION: your own, to be named again whenever the encoder is "
            "loaded. Or the networks of a plug-in.",
            show_default="conv; for rows mlp",
            rich_help_panel=RUN,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Seed of initial weights, order of images and noise.", rich_help_panel=RUN
        ),
    ] = 0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Fail unless there is a run to continue (continuing is automatic).",
            rich_help_panel=RUN,
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Run folder.", show_default="runs/DATASET-METHOD", rich_help_panel=OUTPUT),
    ] = None,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="While training, write losses, spectra and reconstructions for TensorBoard, an extra: `tensorboard "
            "--logdir runs` shows them.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    json_: Json = False,
    quiet: Quiet = False,
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        typer.Option(
            metavar="NAME", help="fp32, bf16, or auto: bf16 where the processor has it.", rich_help_panel=MACHINE
        ),
    ] = "auto",
    device: Device = "auto",
) -> None:
    """Train an encoder on images or rows of numbers, without labels; a stopped run continues where it stopped."""
    stages = Stages()
    with stages("import"):
        from ssl_irmae._support.allocator import keep_freed_memory
        from ssl_irmae.cli.progress import Display
        from ssl_irmae.pretraining.pretrain import pretrain

    keep_freed_memory()
    with Display(quiet=quiet) as display:
        result = pretrain(
            method=method,
            dataset=dataset,
            out=out,
            recipe=recipe,
            epochs=epochs,
            max_steps=max_steps,
            minutes=minutes,
            batch_size=batch_size,
            learning_rate=learning_rate,
            optimizer=optimizer,
            latent_dim=latent_dim,
            depth=depth,
            init_scale=init_scale,
            share_weights=share_weights or None,
            variant=variant,
            init=init,
            strength=strength,
            image_size=image_size,
            network=parse_network(network),
            precision=precision,
            device=device,
            seed=seed,
            labels_from=labels_from,
            classes=parse_names(classes),
            strict=strict,
            resume=resume,
            tensorboard=tensorboard,
            command=shlex.join(["ssl-irmae", *sys.argv[1:]]),
            progress=display,
        )
    if json_:
        seconds = {**stages.rounded(), **result.seconds}
        print_json({**result.to_dict(), "seconds": seconds})
    else:
        print_result(str(result))
