"""``ssl-irmae encode``: turn images into codes."""

import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ssl_irmae.cli.help import DATA, OUTPUT, RUN
from ssl_irmae.cli.options import (
    AnyData,
    Classes,
    Device,
    LabelsFrom,
    OwnNetwork,
    Quiet,
    Strict,
    parse_names,
    parse_own_network,
)
from ssl_irmae.cli.terminal import handle_errors, print_status

if TYPE_CHECKING:
    import numpy.typing as npt

    from ssl_irmae.datasets.image_set import ImageSet
    from ssl_irmae.encoders.encoder import Encoder

EXAMPLES = """
ssl-irmae encode --dataset mnist --out codes.npz
ssl-irmae encode --encoder runs/mine --dataset my-images/ --out codes.npz
"""
EPILOG = """
The archive contains code (n, d); features (n, d) unless the encoder is folded; labels and classes if there are any;
paths if the images came from files; and the fingerprint of the images. Those of a test split have test_ before their
names, unless it is the only split. `ssl-irmae evaluate --codes mine=codes.npz` reads the archive.
""".replace("\n", " ")


@handle_errors
def command(
    *,
    dataset: AnyData,
    split: Annotated[
        Literal["train", "test"] | None,
        typer.Option(
            metavar="NAME",
            help="train or test alone, where the data have both.",
            show_default="both",
            rich_help_panel=DATA,
        ),
    ] = None,
    labels_from: LabelsFrom = None,
    classes: Classes = None,
    strict: Strict = False,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of an encoder, or the name of a bundled one.",
            show_default="the bundled one for this data set",
            rich_help_panel=RUN,
        ),
    ] = None,
    network: OwnNetwork = None,
    fold: Annotated[
        bool,
        typer.Option(
            "--fold",
            help="Fold the linear stack into the encoder: faster, without features.",
            rich_help_panel=RUN,
        ),
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .npz archive to write.", rich_help_panel=OUTPUT)],
    quiet: Quiet = False,
    device: Device = "auto",
) -> None:
    """Encode images or rows of numbers with a pretrained encoder into a numpy archive."""
    import io

    import numpy as np

    from ssl_irmae._support.compute import find_device
    from ssl_irmae._support.files import check_folder, write_atomically
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.datasets.registry import load_images
    from ssl_irmae.encoders.encoder import Encoder
    from ssl_irmae.encoders.files import bundled_for
    from ssl_irmae.encoders.kind import describe_other_kind, times_worse
    from ssl_irmae.errors import NoTestSplitError, UserError

    if out.suffix != ".npz":
        raise UserError(f"--out {out}: the name must end in .npz")
    if out.is_dir():
        raise UserError(f"--out {out} is a folder: give a file in it, such as {out / 'codes.npz'}")
    if out.exists() and Path(dataset).exists() and out.samefile(dataset):
        raise UserError(f"--out {out} is the --dataset itself, which would be lost: give another file")
    check_folder(out.parent)
    encoder = bundled_for(dataset) if encoder is None else encoder
    opened = Encoder.from_pretrained(encoder, fold=fold, network=parse_own_network(network)).to(find_device(device))
    load = functools.partial(
        load_images,
        dataset,
        labels_from=labels_from,
        classes=parse_names(classes),
        strict=strict,
        image_size=opened.config.architecture.image_size,
    )
    with Display(quiet=quiet) as display:
        loaded = {"": load("train" if split is None else split, progress=display)}
        if split is None:
            with contextlib.suppress(NoTestSplitError):
                loaded["test_"] = load("test", progress=display)
    images = loaded[""]
    if opened.config.columns is not None and images.are_rows:
        opened.config.columns.require(images.columns, width=images.images.shape[1], title=dataset)
    if not images.are_rows and images.images.shape[1] > opened.config.architecture.channels and not quiet:
        print_status(f"{images.name}: colour is read as grey, as the encoder learned it")
    times = times_worse(opened, images.images)
    if times is not None and not quiet:
        print_status(describe_other_kind(Path(encoder).name, times))
    arrays: dict[str, Any] = {}
    for prefix, each in loaded.items():
        arrays |= {f"{prefix}{name}": array for name, array in _arrays(opened, each).items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomically(out, buffer.getvalue())
    if not quiet:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items() if array.ndim)
        print_status(f"{out}: {shapes}")


def _arrays(encoder: "Encoder", images: "ImageSet") -> "dict[str, npt.NDArray[Any]]":
    """Return what is written of a split, by name."""
    import numpy as np

    arrays = {"code": encoder.encode(images.images).numpy(), "fingerprint": np.array(images.fingerprint)}
    if not encoder.config.folded:
        arrays["features"] = encoder.encode(images.images, reads="features").numpy()
    if images.labels is not None:
        arrays |= {"labels": images.labels.numpy(), "classes": np.array(images.classes)}
    if images.paths:
        arrays["paths"] = np.array(images.paths)
    return arrays
