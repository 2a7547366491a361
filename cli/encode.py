"""``ssl-irmae encode``: images to codes."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ssl_irmae.cli.terminal import plainly, say

EPILOG = """
Examples:

  ssl-irmae encode --data my-images/ --out codes.npz

  ssl-irmae encode --encoder runs/mine --data mnist --split test --out c.npz

The archive holds code (n, d); features (n, d) unless the encoder is folded;
labels and classes if there are any; paths if the images came from files; and
the fingerprint of the images.
"""


@plainly
def command(
    data: Annotated[str, typer.Option(help="A folder of pictures, an .npz with `images`, an IDX file, or a name.")],
    out: Annotated[Path, typer.Option(help="The .npz archive to write.")],
    encoder: Annotated[str, typer.Option(help="A bundled encoder's name, or a folder.")] = "mnist-irmae",
    split: Annotated[Literal["train", "test"], typer.Option(help="Of data that have both.")] = "train",
    fold: Annotated[bool, typer.Option("--fold", help="Fold the linear stack: faster, code only.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    data_dir: Annotated[
        Path | None, typer.Option(help="Where data are kept.", show_default="$SSL_IRMAE_DATA_DIR or the user's cache")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")] = False,
) -> None:
    """Encode images with a pretrained encoder into a numpy archive."""
    encode(encoder=encoder, data=data, out=out, split=split, fold=fold, device=device, data_dir=data_dir, quiet=quiet)


def encode(
    *,
    encoder: str,
    data: str,
    out: Path,
    split: Literal["train", "test"],
    fold: bool,
    device: str,
    data_dir: Path | None,
    quiet: bool,
) -> None:
    """Do what the command says."""
    import io

    import numpy as np

    from ssl_irmae._support.compute import find_device
    from ssl_irmae._support.files import write_atomically
    from ssl_irmae.cli.progress import fetch_progress
    from ssl_irmae.datasets.registry import load_images
    from ssl_irmae.encoders.encoder import Encoder
    from ssl_irmae.errors import UserError

    if out.suffix != ".npz":
        raise UserError(f"--out {out}: the name must end in .npz")
    if out.is_dir():
        raise UserError(f"--out {out} is a folder: name a file in it, such as {out / 'codes.npz'}")
    if out.exists() and Path(data).exists() and out.samefile(data):
        raise UserError(f"--out {out} is the --data itself, which would be lost: name another file")
    network = Encoder.from_pretrained(encoder, fold=fold).to(find_device(device))
    with fetch_progress(quiet=quiet) as progress:
        images = load_images(
            data,
            split,
            data_dir=data_dir,
            image_size=network.config.architecture.image_size,
            progress=progress,
        )
    arrays = {"code": network.encode(images.images).numpy(), "fingerprint": np.array(images.fingerprint)}
    if not network.config.folded:
        arrays["features"] = network.encode(images.images, reads="features").numpy()
    if images.labels is not None:
        arrays |= {"labels": images.labels.numpy(), "classes": np.array(images.classes)}
    if images.paths:
        arrays["paths"] = np.array(images.paths)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stub mistakes the names for an option
    write_atomically(out, buffer.getvalue())
    if not quiet:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items() if array.ndim)
        say(f"{out}: {shapes}")
