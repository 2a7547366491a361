"""``ssl-irmae encoders``: list, show, copy and import pretrained encoders."""

from pathlib import Path
from typing import Annotated

import typer

from ssl_irmae.cli.help import OUTPUT, RUN, Command, Group
from ssl_irmae.cli.options import OwnNetwork, parse_own_network
from ssl_irmae.cli.terminal import handle_errors, print_result, print_status

app = typer.Typer(cls=Group, no_args_is_help=True, help="List, show, copy and import pretrained encoders.")


@app.command("list", cls=Command)
@handle_errors
def list_command() -> None:
    """List the encoders that ship with the package."""
    import json

    from ssl_irmae.encoders.files import BUNDLED, CONFIG, list_bundled

    names = list_bundled()
    width = max(map(len, names))
    print_result(f"{'':{width}}  code  effective rank  reconstruction MSE (test)  epochs")
    for name in names:
        config = json.loads((BUNDLED / name / CONFIG).read_text())
        card = config["card"]
        print_result(
            f"{name:{width}}  {config['architecture']['latent_dim']:4}  {card['effective_rank']:14.1f}  "
            f"{card['reconstruction_mse_test']:25.5f}  {card['epochs']:6}"
        )


@app.command("show", cls=Command)
@handle_errors
def show_command(
    name: Annotated[str, typer.Argument(metavar="ENCODER", help="Name of a bundled encoder, or a folder.")],
) -> None:
    """Show an encoder's card."""
    from rich.console import Console
    from rich.markdown import Markdown

    from ssl_irmae.encoders.card import model_card
    from ssl_irmae.encoders.encoder import read_config
    from ssl_irmae.encoders.files import find_encoder

    folder = find_encoder(name)
    card = model_card(name, read_config(folder))
    console = Console()
    console.print(Markdown(card)) if console.is_terminal else print_result(card)


@app.command("copy", cls=Command)
@handle_errors
def copy_command(
    *,
    encoder: Annotated[str, typer.Argument(metavar="ENCODER", help="Name of a bundled encoder, or a folder.")],
    network: OwnNetwork = None,
    fold: Annotated[
        bool, typer.Option("--fold", help="Fold the linear stack into the encoder.", rich_help_panel=RUN)
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the copy.", rich_help_panel=OUTPUT)],
    half: Annotated[
        bool,
        typer.Option("--half", help="Round the weights to float16, half the size.", rich_help_panel=OUTPUT),
    ] = False,
) -> None:
    """Copy an encoder without its checkpoints, optionally folded or at half the size."""
    import shutil

    from ssl_irmae._support.files import whole_folder, write_atomically
    from ssl_irmae.encoders.card import model_card
    from ssl_irmae.encoders.encoder import Encoder
    from ssl_irmae.encoders.files import find_encoder

    folder = find_encoder(encoder)
    copy = Encoder.from_pretrained(folder, fold=fold, network=parse_own_network(network))
    if half:
        copy.config = copy.config.model_copy(update={"card": {**copy.config.card, "stored_as": "float16"}})
    with whole_folder(out) as unfinished:
        copy.save_pretrained(unfinished, half=half)
        write_atomically(unfinished / "README.md", model_card(out.name, copy.config))
        for name in ("metrics.jsonl", "spectrum.png"):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, unfinished / name)
    print_status(f"{out}: written")


@app.command("import", cls=Command)
@handle_errors
def import_command(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A state dict saved by the public IRMAE code.")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the encoder.", rich_help_panel=OUTPUT)],
) -> None:
    """Turn a checkpoint of the public IRMAE code into an encoder; only tensors are unpickled."""
    from ssl_irmae._support.files import whole_folder, write_atomically
    from ssl_irmae.encoders.card import model_card
    from ssl_irmae.encoders.published_checkpoint import read_published_checkpoint

    encoder = read_published_checkpoint(checkpoint)
    with whole_folder(out) as unfinished:
        encoder.save_pretrained(unfinished)
        write_atomically(unfinished / "README.md", model_card(out.name, encoder.config))
    architecture = encoder.config.architecture
    print_status(f"{out}: {architecture.method}, code {architecture.latent_dim}, {architecture.image_size} pixels")
