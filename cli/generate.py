"""``ssl-irmae generate``: pictures that a decoder makes, and how far they are from real ones."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ssl_irmae.cli.help import DATA, OUTPUT, RUN, Command, Group, with_examples
from ssl_irmae.cli.options import Device, Json, OwnNetwork, Quiet, Seed, Strict, parse_own_network
from ssl_irmae.cli.terminal import handle_errors, print_json, print_result, print_wrapped

if TYPE_CHECKING:
    from ssl_irmae.generation.picture_maker import Generated, PictureMaker

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    help="Decode pictures: reconstructions, interpolations, samples, walks; and their distance.",
)

Encoders = Annotated[
    list[str],
    typer.Option(
        metavar="FOLDER",
        help="Folder of an encoder, or the name of a bundled one; repeat it to compare several.",
        rich_help_panel=RUN,
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="A name (`ssl-irmae data list`), a folder of pictures, an .npz or an IDX file.",
        show_default="what the encoder was pretrained on, if that has a name",
        rich_help_panel=DATA,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where the grid, a .png, and the arrays, an .npz, are written.",
        show_default="runs/NAME-generated; of several runs/generated, with a folder for each",
        rich_help_panel=OUTPUT,
    ),
]


def reconstruct(
    *,
    dataset: Dataset = None,
    strict: Strict = False,
    encoder: Encoders,
    network: OwnNetwork = None,
    n: Annotated[int, typer.Option(metavar="N", help="How many images.", rich_help_panel=RUN)] = 10,
    seed: Seed = 0,
    out: Out = None,
    quiet: Quiet = False,
    device: Device = "auto",
) -> None:
    """Reconstruct images of the test split, or of the only split: images above, reconstructions below."""
    dataset = _data_of(encoder, dataset)
    makers = _open(encoder, dataset, network, device, strict=strict, quiet=quiet, out=out)
    _write({name: maker.reconstruct(n, seed=seed) for name, maker in makers.items()}, dataset, out)


def interpolate(
    *,
    dataset: Dataset = None,
    strict: Strict = False,
    encoder: Encoders,
    network: OwnNetwork = None,
    n: Annotated[int, typer.Option(metavar="N", help="How many pairs of images.", rich_help_panel=RUN)] = 6,
    steps: Annotated[
        int, typer.Option(metavar="N", help="Pictures on each line, both ends among them.", rich_help_panel=RUN)
    ] = 10,
    seed: Seed = 0,
    out: Out = None,
    quiet: Quiet = False,
    device: Device = "auto",
) -> None:
    """Decode codes on the straight line between those of two images, one pair per row."""
    dataset = _data_of(encoder, dataset)
    makers = _open(encoder, dataset, network, device, strict=strict, quiet=quiet, out=out)
    _write({name: maker.interpolate(n, steps=steps, seed=seed) for name, maker in makers.items()}, dataset, out)


def sample(
    *,
    dataset: Dataset = None,
    strict: Strict = False,
    encoder: Encoders,
    network: OwnNetwork = None,
    sampler: Annotated[
        Literal["gaussian", "mixture", "prior"],
        typer.Option(
            metavar="NAME",
            help="gaussian, or mixture of up to ten, fitted to codes of training images; prior: the standard Gaussian "
            "(vae, sigreg).",
            rich_help_panel=RUN,
        ),
    ] = "gaussian",
    n: Annotated[int, typer.Option(metavar="N", help="How many samples.", rich_help_panel=RUN)] = 60,
    seed: Seed = 0,
    out: Out = None,
    quiet: Quiet = False,
    device: Device = "auto",
) -> None:
    """Decode codes that are drawn at random."""
    from ssl_irmae.cli.progress import Display

    dataset = _data_of(encoder, dataset)
    makers = _open(encoder, dataset, network, device, strict=strict, quiet=quiet, out=out)
    with Display(quiet=quiet, gentle=False) as display:
        made = {name: maker.sample(n, sampler=sampler, seed=seed, progress=display) for name, maker in makers.items()}
    _write(made, dataset, out)


def walk(
    *,
    dataset: Dataset = None,
    strict: Strict = False,
    encoder: Encoders,
    network: OwnNetwork = None,
    n: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many components.", show_default="8, or all there are", rich_help_panel=RUN),
    ] = None,
    steps: Annotated[int, typer.Option(metavar="N", help="Pictures along each component.", rich_help_panel=RUN)] = 9,
    reach: Annotated[
        float,
        typer.Option(metavar="NUMBER", help="How far to go, in standard deviations along it.", rich_help_panel=RUN),
    ] = 2.0,
    out: Out = None,
    quiet: Quiet = False,
    device: Device = "auto",
) -> None:
    """Decode codes along the principal components of the code covariance, one component per row."""
    dataset = _data_of(encoder, dataset)
    makers = _open(encoder, dataset, network, device, strict=strict, quiet=quiet, out=out)
    _write({name: maker.walk(n, steps=steps, reach=reach) for name, maker in makers.items()}, dataset, out)


def distance(
    *,
    dataset: Dataset = None,
    strict: Strict = False,
    encoder: Encoders,
    network: OwnNetwork = None,
    n: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Pictures per set.",
            show_default="2000, or half of the images",
            rich_help_panel=RUN,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="How many draws of pictures.", rich_help_panel=RUN)] = 5,
    json_: Json = False,
    quiet: Quiet = False,
    device: Device = "auto",
) -> None:
    """Measure how far reconstructions and samples are from real pictures, by features of a classifier of them."""
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.protocols.generation.distance import generation_distance

    with Display(quiet=quiet, gentle=False) as display:
        found = generation_distance(
            encoder,
            _data_of(encoder, dataset),
            n=n,
            seeds=seeds,
            network=parse_own_network(network),
            device=device,
            strict=strict,
            progress=display,
        )
    if json_:
        print_json(found.to_dict())
        return
    for line in str(found).splitlines():
        print_wrapped(line)


_EXAMPLES: dict[Callable[..., None], str] = {
    reconstruct: "ssl-irmae generate reconstruct --encoder mnist-irmae --encoder mnist-vae",
    interpolate: "ssl-irmae generate interpolate --encoder mnist-irmae --n 4 --steps 12",
    sample: "ssl-irmae generate sample --encoder mnist-irmae --sampler mixture",
    walk: "ssl-irmae generate walk --encoder runs/mine --dataset my-images/",
    distance: "ssl-irmae generate distance --encoder mnist-irmae --encoder mnist-vae",
}
for _command, _example in _EXAMPLES.items():
    app.command(_command.__name__, cls=Command, help=with_examples(_command, _example))(
        handle_errors(_command, continues=False)
    )


def _data_of(encoders: list[str], dataset: str | None) -> str:
    """Return the data to read: those that are named, or those that all encoders were pretrained on."""
    from ssl_irmae.datasets.registry import DATASETS, dataset_plugin
    from ssl_irmae.encoders.encoder import read_config
    from ssl_irmae.encoders.files import find_encoder
    from ssl_irmae.errors import UserError

    if dataset is not None:
        return dataset
    names = [read_config(find_encoder(encoder)).card.get("dataset") for encoder in encoders]
    first = names[0]
    if set(names) == {first} and (first in DATASETS or dataset_plugin(first) is not None):
        return str(first)
    on = " and ".join(dict.fromkeys(str(name or "data without a name") for name in names))
    raise UserError(f"`dataset`: {', '.join(encoders)}: pretrained on {on}; say where these pictures are")


def _open(
    encoders: list[str],
    dataset: str,
    network: str | None,
    device: str,
    *,
    strict: bool,
    quiet: bool,
    out: Path | None,
) -> "dict[str, PictureMaker]":
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.generation.picture_maker import PictureMaker

    _folder([Path(encoder).resolve().name for encoder in encoders], dataset, out)  # before anything is loaded
    with Display(quiet=quiet, gentle=False) as display:
        return PictureMaker.several(
            encoders,
            dataset,
            network=parse_own_network(network),
            device=device,
            strict=strict,
            progress=display,
        )


def _folder(names: Sequence[str], dataset: str, out: Path | None) -> Path:
    from ssl_irmae.protocols.labelling.out_folder import own_folder

    return own_folder(out, "generated" if len(names) > 1 else f"{names[0]}-generated", dataset)


def _write(made: "dict[str, Generated]", dataset: str, out: Path | None) -> None:
    from ssl_irmae.generation.picture_maker import save_all

    folder = _folder(list(made), dataset, out)
    first, *others = made.values()
    if not others:
        print_result(f"{first.save(folder)}: {first}")
        return
    sheet = save_all(made, folder)
    lines = [f"{sheet}: {', '.join(made)} side by side; each alone in a folder of its name"]
    print_result("\n".join([*lines, *(f"{name}: {generated}" for name, generated in made.items())]))
