"""``ssl-irmae suggest``: which pictures to label first."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ssl_irmae.cli.help import OUTPUT, RUN
from ssl_irmae.cli.options import (
    Classes,
    Device,
    LabelsFrom,
    OwnEncoder,
    OwnNetwork,
    Quiet,
    Seed,
    Strict,
    parse_names,
    parse_own_network,
)
from ssl_irmae.cli.terminal import handle_errors, print_result, print_wrapped

EXAMPLES = """
ssl-irmae suggest my-pictures/
ssl-irmae suggest my-pictures/ --n 50 --labels-from labels.csv
ssl-irmae suggest my-pictures/ --encoder runs/mine --out runs/first
"""
EPILOG = """
Written into runs/my-pictures-suggest: labels.csv, which lists the suggested pictures and those that have a label
already, with a column label to fill in; and suggestions.html, which shows the suggested pictures and why they were
chosen. The same command again reads what has been filled in, and suggests more.
""".replace("\n", " ")


@handle_errors
def command(
    dataset: Annotated[
        str, typer.Argument(metavar="PICTURES", help="A folder of pictures; or an .npz, an IDX file, or a name.")
    ],
    labels_from: LabelsFrom = None,
    classes: Classes = None,
    strict: Strict = False,
    n: Annotated[
        int, typer.Option("--n", metavar="N", min=1, help="How many pictures to suggest.", rich_help_panel=RUN)
    ] = 20,
    encoder: OwnEncoder = None,
    network: OwnNetwork = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The folder to write into.",
            show_default="runs/NAME-suggest",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quiet: Quiet = False,
    device: Device = "auto",
) -> None:
    """Suggest which pictures to label first: typical ones, and those that the labels so far leave in doubt."""
    from ssl_irmae._support.allocator import keep_freed_memory
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.protocols.labelling.suggest import suggest

    keep_freed_memory()
    with Display(quiet=quiet) as display:
        result = suggest(
            dataset,
            n=n,
            labels_from=labels_from,
            classes=parse_names(classes),
            encoder=encoder,
            network=parse_own_network(network),
            out=out,
            seed=seed,
            device=device,
            strict=strict,
            progress=display,
        )
    print_result(str(result))
    if Path(dataset).is_dir():
        given = {"--classes": classes, "--encoder": encoder, "--network": network}
        more = [word for option, value in given.items() if value is not None for word in (option, value)]
        classify = shlex.join(["ssl-irmae", "classify", dataset, "--labels-from", str(result.table), *more])
        print_result(f"then: {classify}")
    else:
        print_wrapped(
            "path is the position of an image, from 0. `classify` takes the labels of such data from the data alone: "
            "copy them into the array labels, with -1 for an image without one"
        )
