"""``ssl-irmae classify``: labels for all pictures from a few."""

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
from ssl_irmae.cli.terminal import handle_errors, print_lines, print_status

EXAMPLES = """
ssl-irmae classify my-pictures/ --labels-from labels.csv
ssl-irmae classify my-pictures/ --encoder runs/mine --out labelled
"""
EPILOG = """
Labels are read from sub-folders, labelled/CLASS/ beside unlabelled/, or from a table with the columns path and label,
which --labels-from names. Written: predictions.csv (path, label, confidence, second), report.html (the least certain
pictures first) and the folder classifier, for `ssl-irmae predict`.
""".replace("\n", " ")


@handle_errors
def command(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="PICTURES",
            help="A folder of pictures, or an .npz in which -1 is the label of pictures without one.",
        ),
    ],
    labels_from: LabelsFrom = None,
    classes: Classes = None,
    strict: Strict = False,
    encoder: OwnEncoder = None,
    network: OwnNetwork = None,
    contender: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What to fit; `ssl-irmae evaluate --contenders help` explains names.",
            show_default="depends on how many labels there are",
            rich_help_panel=RUN,
        ),
    ] = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The folder to write into.",
            show_default="runs/NAME-classify",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quiet: Quiet = False,
    device: Device = "auto",
) -> None:
    """Label all pictures from a few labels, with confidence and the error to expect."""
    from ssl_irmae._support.allocator import keep_freed_memory
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.protocols.labelling.classify import classify

    keep_freed_memory()
    with Display(quiet=quiet) as display:
        result = classify(
            dataset,
            labels_from=labels_from,
            classes=parse_names(classes),
            encoder=encoder,
            network=parse_own_network(network),
            contender=contender,
            out=out,
            seed=seed,
            device=device,
            strict=strict,
            progress=display,
        )
    print_lines(str(result))
    if not quiet:
        print_status(f"{result.folder}: predictions.csv, report.html, classifier/")
