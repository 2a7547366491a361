"""``ssl-irmae pretrain``: train an encoder without labels."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from ssl_irmae._support.stages import Stages
from ssl_irmae.cli.terminal import give, plainly, say

EPILOG = """
Examples:

  ssl-irmae pretrain

  ssl-irmae pretrain --method vae --epochs 20

  ssl-irmae pretrain --dataset my-images/ --image-size 64 --out runs/mine

The first is the reference recipe: IRMAE on MNIST, 100 epochs, into
runs/mnist-irmae. The same command again goes on where it stopped; with more
--epochs it trains a finished run further.
"""


@plainly
def command(
    method: Annotated[str, typer.Option(help="irmae, ae or vae.")] = "irmae",
    dataset: Annotated[
        str, typer.Option(help="A name (see `ssl-irmae data list`), a folder of pictures, an .npz or an IDX file.")
    ] = "mnist",
    out: Annotated[Path | None, typer.Option(help="Run folder.", show_default="runs/DATASET-METHOD")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the images.")] = 100,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Stop after so many optimiser steps.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a step.")] = 32,
    learning_rate: Annotated[float, typer.Option(help="Adam's.")] = 1e-4,
    latent_dim: Annotated[
        int | None, typer.Option(min=1, help="Width of the code.", show_default="128 grey, 32 colour, 512 at 64 pixels")
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(min=0, help="Linear layers (irmae).", show_default="8 grey, 2 colour, 4 at 64 pixels"),
    ] = None,
    init_scale: Annotated[
        float | None, typer.Option(help="Factor on the layers' initial weights (irmae).", show_default="1")
    ] = None,
    share_weights: Annotated[bool, typer.Option("--share-weights", help="One matrix for all layers (irmae).")] = False,
    image_size: Annotated[
        int | None, typer.Option(help="32 or 64 pixels.", show_default="the dataset's, or 32")
    ] = None,
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="auto is bf16 where the processor has it.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of initial weights, order and noise.")] = 0,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where data are kept.", show_default="$SSL_IRMAE_DATA_DIR or the user's cache")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Insist that there is a run to go on with (going on is automatic).")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document at the end.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")] = False,
) -> None:
    """Train an encoder on images without labels; it can be stopped and goes on exactly where it was."""
    result = pretrain(
        method=method,
        dataset=dataset,
        out=out,
        epochs=epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        latent_dim=latent_dim,
        depth=depth,
        init_scale=init_scale,
        share_weights=share_weights or None,
        image_size=image_size,
        precision=precision,
        device=device,
        seed=seed,
        data_dir=data_dir,
        resume=resume,
        quiet=quiet,
    )
    if json_:
        give(json.dumps(result, indent=2))


def pretrain(
    *,
    method: str,
    dataset: str,
    out: Path | None,
    epochs: int,
    max_steps: int | None,
    batch_size: int,
    learning_rate: float,
    latent_dim: int | None,
    depth: int | None,
    init_scale: float | None,
    share_weights: bool | None,
    image_size: int | None,
    precision: str,
    device: str,
    seed: int,
    data_dir: Path | None,
    resume: bool,
    quiet: bool,
) -> dict[str, object]:
    """Do what the command says; return what ``--json`` prints."""
    stages = Stages()
    with stages("import"):
        from ssl_irmae._support.allocator import keep_freed_memory
        from ssl_irmae.architecture import Architecture
        from ssl_irmae.cli.progress import fetch_progress, train_with_progress
        from ssl_irmae.errors import UserError
        from ssl_irmae.methods import find_method
        from ssl_irmae.pretraining.run_folder import CHECKPOINT, make_run

    if not 0 < learning_rate < float("inf"):
        raise UserError(f"--learning-rate must be positive, got {learning_rate:g}: the reference is 1e-4")
    find_method(method)  # a slip of the pen is said before anything is fetched
    keep_freed_memory()
    folder = out or Path("runs") / f"{Path(dataset).resolve().stem}-{method}"
    if resume and not (folder / CHECKPOINT).is_file():
        raise UserError(f"--resume: {folder} holds no checkpoint to go on from; leave --resume out to start")
    with stages("load"), fetch_progress(quiet=quiet) as progress:
        run = make_run(
            folder,
            architecture=lambda channels, size: Architecture.reference(
                method=method,
                channels=channels,
                image_size=size,
                latent_dim=latent_dim,
                depth=depth,
                init_scale=init_scale,
                share_weights=share_weights,
            ),
            dataset=dataset,
            image_size=image_size,
            batch_size=batch_size,
            learning_rate=learning_rate,
            precision=precision,
            device=device,
            seed=seed,
            data_dir=data_dir,
            progress=progress,
        )
    started = run.resumed_at
    if started and not quiet:
        say(f"going on with {folder} at step {started}")
    with stages("train"):
        images_per_second = train_with_progress(run, epochs=epochs, max_steps=max_steps, quiet=quiet)
    with stages("measure"):
        encoder = run.finish(shlex.join(["ssl-irmae", *sys.argv[1:]]))
    if not quiet:
        if run.state.step == started:
            say(f"{folder} has had its {run.state.epoch} epochs: nothing to train")
        rank = encoder.config.card["effective_rank"]
        say(f"{folder}: effective rank {rank:.1f} of {encoder.config.architecture.latent_dim}")
    return {
        "folder": str(folder),
        "steps_before": started,
        "images_per_second": images_per_second,
        "seconds": stages.rounded(),
        "config": encoder.config.model_dump(mode="json"),
    }
