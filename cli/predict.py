"""``ssl-irmae predict``: label pictures with a classifier that was kept."""

from pathlib import Path
from typing import Annotated

import typer

from ssl_irmae.cli.help import OUTPUT
from ssl_irmae.cli.options import Device, OwnNetwork, Quiet, Strict, parse_own_network
from ssl_irmae.cli.terminal import handle_errors, print_result

EXAMPLES = """
ssl-irmae predict runs/mine/classifier new-pictures/ --out new.csv
ssl-irmae predict runs/mine/classifier more.npz --out more.csv
"""
EPILOG = """
The table has the columns path, label, confidence and second (the next class), one line per picture. Folders in the
folder may be of any kind: they name no classes, and labels that pictures already have are ignored. A file that exists
is overwritten only if it is a table of earlier predictions.
""".replace("\n", " ")


@handle_errors
def command(
    *,
    classifier: Annotated[
        Path, typer.Argument(metavar="CLASSIFIER", help="The folder `classifier` that `ssl-irmae classify` wrote.")
    ],
    dataset: Annotated[
        str, typer.Argument(metavar="PICTURES", help="A folder of pictures, an .npz, an IDX file, or a name.")
    ],
    strict: Strict = False,
    network: OwnNetwork = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .csv to write.", rich_help_panel=OUTPUT)],
    quiet: Quiet = False,
    device: Device = "auto",
) -> None:
    """Label pictures with a classifier that `classify` kept: a CSV with the label and the confidence of each."""
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.protocols.labelling.predict import predict

    with Display(quiet=quiet) as display:
        predictions = predict(
            classifier,
            dataset,
            out=out,
            network=parse_own_network(network),
            device=device,
            strict=strict,
            progress=display,
        )
    print_result(f"{out}: {predictions}")
