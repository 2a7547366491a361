"""``ssl-irmae dimension``: how many dimensions rows, images or their codes have."""

from typing import Annotated

import typer

from ssl_irmae.cli.help import RUN
from ssl_irmae.cli.options import AnyData, Json, OwnNetwork, Quiet, Strict, parse_own_network
from ssl_irmae.cli.terminal import handle_errors, print_json, print_lines

EXAMPLES = """
ssl-irmae dimension --dataset table.csv
ssl-irmae dimension --dataset table.csv --encoder runs/table-irmae
ssl-irmae dimension --dataset table.csv --encoder runs/a --encoder runs/b
"""
EPILOG = """
Printed are the effective rank of the covariance, how many of its singular values are above a share of the largest, and,
with the extra `dimension`, lPCA, MLE, CorrInt and TwoNN of scikit-dimension. Each has its standard deviation over
random halves of the rows, or over the encoders if there are several.
""".replace("\n", " ")


@handle_errors
def command(
    *,
    dataset: AnyData,
    strict: Strict = False,
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER",
            help="Measure the codes of this encoder; several, such as of several seeds, give the spread over them.",
            show_default="none: the rows or pixels themselves",
            rich_help_panel=RUN,
        ),
    ] = None,
    network: OwnNetwork = None,
    seeds: Annotated[
        int,
        typer.Option(metavar="N", help="How many random halves of the rows the spread is over.", rich_help_panel=RUN),
    ] = 10,
    threshold: Annotated[
        float,
        typer.Option(
            metavar="SHARE", help="Singular values above this share of the largest are counted.", rich_help_panel=RUN
        ),
    ] = 0.01,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure how many dimensions rows of numbers, images or their codes have."""
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.intrinsic_dimension import dimension

    with Display(quiet=quiet) as display:
        found = dimension(
            dataset,
            encoder=encoder or None,
            seeds=seeds,
            threshold=threshold,
            network=parse_own_network(network),
            strict=strict,
            progress=display,
        )
    if json_:
        print_json(found.to_dict())
        return
    print_lines(str(found))
