"""``ssl-irmae encoders``: pretrained encoders, bundled and brought."""

from pathlib import Path
from typing import Annotated

import typer

from ssl_irmae.cli.terminal import give, plainly, say

app = typer.Typer(no_args_is_help=True, help="List, show, import and export pretrained encoders.")


@app.command("list")
@plainly
def list_command() -> None:
    """List the encoders that ship with the package."""
    import json

    from ssl_irmae.encoders.files import BUNDLED, CONFIG, list_bundled

    for name in list_bundled():
        config = json.loads((BUNDLED / name / CONFIG).read_text())
        architecture, card = config["architecture"], config["card"]
        give(
            f"{name:14} {architecture['method']:6} code {architecture['latent_dim']}, "
            f"effective rank {card['effective_rank']:.1f}, "
            f"reconstruction MSE {card['reconstruction_mse_test']:.5f} (test), {card['epochs']} epochs"
        )


@app.command("show")
@plainly
def show_command(name: Annotated[str, typer.Argument(help="A bundled encoder's name, or a folder.")]) -> None:
    """Show an encoder's card."""
    from rich.console import Console
    from rich.markdown import Markdown

    from ssl_irmae.encoders.card import model_card
    from ssl_irmae.encoders.encoder import read_config
    from ssl_irmae.encoders.files import find_encoder

    folder = find_encoder(name)
    card = model_card(name, read_config(folder))
    console = Console()
    console.print(Markdown(card)) if console.is_terminal else give(card)


@app.command("import")
@plainly
def import_command(
    checkpoint: Annotated[Path, typer.Argument(help="A state dict saved by the public IRMAE reference code.")],
    out: Annotated[Path, typer.Option(help="Folder for the encoder.")],
) -> None:
    """Turn a checkpoint of the public IRMAE reference code into an encoder; only tensors are unpickled."""
    from ssl_irmae._support.files import write_atomically
    from ssl_irmae.encoders.card import model_card
    from ssl_irmae.encoders.published_checkpoint import read_reference_checkpoint

    encoder = read_reference_checkpoint(checkpoint)
    _refuse_occupied(out)
    encoder.save_pretrained(out)
    write_atomically(out / "README.md", model_card(out.name, encoder.config))
    architecture = encoder.config.architecture
    say(f"{out}: {architecture.method}, code {architecture.latent_dim}, {architecture.image_size} pixels")


@app.command("export")
@plainly
def export_command(
    encoder: Annotated[str, typer.Argument(help="A bundled encoder's name, or a folder.")],
    out: Annotated[Path, typer.Option(help="Folder for the copy.")],
    fold: Annotated[bool, typer.Option("--fold", help="Multiply the linear stack into the encoder.")] = False,
    half: Annotated[bool, typer.Option("--half", help="Round the weights to float16: half the size.")] = False,
) -> None:
    """Copy an encoder without its checkpoints, folded or at half the size if wanted."""
    import shutil

    from ssl_irmae._support.files import write_atomically
    from ssl_irmae.encoders.card import model_card
    from ssl_irmae.encoders.encoder import Encoder
    from ssl_irmae.encoders.files import find_encoder

    folder = find_encoder(encoder)
    copy = Encoder.from_pretrained(folder, fold=fold)
    _refuse_occupied(out)
    if half:
        copy.config = copy.config.model_copy(update={"card": {**copy.config.card, "stored_as": "float16"}})
    copy.save_pretrained(out, half=half)
    write_atomically(out / "README.md", model_card(out.name, copy.config))
    for extra in ("metrics.jsonl", "spectrum.png"):
        if (folder / extra).is_file():
            shutil.copyfile(folder / extra, out / extra)
    say(f"{out}: written")


def _refuse_occupied(out: Path) -> None:
    from ssl_irmae.errors import UserError

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out} is there already and not empty: choose another folder")
